import { defineConfig } from "vitest/config";

/** `npm run test:large`: what takes gigabytes of disk and minutes. */
export default defineConfig({
  test: { include: ["test/large/**/*.test.ts"], fileParallelism: false, testTimeout: 600_000 },
});
