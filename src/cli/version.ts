// The package's own place, its version and what it needs, read from its package.json.
// The files of cli/ are joined where dist/ is built: what is beside the package is named from cli/ itself, not from below it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
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

/** The program itself, for processes that are started to run a verb. */
export const PROGRAM: string = fileURLToPath(new URL("../../bin/facehand.js", import.meta.url));
