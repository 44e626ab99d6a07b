// Threads that end by themselves: whoever waits, and whoever asks later, gets the reason.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { WorkerPool } from "./pool.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-pool-"));
});
afterEach(() => rm(dir, { recursive: true }));

it("gives later tasks too the fault that ended a thread, not that it ended", async () => {
  const refused = `Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE", syscall: "open" })`;
  await writeFile(join(dir, "worker.ts"), `throw ${refused};\n`);
  const pool = new WorkerPool(pathToFileURL(join(dir, "worker")), 1);
  const asked = [pool.run(1), pool.run(2)];
  for (const one of asked) await expect(one).rejects.toThrow("EMFILE: too many open files");
  await expect(pool.run(3)).rejects.toThrow("EMFILE: too many open files");
  await pool.close();
});
