// `npm run test:slurm`: installs and builds what is missing, then runs the tests that need a cluster (test/slurm).
import { ensureAndRun } from "./ensure.mjs";

const config = ["--config", "vitest.slurm.config.ts"];
await ensureAndRun(["node_modules/vitest/vitest.mjs", "run", ...config, ...process.argv.slice(2)]);
