// The package's own version, read from its package.json.
import { readFileSync } from "node:fs";
import { z } from "zod";

const schema = z.looseObject({ version: z.string() });

/** This package's version. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return schema.parse(JSON.parse(text)).version;
}
