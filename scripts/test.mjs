// `npm test`: installs and builds what is missing, then runs Vitest once with the given arguments.
import { ensureAndRun } from "./ensure.mjs";

await ensureAndRun(["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)]);
