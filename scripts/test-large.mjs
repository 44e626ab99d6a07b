// `npm run test:large`: installs and builds what is missing, then runs the tests that take gigabytes of disk (test/large)
import { ensureAndRun } from "./ensure.mjs";

const config = ["--config", "vitest.large.config.ts"];
await ensureAndRun(["node_modules/vitest/vitest.mjs", "run", ...config, ...process.argv.slice(2)]);
