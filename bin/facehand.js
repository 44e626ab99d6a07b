#!/usr/bin/env node
// The command line of the built package; in a checkout `npm run build` makes dist/.
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(main)) {
  const { run } = await import(main.href);
  process.exitCode = await run(process.argv.slice(2));
} else {
  process.stderr.write("Expected the built package in dist/, got none\nTry: npm run build\n");
  process.exitCode = 70;
}
