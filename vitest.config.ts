import { defineConfig } from "vitest/config";
import { builtEntries } from "./test/built-entries.ts";
import { SlowFirst } from "./test/slow-first.ts";

export default defineConfig({
  plugins: [builtEntries()],
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["test/slurm/**", "test/large/**"], // by `npm run test:slurm`, which starts a cluster, and `test:large`
    setupFiles: ["test/same-bytes.ts"],
    // Native sessions use both cores already; more workers only fight for them.
    maxWorkers: 2,
    sequence: { sequencer: SlowFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
