// The package's own version and what it needs, read from its package.json.
import { readFileSync } from "node:fs";
import { z } from "zod";

const schema = z.looseObject({ version: z.string(), engines: z.looseObject({ node: z.string() }) });

function readPackage(): z.infer<typeof schema> {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return schema.parse(JSON.parse(text));
}

/** This package's version. */
export function packageVersion(): string {
  return readPackage().version;
}

/** The oldest Node that it runs on, e.g. `20.19`. */
export function nodeFloor(): string {
  return readPackage().engines.node.replace(/^>=/, "");
}
