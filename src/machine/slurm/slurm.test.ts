// What needs no cluster: the script, the options, the folder. On a running Slurm: test/slurm (npm run test:slurm).
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { exists } from "../files.ts";
import { parseQueue, resourceOptions } from "./commands.ts";
import { arrayPaths, openRecord, saveRecord } from "./record.ts";
import { arrayScript, quoteWord } from "./script.ts";
import { runArray } from "./slurm.ts";
import { explainState, meaningOf, stateName } from "./states.ts";

const root = await mkdtemp(join(tmpdir(), "facehand-slurm-"));
afterAll(() => rm(root, { recursive: true }));

describe.skipIf(process.platform === "win32")("the script of an array", () => {
  it("runs the task of its index and leaves the exit code", async () => {
    const exits = join(root, "it's exits");
    await mkdir(exits);
    const commands = [["true"], ["/bin/sh", "-c", "exit 9"], ["printf", "%s|", "a b", "$X"]];
    const script = arrayScript(commands, { tasks: [1, 2], base: 1 }, 4, exits);
    const run = (index: string) =>
      spawnSync("/bin/sh", ["-c", script], {
        env: { ...process.env, SLURM_ARRAY_TASK_ID: index, SLURM_ARRAY_JOB_ID: "12" },
        encoding: "utf8",
      });
    expect(run("0").status).toBe(9);
    expect(await readFile(join(exits, "4-1"), "utf8")).toBe("9\n");
    const { status, stdout } = run("1");
    expect([status, stdout.split("\n")[1]]).toEqual([0, "a b|$X|"]);
    expect(stdout).toMatch(/^task 2 on \S+, job 12, \d{4}-\d\d-\d\dT/);
    expect(await readFile(join(exits, "4-2"), "utf8")).toBe("0\n");
    expect(run("5")).toMatchObject({ status: 64, stderr: "no task 5 in this script\n" });
  });

  it("quotes any word for the shell", () => {
    const words = fc.array(
      fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
      { maxLength: 5 },
    );
    const print = (list: readonly string[]) => {
      const code = `printf '%s\\0' ${list.map(quoteWord).join(" ")}`;
      return spawnSync("/bin/sh", ["-c", code], { encoding: "utf8" }).stdout.split("\0").slice(0, -1);
    };
    fc.assert(
      fc.property(words, (list) => {
        expect(print(["-", ...list])).toEqual(["-", ...list]);
      }),
      { numRuns: 40 },
    );
    expect(() => quoteWord("a\0b")).toThrow("Expected text without NUL for an argument of a task");
  });
});

describe("resourceOptions", () => {
  it("writes what is asked for, and nothing else", () => {
    expect(resourceOptions({})).toEqual([]);
    const all = { cpus: 2, memoryMb: 4000, minutes: 90, gpus: 1, sbatch: ["--partition=long"] };
    expect(resourceOptions(all)).toEqual([
      "--cpus-per-task=2",
      "--mem=4000M",
      "--time=90",
      "--gres=gpu:1",
      "--partition=long",
    ]);
    expect(() => resourceOptions({ sbatch: ["-p long"] })).toThrow(
      'Expected an option of sbatch such as --partition=long for --sbatch, got "-p long"',
    );
  });
});

describe("an array's folder", () => {
  const TASKS = [["true"]];

  it("is found again, with names of its own", async () => {
    const [a, b] = [join(root, "a"), join(root, "b")];
    const record = await openRecord(a, "x", TASKS);
    expect(record.prefix).toMatch(/^x-[0-9a-f]{8}$/);
    expect((await openRecord(b, "x", TASKS)).prefix).not.toBe(record.prefix);
    record.submissions.push({ tasks: [0], base: 0, jobId: null });
    await saveRecord(a, record);
    expect(await openRecord(a, "x", TASKS)).toEqual(record);
    await expect(openRecord(a, "x", [["false"]])).rejects.toMatchObject({
      kind: "input",
      code: "ARRAY_OTHER",
    });
    await writeFile(arrayPaths(a).record, "{}");
    await expect(openRecord(a, "x", TASKS)).rejects.toMatchObject({ kind: "data", code: "JSON_SCHEMA" });
  });

  it("is not made where there is no Slurm", async () => {
    const path = process.env.PATH;
    process.env.PATH = root;
    try {
      await expect(runArray({ dir: join(root, "none"), name: "x", tasks: TASKS })).rejects.toMatchObject({
        kind: "input",
        code: "SLURM_ABSENT",
        message: 'Expected Slurm\'s squeue on PATH for the executor slurm, got "no such program"',
        hint: "run the command on a login node of the cluster, or with --executor local",
      });
    } finally {
      process.env.PATH = path;
    }
    expect(await exists(join(root, "none"))).toBe(false);
  });
});

