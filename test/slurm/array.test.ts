// src/machine/slurm/slurm on a real cluster of one node: arrays run, tasks are lost, killed, cancelled, followers die.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { type ArrayCounts, type ArrayJob, cancelArray, runArray } from "../../src/machine/slurm/slurm.ts";
import { codeArgs, moduleOf } from "../process.ts";
import { CLUSTER, call, LIMITS_MEMORY, until, WHY_NO_SLURM } from "./cluster.ts";

const root = await mkdtemp(join(tmpdir(), "facehand array "));
afterAll(() => rm(root, { recursive: true }));

let dir = "";
let runs = 0;
beforeEach(() => {
  dir = join(root, `100 % of 'run' ${++runs}`);
});

const sh = (code: string) => ["/bin/sh", "-c", code];
const here = (name: string) => `'${join(dir, name).replaceAll("'", `'\\''`)}'`;
const job = (tasks: readonly (readonly string[])[], more: Partial<ArrayJob> = {}): ArrayJob => ({
  dir,
  name: "facehand-test",
  tasks,
  resources: { cpus: 1 },
  pollMs: 100,
  graceMs: 500,
  ...more,
});
const ends = (outcomes: readonly { end: string }[]) => outcomes.map(({ end }) => end);
/** How often each task was begun, from its log. */
const begun = async (task: number) =>
  (await readFile(join(dir, "logs", `00${task}.log`), "utf8")).match(/^task \d+ on /gm)?.length;
/** Ids of the tasks that run, e.g. `7_0`. */
const running = () => call("squeue", "--noheader", "--states=RUNNING", "--array", "--format=%i");
/** A job of all cores in a partition that goes before the others. */
const URGENT = ["--partition=urgent", "--cpus-per-task=4", "--mem=0", "--output=/dev/null"];
/** Waits until a task of this test has begun; another test's last one may still be in the queue. */
const somethingRuns = () => until(async () => (await logs()).length > 0 && running() !== "");
const logs = () => readdir(join(dir, "logs")).catch(() => []);

describe.skipIf(WHY_NO_SLURM !== undefined)("a job array", () => {
  it("runs every command once, with its words as they are and a log of its own", async () => {
    const words = ["it's", 'a "b" $HOME `c`', "two\nlines", "", "*", "ü"];
    const tasks = [0, 1, 2].map((k) => ["/usr/bin/printf", "<%s>", `${k}`, ...words]);
    const outcomes = await runArray(job(tasks));
    expect(ends(outcomes)).toEqual(["done", "done", "done"]);
    expect(outcomes.map(({ log }) => log)).toEqual(
      ["000", "001", "002"].map((n) => join(dir, "logs", `${n}.log`)),
    );
    const log = await readFile(outcomes[1]!.log, "utf8");
    expect(log).toMatch(/^task 1 on \S+, job \d+, /);
    expect(log.slice(log.indexOf("\n") + 1)).toBe(["1", ...words].map((word) => `<${word}>`).join(""));
    expect(await begun(1)).toBe(1);
    expect(ends(await runArray(job(tasks)))).toEqual(["done", "done", "done"]);
    expect(await begun(1)).toBe(1); // the second call had nothing to do
    await expect(runArray(job([["true"]]))).rejects.toMatchObject({
      code: "ARRAY_OTHER",
      message: `Expected the folder of a job array of the same commands for facehand-test, got "one of other commands" (${dir})`,
    });
  });

  it("tries a failed task again, but not one whose exit code is final", async () => {
    const flaky = sh(`[ -e ${here("second")} ] || { touch ${here("second")}; exit 70; }`);
    const outcomes = await runArray(job([flaky, sh("exit 3"), sh("exit 70")], { retries: 2 }));
    expect(outcomes).toMatchObject([
      { end: "done", code: 0 },
      { end: "failed", code: 3, detail: "exit code 3" },
      { end: "failed", code: 70 },
    ]);
    expect(await Promise.all([0, 1, 2].map(begun))).toEqual([2, 1, 3]);
    await runArray(job([flaky, sh("exit 3"), sh("exit 70")], { retries: 0 }));
    expect(await Promise.all([0, 1, 2].map(begun))).toEqual([2, 2, 4]); // a new call tries once more
  });

  it("submits a task again that was killed with its script, or whose output is not right", async () => {
    const killed = sh(`[ -e ${here("k")} ] || { touch ${here("k")}; kill -9 $PPID; sleep 1; }`);
    const bad = sh(`echo x >>${here("out")}`);
    const verify = async (task: number) => {
      if (task !== 1) return undefined;
      return (await readFile(join(dir, "out"), "utf8")) === "x\n"
        ? "one line where two were expected"
        : undefined;
    };
    expect(ends(await runArray(job([killed, bad], { verify })))).toEqual(["done", "done"]);
    expect(await Promise.all([0, 1].map(begun))).toEqual([2, 2]);
  });

  it("gives a lost task up after its retries, and reports what is known", async () => {
    const outcomes = await runArray(job([sh("kill -9 $PPID; sleep 1")], { retries: 1 }));
    expect(outcomes).toMatchObject([{ end: "lost", detail: "FAILED" }]);
    expect(await begun(0)).toBe(2);
  });

  it("leaves a cancelled task alone, until it is asked for again", async () => {
    const tasks = [sh(`[ -e ${here("go")} ] || sleep 100`), sh("true")];
    const outcomes = runArray(job(tasks));
    await until(async () => (await begun(0).catch(() => 0)) === 1);
    call("scancel", /\d+_0/.exec(running())![0]);
    expect(await outcomes).toMatchObject([
      { end: "cancelled", detail: "CANCELLED: by scancel, of the user or an administrator" },
      { end: "done" },
    ]);
    await writeFile(join(dir, "go"), "");
    expect(ends(await runArray(job(tasks)))).toEqual(["done", "done"]);
    expect(await Promise.all([0, 1].map(begun))).toEqual([2, 1]);
  });

  it("reports which limit ended a task", async () => {
    const resources = { cpus: 1, minutes: 1, memoryMb: 100 };
    const outcomes = runArray(job([sh("sleep 100")], { retries: 0, resources }));
    await until(async () => (await begun(0).catch(() => 0)) === 1 && running() !== "");
    call("scontrol", "update", `job=${running()}`, "EndTime=now+1second"); // Slurm checks twice a minute
    expect(await outcomes).toMatchObject([
      { end: "lost", detail: "TIMEOUT: it ran longer than its time limit of 1:00", limit: "--time" },
    ]);
  }, 90_000);

  it.skipIf(!LIMITS_MEMORY)(
    "reports that a task took too much memory (needs memory groups of the kernel)",
    async () => {
      const greedy = "const all = []; setInterval(() => all.push(Buffer.alloc(2e7, 1)), 20)";
      const resources = { cpus: 1, memoryMb: 100 };
      const outcomes = await runArray(job([[process.execPath, "-e", greedy]], { retries: 1, resources }));
      const detail = "OUT_OF_MEMORY: it took more than its memory limit of 100M";
      expect(outcomes).toMatchObject([{ end: "lost", detail, limit: "--mem" }]);
      expect(await begun(0)).toBe(2);
    },
    60_000,
  );

  it("submits a task again whose place another job took", async () => {
    const outcomes = runArray(job([sh(`[ -e ${here("go")} ] || sleep 100`)]));
    await until(async () => (await begun(0).catch(() => 0)) === 1);
    await writeFile(join(dir, "go"), "");
    call("sbatch", ...URGENT, "--wrap=sleep 2");
    await until(() => call("squeue", "--noheader", "--states=PREEMPTED", "--format=%T") === "PREEMPTED");
    expect(ends(await outcomes)).toEqual(["done"]);
    expect(await begun(0)).toBe(2);
  });

  it("reports that a task could not run before its deadline", async () => {
    const urgent = call("sbatch", "--parsable", ...URGENT, "--wrap=sleep 300");
    await until(() => running() === urgent);
    const resources = { cpus: 1, minutes: 1, sbatch: ["--deadline=now+62seconds"] };
    const outcomes = await runArray(job([sh("true")], { retries: 0, resources }));
    call("scancel", urgent);
    expect(outcomes).toMatchObject([
      { end: "lost", detail: "DEADLINE: its deadline passed", limit: "--deadline" },
    ]);
    expect(await begun(0).catch(() => 0)).toBe(0);
  }, 120_000);

  it("submits a task again whose node failed", async () => {
    const outcomes = runArray(
      job([sh(`mkdir ${here("first")} && sleep 100 || true`)], {
        resources: { cpus: 1, sbatch: ["--no-requeue"] },
      }),
    );
    await until(async () => (await begun(0).catch(() => 0)) === 1);
    const node = call("sinfo", "--noheader", "--format=%N");
    call("scontrol", "update", `nodename=${node}`, "state=down", "reason=test");
    await until(() => call("squeue", "--noheader", "--states=NODE_FAIL", "--format=%T") === "NODE_FAIL");
    call("scontrol", "update", `nodename=${node}`, "state=idle");
    expect(ends(await outcomes)).toEqual(["done"]);
    expect(await begun(0)).toBe(2);
  });

  it("follows a task that Slurm itself starts again", async () => {
    const outcomes = runArray(job([sh(`[ -e ${here("go")} ] || { touch ${here("waits")}; sleep 100; }`)]));
    await until(() => existsSync(join(dir, "waits"))); // else it might see "go" at once, and be done
    expect(await begun(0)).toBe(1);
    await writeFile(join(dir, "go"), "");
    const id = running();
    call("scontrol", "requeue", id);
    await until(() => call("squeue", "--noheader", "--states=PENDING", "--format=%T") === "PENDING");
    call("scontrol", "update", `job=${id}`, "StartTime=now"); // it would wait for two minutes
    expect(ends(await outcomes)).toEqual(["done"]);
    expect(await begun(0)).toBe(2);
  });

  it("continues after a kill -9 of its follower, and starts nothing twice", async () => {
    const tasks = [0, 1, 2, 3, 4].map(() => sh("sleep 1"));
    await mkdir(join(dir, "bin"), { recursive: true });
    await writeFile(
      join(dir, "bin", "sbatch"),
      `#!/bin/sh\nsleep 2\nexec /usr/bin/env PATH='${process.env.PATH}' sbatch "$@"\n`,
    );
    await chmod(join(dir, "bin", "sbatch"), 0o755);
    const recorded = async (jobId: RegExp) => {
      const record = await readFile(join(dir, "array.json"), "utf8").catch(() => "");
      return jobId.test(record);
    };
    // The first one dies while its sbatch, made slow here, is still on its way; the second one finds that job.
    const first = follower(job(tasks), `${join(dir, "bin")}:${process.env.PATH}`);
    await until(() => recorded(/"jobId": null/));
    await kill(first);
    const second = follower(job(tasks, { graceMs: 10_000 }));
    await somethingRuns();
    await kill(second);
    expect(ends(await runArray(job(tasks, { graceMs: 10_000 })))).toEqual(Array(5).fill("done"));
    expect(await Promise.all([0, 1, 2, 3, 4].map(begun))).toEqual([1, 1, 1, 1, 1]);
    expect(await readdir(dir)).not.toContain("submission-1.sh");
  });

  it("stops following on a signal; jobs continue, are followed again, and can be cancelled", async () => {
    const stop = new AbortController();
    const tasks = [sh(`until [ -e ${here("go")} ]; do sleep 0.1; done`)];
    const outcomes = runArray(job(tasks, { signal: stop.signal }));
    await somethingRuns();
    await expect(runArray(job(tasks))).rejects.toThrow(
      /^Expected the job array in .* to be free, got process \d+ on /,
    );
    await until(async () => (await begun(0).catch(() => 0)) === 1);
    stop.abort(new Error("stopped"));
    await expect(outcomes).rejects.toThrow("stopped");
    expect(running()).not.toBe("");
    const again = runArray(job(tasks));
    await writeFile(join(dir, "go"), "");
    expect(ends(await again)).toEqual(["done"]);
    expect(await begun(0)).toBe(1);
    await rm(join(dir, "go"));
    await rm(dir, { recursive: true });
    const third = runArray(job(tasks));
    await somethingRuns();
    expect(await cancelArray(dir)).toHaveLength(1);
    expect(ends(await third)).toEqual(["cancelled"]);
  });

  it("bears a controller that is away for a while", async () => {
    const counts: ArrayCounts[] = [];
    const outcomes = runArray(
      job([sh("sleep 2"), sh("true")], { onUpdate: (c) => counts.push(c), graceMs: 5000 }),
    );
    await until(() => counts.some(({ running }) => running > 0));
    const pid = Number(await readFile(join(CLUSTER, "slurmctld.pid"), "utf8"));
    process.kill(pid, "SIGTERM"); // a kill -9 would take its state with it
    await until(() => !isAlive(pid));
    expect(() => call("squeue")).toThrow();
    call("slurmctld");
    expect(ends(await outcomes)).toEqual(["done", "done"]);
    expect(counts.at(-1)).toEqual({ total: 2, done: 2, running: 0, waiting: 0, failed: 0, reasons: [] });
  });

  it("submits a task again that a broken node could not start", async () => {
    await writeFile(join(CLUSTER, "broken"), "");
    const outcomes = runArray(job([sh("true")]));
    const node = () => call("sinfo", "--noheader", "--format=%T");
    await until(() => node().startsWith("drain"));
    await rm(join(CLUSTER, "broken"));
    call("scontrol", "update", `nodename=${call("sinfo", "--noheader", "--format=%N")}`, "state=resume");
    expect(ends(await outcomes)).toEqual(["done"]);
    expect(await begun(0)).toBe(1);
    expect(await readdir(dir)).toContain("submission-1.sh");
  });

  it("reports what Slurm refuses, and what it cannot pass on", async () => {
    const refuse = (sbatch: string) => runArray(job([sh("true")], { resources: { sbatch: [sbatch] } }));
    await expect(refuse("--partition=nowhere")).rejects.toMatchObject({
      kind: "remote",
      code: "SLURM_REFUSED",
      message:
        "Expected Slurm to take the jobs, got: invalid partition specified: nowhere; " +
        "Batch job submission failed: Invalid partition name specified",
      hint: expect.stringContaining("sinfo"),
    });
    await expect(refuse("partition")).rejects.toThrow(
      'Expected an option of sbatch such as --partition=long for --sbatch, got "partition"',
    );
    expect(ends(await runArray(job([sh("true")])))).toEqual(["done"]); // nothing of the refused ones is left
  });

  it("fails at once when there is no controller", async () => {
    const conf = process.env.SLURM_CONF;
    process.env.SLURM_CONF = join(root, "away.conf");
    const text = await readFile(join(CLUSTER, "slurm.conf"), "utf8");
    await writeFile(
      process.env.SLURM_CONF,
      `${text.replace(/^SlurmctldPort=.*$/m, "SlurmctldPort=1")}MessageTimeout=2\n`,
    );
    try {
      await expect(runArray(job([sh("true")]))).rejects.toMatchObject({
        kind: "remote",
        code: "SLURM_UNREACHABLE",
      });
    } finally {
      process.env.SLURM_CONF = conf;
    }
  });
});

/** Follows an array in a process of its own. */
function follower(array: ArrayJob, path = process.env.PATH): ChildProcess {
  const code = `
    const { runArray } = await import(${moduleOf("machine/slurm/slurm.ts")});
    await runArray(JSON.parse(process.argv[1]));`;
  return spawn(process.execPath, codeArgs(code, JSON.stringify(array)), {
    env: { ...process.env, PATH: path },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}
