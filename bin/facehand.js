#!/usr/bin/env node
// The command line of the built package; in a checkout `npm run build` makes dist/.
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(main)) {
  try {
    const { run } = await import(main.href);
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    // The code that explains errors could not be loaded: of a system that refuses, e.g. EMFILE, the exit code is 3. Node passes over
    // a refusal while it looks for the exports of a CommonJS module, and then lacks them: a SyntaxError.
    const refused = /^E[A-Z0-9]+$/.test(error?.code ?? "") || error instanceof SyntaxError;
    process.stderr.write(`Expected to load facehand, got ${refused ? error.message : error?.stack}\n`);
    process.stderr.write("Try: allow more open files (ulimit -n 4096), and install facehand again\n");
    process.exitCode = refused ? 3 : 70;
  }
} else {
  process.stderr.write("Expected the built package in dist/, got none\nTry: npm run build\n");
  process.exitCode = 70;
}
