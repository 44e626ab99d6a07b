// What `derive --executor slurm` reports of tasks that did not end well. On a running cluster: test/slurm/derive.test.ts.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { tasksFailed } from "../../src/cli/derive/slurm.ts";

const dir = await mkdtemp(join(tmpdir(), "facehand-tasks-failed-"));
afterAll(() => rm(dir, { recursive: true }));
const log = join(dir, "001.log");

describe("tasksFailed", () => {
  it("names the limit that has to be raised", async () => {
    await writeFile(log, "task 1 on a node\none\ntwo\nthree\n");
    const detail = "TIMEOUT: it ran longer than its time limit of 1:00:00";
    const bad = { task: 1, end: "lost", detail, log, limit: "--time" } as const;
    const error = await tasksFailed("facehand-derive", 8, [bad, bad]);
    expect(error.describe()).toBe(
      "Expected all 8 tasks of facehand-derive to end well, got 2 that did not; task 1 lost " +
        "(TIMEOUT: it ran longer than its time limit of 1:00:00), last lines of its log: one | two | three\n" +
        "Try: the same command with a higher --sbatch=--time=...; shards continue where they were stopped",
    );
    expect(error.kind).toBe("remote");
  });

  it("points at the log of a command that failed by itself, and at bad input as such", async () => {
    const bad = {
      task: 0,
      end: "failed",
      detail: "exit code 3",
      code: 3,
      log: join(dir, "none.log"),
    } as const;
    const error = await tasksFailed("facehand-derive", 1, [bad]);
    expect([error.kind, error.hint]).toEqual([
      "data",
      `read ${bad.log}; the same command runs what failed again`,
    ]);
  });
});
