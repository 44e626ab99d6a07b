// Processes that tests start on code of src/: from dist/ where it is built of these very sources, else through tsx, which
// takes seconds of processor time more. The command line is there as a bundle (harden/bundle.ts), which starts in a third of
// the time.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundled, bundledProgram } from "../harden/bundle.ts";
import { isBuilt, ROOT } from "../scripts/ensure.mjs";

const BUILT = isBuilt();

/** Node's arguments that run a module's text and hand it `argv`. */
export function codeArgs(code: string, ...argv: readonly string[]): string[] {
  return [...(BUILT ? [] : ["--import", "tsx"]), "--input-type=module", "-e", code, ...argv];
}

/** What `facehand` runs: bin/facehand.js, of the bundle where it is built. */
export const PROGRAM: string = (BUILT ? bundledProgram() : undefined) ?? join(ROOT, "bin", "facehand.js");

/** Path below the repository of what has a module's types: its declarations, which tsc reads in a moment, or its source. */
export function typesOf(file: string): string {
  return BUILT ? `dist/${file.replace(/\.ts$/, ".d.ts")}` : `src/${file}`;
}

/** The address of a module of src/, in quotes, for the text of another one; e.g. `machine/lock.ts`. */
export function moduleOf(file: string): string {
  const name = file.replace(/\.ts$/, "");
  const path = BUILT ? (bundled(name) ?? join(ROOT, "dist", `${name}.js`)) : join(ROOT, "src", file);
  return JSON.stringify(pathToFileURL(path).href);
}
