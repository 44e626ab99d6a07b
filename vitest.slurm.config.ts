import { defineConfig } from "vitest/config";
import { builtEntries } from "./test/built-entries.ts";

/** `npm run test:slurm`: what needs a running Slurm, which test/slurm/setup.ts starts and stops. */
export default defineConfig({
  plugins: [builtEntries()],
  test: {
    include: ["test/slurm/**/*.test.ts"],
    globalSetup: "test/slurm/setup.ts",
    fileParallelism: false, // one node of few cores
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