// What squeue 22.05 printed in this format on the cluster of test/slurm; the lines of OUT_OF_MEMORY, PREEMPTED and
// DEADLINE are as its manual has them (array.test.ts there brings the states about).
const QUEUE = `
facehand-derive-1a2b-0|1|0|TIMEOUT|1:00|900M|TimeLimit
facehand-derive-1a2b-0|1|1|COMPLETING|5:00|900M|None
facehand-derive-1a2b-0|1|2|CANCELLED|5:00|900M|None
wrap|2|0|FAILED|UNLIMITED|0|NonZeroExitCode
j.sh|5|0|NODE_FAIL|5:00|900M|NodeDown
j.sh|6|0|PENDING|5:00|0|BeginTime
j.sh|8|0|RUNNING|1:00|0|None
j.sh|9|0|PENDING|UNLIMITED|0|JobHeldUser
j.sh|11|0|PENDING|UNLIMITED|0|Dependency
j.sh|13|0|OUT_OF_MEMORY|1-00:00:00|2G|OutOfMemory
j.sh|14|0|PREEMPTED|5:00|0|None
j.sh|15|0|DEADLINE|5:00|0|DeadLine
j.sh|16|3|PENDING|5:00|0|launch failed requeued held
`;

describe("states of Slurm", () => {
  it("are read from the queue, with limits and reasons", () => {
    const rows = parseQueue(QUEUE);
    expect(rows).toHaveLength(13);
    expect(rows[0]).toEqual({
      ...{ jobName: "facehand-derive-1a2b-0", jobId: "1", index: 0, state: "TIMEOUT", reason: "TimeLimit" },
      limits: { time: "1:00", memory: "900M" },
    });
    expect(rows.at(-1)).toMatchObject({ index: 3, reason: "launch failed requeued held" });
    expect(rows.map(({ state }) => meaningOf(state))).toEqual([
      ...["killed", "running", "cancelled", "over", "killed", "waiting", "running", "waiting", "waiting"],
      ...["killed", "killed", "killed", "waiting"],
    ]);
    expect(parseQueue("")).toEqual([]);
  });

  it.each([
    ["COMPLETED\n", "COMPLETED", "over"],
    ["CANCELLED by 1000\n", "CANCELLED", "cancelled"],
    ["CANCELLED+", "CANCELLED", "cancelled"],
    ["OUT_OF_MEMORY\n", "OUT_OF_MEMORY", "killed"],
    ["OUT_OF_ME+", "OUT_OF_ME", "running"], // cut in a table of narrow columns, which is not asked for
    ["BOOT_FAIL", "BOOT_FAIL", "killed"],
    ["REVOKED", "REVOKED", "killed"],
    ["SUSPENDED", "SUSPENDED", "running"],
    ["CONFIGURING", "CONFIGURING", "running"],
    ["STAGE_OUT", "STAGE_OUT", "running"],
    ["REQUEUE_HOLD", "REQUEUE_HOLD", "waiting"],
    ["RESV_DEL_HOLD", "RESV_DEL_HOLD", "waiting"],
    ["SPECIAL_EXIT", "SPECIAL_EXIT", "waiting"],
    ["A_STATE_OF_LATER", "A_STATE_OF_LATER", "running"],
  ])("are read from accounting: %j", (text, name, meaning) => {
    expect([stateName(text), meaningOf(text)]).toEqual([name, meaning]);
  });

  it("are none where accounting knows nothing", () => {
    expect(stateName("")).toBeUndefined();
  });

  it("are reported with the limit that was too low", () => {
    const limits = { time: "1:00", memory: "900M" };
    expect(explainState("TIMEOUT", limits)).toBe("TIMEOUT: it ran longer than its time limit of 1:00");
    expect(explainState("OUT_OF_MEMORY", limits)).toBe(
      "OUT_OF_MEMORY: it took more than its memory limit of 900M",
    );
    expect(explainState("OUT_OF_MEMORY", { ...limits, memory: "0" })).toBe(
      "OUT_OF_MEMORY: it took more than its memory limit",
    );
    expect(explainState("NODE_FAIL", limits)).toBe("NODE_FAIL: its node failed");
    expect(explainState("CANCELLED by 0")).toBe("CANCELLED: by scancel, of the user or an administrator");
    expect(explainState("FAILED")).toBe("FAILED");
    expect(explainState("exit code 3")).toBe("exit code 3");
  });
});
