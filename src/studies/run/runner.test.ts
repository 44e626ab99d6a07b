// Running a study: what is done is skipped, failures stay alone, kills and stops cost nothing, two runners keep apart.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawFaces, drawPairs } from "../../../test/drawn.ts";
import { codeArgs, moduleOf } from "../../../test/process.ts";
import { Interrupted } from "../../core/errors.ts";
import { readSplits } from "../../evaluate/stored/prediction-folder.ts";
import { exists, sha256File } from "../../machine/files.ts";
import { takeLock } from "../../machine/lock.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { parseStudyFile } from "../plan/file.ts";
import { planStudy } from "../plan/plan.ts";
import { bestCells } from "../report/best.ts";
import { readStudy, type Study, type Task, taskPaths, tasksOf } from "../study.ts";
import { appendEvent, readEvents } from "./journal.ts";
import { localExecutor } from "./local.ts";
import { type Executor, type Outcome, runStudy } from "./runner.ts";
import { studyStatus } from "./status.ts";
import { runTask } from "./task.ts";

let root = "";
let study: Study;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-study-"));
  await drawPairs(join(root, "pairs"), { train: 12, val: 6, test: 6 });
  await drawFaces(join(root, "faces"), 8);
  await cp(at("pairs"), at("copy"), { recursive: true });
  study = await planned({});
});
afterAll(() => rm(root, { recursive: true, force: true }));

const at = (name: string) => join(root, name);

function planned(more: object): Promise<Study> {
  const file = {
    name: "small",
    backbones: { "test_efficientnet.none": { imageSize: 32 } },
    train: { epochs: 2, batch: 8, lr: 0.01 },
    data: [`pairs:${at("pairs")}`],
    testData: { faces: [`utkface:${at("faces")}`], copy: [`pairs:${at("copy")}`] },
    grid: { L: ["b", "f"] },
    seeds: [1],
    evaluate: [
      { name: "wrong", told: "other" },
      { name: "faces", data: "faces", perturb: { kind: "flip" } },
      { name: "copy", data: "copy" },
    ],
    ...more,
  };
  return planStudy(parseStudyFile(JSON.stringify(file), "small.json"));
}

/** Tasks in this process: the same work as in a child, without the time to start one. */
function here(before: (task: Task, attempt: number) => Outcome | undefined = () => undefined): Executor {
  const attempts = new Map<string, number>();
  return {
    parallel: 1,
    async run(dir, task, { signal }) {
      const { run } = taskPaths(dir, task);
      attempts.set(run, (attempts.get(run) ?? 0) + 1);
      const outcome = before(task, attempts.get(run)!);
      if (outcome !== undefined) return outcome;
      await runTask(dir, await readStudy(dir), task, { threads: 1, workers: 1, signal });
      return { kind: "done" };
    },
  };
}

const CRASH: Outcome = { kind: "failed", fault: { kind: "internal", code: "X", message: "crashed" } };
const WRONG: Outcome = { kind: "failed", fault: { kind: "data", code: "X", message: "a bad row" } };

/** Hashes of everything that a study computed, by name. */
async function results(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir, { recursive: true })).filter((name) =>
    /\.(parquet|safetensors)$/.test(name),
  );
  return Object.fromEntries(
    await Promise.all(names.sort().map(async (name) => [name, await sha256File(join(dir, name))])),
  );
}

// Time for machines that do other things too.
describe("runStudy", { timeout: 240_000 }, () => {
  it("leaves run folders, predictions that say how they came about, and nothing to do", async () => {
    const lines: string[] = [];
    const options = { executor: here(), report: (text: string) => lines.push(text) };
    expect(await runStudy(at("whole"), study, options)).toMatchObject({ done: 2, skipped: 0, failed: [] });
    const [task] = tasksOf(study);
    const paths = taskPaths(at("whole"), task!);
    const own = await readSplits(runPaths(paths.run).predictions);
    const wrong = await readSplits(paths.predictions("wrong"));
    expect(wrong).toHaveLength(12);
    expect(wrong.every(({ modality, modalityUsed }) => modality !== modalityUsed)).toBe(true);
    const same = own.filter(({ split }) => split === "test");
    expect(wrong.map(({ id }) => id)).toEqual(same.map(({ id }) => id));
    expect(wrong.map(({ logit }) => logit)).not.toEqual(same.map(({ logit }) => logit));
    const faces = await readSplits(paths.predictions("faces"));
    expect([...new Set(faces.map(({ source, split }) => `${source} ${split}`))]).toEqual(["utkface test"]);
    const facts = JSON.parse(await readFile(paths.facts("faces"), "utf8"));
    expect(facts).toMatchObject({
      evaluation: { perturb: { kind: "flip" }, data: "faces" },
      images: 8,
      dropped: {},
    });
    expect(facts.checkpointSha256).toBe(await sha256File(runPaths(paths.run).best));
    expect((await readEvents(paths.journal)).map(({ event }) => event)).toEqual(["start", "done"]);

    lines.length = 0;
    expect(await runStudy(at("whole"), study, options)).toMatchObject({ done: 0, skipped: 2 });
    expect(lines).toEqual(["0 of 2 tasks to run, 2 are done"]);
  });

  it("leaves people out of another set that the cell learnt from or was chosen by, and counts them", async () => {
    const paths = taskPaths(at("whole"), tasksOf(study)[0]!);
    const rows = await readSplits(paths.predictions("copy"));
    expect([rows.length, rows.every(({ subject }) => subject.startsWith("pairs:test-"))]).toEqual([12, true]);
    expect(JSON.parse(await readFile(paths.facts("copy"), "utf8")).dropped).toEqual({
      "subject was learnt from": 36,
    });

    await drawPairs(at("known"), { train: 12, val: 0, test: 0 });
    const known = {
      testData: { known: [`pairs:${at("known")}`] },
      evaluate: [{ name: "known", data: "known" }],
    };
    const none = await planned({ ...known, grid: { L: ["b"] } });
    await cp(at("whole"), at("none"), { recursive: true });
    await expect(runTask(at("none"), none, tasksOf(none)[0]!)).rejects.toThrow(
      'Expected images of people that the cell did not learn from for set known, got "24 of people that it did"',
    );
  });

  it("makes predictions again whose evaluation changed, and only those", async () => {
    await cp(at("whole"), at("changed"), { recursive: true });
    const before = await results(at("changed"));
    const other = await planned({
      evaluate: [
        { name: "wrong", told: "other" },
        { name: "faces", data: "faces" },
      ],
    });
    expect((await studyStatus(at("changed"), other)).counts).toMatchObject({ done: 0, unfinished: 2 });
    await runStudy(at("changed"), other, { executor: here() });
    const after = await results(at("changed"));
    const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(changed).toHaveLength(2);
    expect(changed.every((name) => name.endsWith("faces/test.parquet"))).toBe(true);
  });

  it("keeps the runs of cells that are no longer planned, and reports them", async () => {
    await cp(at("whole"), at("less"), { recursive: true });
    const lines: string[] = [];
    const less = await planned({ grid: { L: ["b"] } });
    await runStudy(at("less"), less, { executor: here(), report: (text) => lines.push(text) });
    expect(lines[0]).toBe("1 cells of an earlier plan are not planned any more; their runs stay");
    expect(Object.keys(await results(at("less")))).toEqual(Object.keys(await results(at("whole"))));
    const { name: _, ...rest } = less;
    await expect(runStudy(at("less"), { ...rest, name: "other" }, { executor: here() })).rejects.toThrow(
      "Expected study small as in",
    );
  });

  it("continues after failures, tries crashes again, and not what would fail again", async () => {
    const tried: string[] = [];
    const executor = here((task, attempt) => {
      tried.push(`${task.cell.axes["L"]}${task.seed}`);
      if (task.cell.axes["L"] === "b" && task.seed === 1) return attempt < 3 ? CRASH : { kind: "done" };
      return task.seed === 2 ? WRONG : { kind: "done" };
    });
    const both = { ...study, seeds: [1, 2] };
    const result = await runStudy(at("failures"), both, { executor, retries: 2 });
    expect(tried).toEqual(["b1", "b1", "b1", "b2", "f1", "f2"]);
    expect(result).toMatchObject({ done: 2, failed: [{ fault: { message: "a bad row" } }, {}] });
  });

  it("stops at the first failure if asked", async () => {
    const result = await runStudy(at("fast"), study, { executor: here(() => WRONG), failFast: true });
    expect(result).toMatchObject({ done: 0, failed: [{}] });
  });

  it("ends with the same bytes when stopped within a task and run again", async () => {
    const stop = new AbortController();
    const executor: Executor = {
      parallel: 1,
      async run(dir, task, { signal }) {
        await runTask(dir, study, task, { threads: 1, workers: 1, signal, onStep: () => stop.abort() }).catch(
          () => undefined,
        );
        return { kind: "stopped" };
      },
    };
    await expect(runStudy(at("stopped"), study, { executor, signal: stop.signal })).rejects.toThrow(
      Interrupted,
    );
    expect((await studyStatus(at("stopped"), study)).counts).toMatchObject({ unfinished: 1, missing: 1 });
    const [first] = tasksOf(study);
    const own = ([name]: [string, string]) => name.includes(first!.cell.id);
    await runTask(at("stopped"), study, first!, { threads: 1, workers: 1 });
    expect(Object.entries(await results(at("stopped")))).toEqual(
      Object.entries(await results(at("whole"))).filter(own),
    );
  });

  it("is refused a folder, and a task, that another process works on", async () => {
    const runner = await takeLock(at("locked"), "x");
    await expect(runStudy(at("locked"), study, { executor: here() })).rejects.toMatchObject({
      code: "LOCKED",
    });
    await runner.release();
    const [task] = tasksOf(study);
    const lock = await takeLock(taskPaths(at("locked"), task!).run, "x");
    await expect(runTask(at("locked"), study, task!)).rejects.toThrow(
      "Expected seed 1 of test_efficientnet.none_F1_Af_Lb_Z0 to be free",
    );
    expect((await studyStatus(at("locked"), study)).counts.running).toBe(1);
    await lock.release();
  });
});

describe("tasks in processes of their own", { timeout: 240_000 }, () => {
  const local = () => localExecutor({ threads: 1, workers: 1, maxParallel: 2 });

  it("give the same bytes; a child killed by kill -9 is tried again, and the journal records it", {
    timeout: 120_000,
  }, async () => {
    const small = await planned({ grid: { L: ["b", "f"] } });
    let killed = false;
    const executor = local();
    const run = runStudy(at("children"), small, { executor, retries: 1 });
    for (const [task] = tasksOf(small); !killed; await sleep(20)) {
      const { journal } = taskPaths(at("children"), task!);
      const pid = (await readEvents(journal)).at(-1)?.pid;
      if (pid === undefined) continue;
      process.kill(pid, "SIGKILL");
      killed = true;
    }
    expect(await run).toMatchObject({ done: 2, failed: [] });
    const [task] = tasksOf(small);
    const events = await readEvents(taskPaths(at("children"), task!).journal);
    expect(events.map(({ event }) => event)).toEqual(["start", "lost", "start", "done"]);
    expect(events[1]!.error?.message).toBe("Expected the task's process to finish, got its end by SIGKILL");
    const whole = await results(at("whole"));
    for (const [name, hash] of Object.entries(await results(at("children"))))
      expect([name, hash]).toEqual([name, whole[name]]);
  });

  it("stop when their runner is killed by kill -9, and the next runner finishes", {
    timeout: 120_000,
  }, async () => {
    const long = await planned({ grid: { L: ["b"] }, train: { epochs: 20, batch: 8 }, evaluate: [] });
    const code = `
      import { runStudy } from ${moduleOf("studies/run/runner.ts")};
      import { localExecutor } from ${moduleOf("studies/run/local.ts")};
      import { readStudy } from ${moduleOf("studies/study.ts")};
      const dir = process.argv[1];
      await runStudy(dir, await readStudy(dir), { executor: localExecutor({ threads: 1, workers: 1 }) });`;
    await runStudy(at("orphans"), long, {
      executor: { parallel: 1, run: async () => ({ kind: "stopped" }) },
    });
    const runner = spawn(process.execPath, codeArgs(code, at("orphans")));
    const [task] = tasksOf(long);
    const paths = taskPaths(at("orphans"), task!);
    while (!(await exists(runPaths(paths.run).log))) await sleep(20);
    const gone = once(runner, "exit");
    runner.kill("SIGKILL");
    await gone;
    while ((await readEvents(paths.journal)).at(-1)?.event !== "stopped") await sleep(20);
    const status = () => studyStatus(at("orphans"), long);
    while ((await status()).counts.unfinished !== 1) await sleep(20); // its process ends a moment after its last word
    const { tasks } = await status();
    expect(tasks[0]!.epochs).toBeGreaterThan(0);
    expect(tasks[0]!.secondsLeft).toBeGreaterThan(0);
    expect(await runStudy(at("orphans"), long, { executor: local() })).toMatchObject({ done: 1 });
  });

  it("report what went wrong in them", async () => {
    await cp(at("pairs"), at("broken"), { recursive: true });
    const broken = await planned({
      data: [`pairs:${at("broken")}`],
      grid: { L: ["b"] },
      seeds: [1],
      evaluate: [],
    });
    await writeFile(join(at("broken"), "train.csv"), "no table\n");
    const result = await runStudy(at("wrong"), broken, { executor: local() });
    expect(result.failed).toHaveLength(1);
    const { tasks } = await studyStatus(at("wrong"), broken);
    expect(tasks[0]).toMatchObject({ state: "failed", failures: 1, error: { kind: "data" } });
    expect(tasks[0]!.error!.message).toContain("train.csv");
    expect(result.failed[0]!.fault).toEqual(tasks[0]!.error);
  });
});

describe("bestCells", () => {
  it("ranks finished cells by validation, and shows the test figure", async () => {
    const { cells, leftOut } = await bestCells(at("whole"), study);
    expect([cells.length, leftOut.length]).toEqual([2, 0]);
    expect(cells[0]!.validation.mean).toBeGreaterThanOrEqual(cells[1]!.validation.mean);
    const rows = await Promise.all(
      study.seeds.map((seed) =>
        readSplits(runPaths(taskPaths(at("whole"), { cell: cells[0]!.cell, seed }).run).predictions),
      ),
    );
    const share = (male: 0 | 1, own: (typeof rows)[number]) => {
      const test = own.filter(({ split, target }) => split === "test" && target === male);
      return test.filter(({ probability }) => probability >= 0.5 === (male === 1)).length / test.length;
    };
    const expected = rows.map((own) => (share(0, own) + share(1, own)) / 2);
    expect(cells[0]!.test!.mean).toBeCloseTo(expected[0]!, 12);
    expect(cells[0]!.images).toBe(12);
  });

  it("really filters by axis, modality and number", async () => {
    const ranking = await bestCells(at("whole"), study, { k: 1, only: { L: "f" }, modality: "hand" });
    expect(ranking.cells.map(({ cell, images }) => [cell.axes["L"], images])).toEqual([["f", 6]]);
    expect((await bestCells(at("whole"), study, { k: 1 })).cells).toHaveLength(1);
    await expect(bestCells(at("whole"), study, { only: { arch: "mag" } })).rejects.toThrow(
      'Expected arch of a cell (umcc) for --only, got "mag"',
    );
  });

  it("lets only cells with all seeds compete", async () => {
    const { leftOut } = await bestCells(at("whole"), { ...study, seeds: [1, 2] });
    expect(leftOut.map(({ reason }) => reason)).toEqual([
      "1 of 2 seeds are not done",
      "1 of 2 seeds are not done",
    ]);
  });
});

describe("journals", () => {
  it("stay whole after a line that a kill cut off", async () => {
    const path = at("journal.jsonl");
    await appendEvent(path, "start");
    await writeFile(path, (await readFile(path, "utf8")).slice(0, -20));
    await appendEvent(path, "done");
    expect((await readEvents(path)).map(({ event }) => event)).toEqual(["done"]);
  });

  it("of earlier versions are read, which ended a line that was cut off", async () => {
    const path = at("earlier.jsonl");
    await appendEvent(path, "start");
    const line = await readFile(path, "utf8");
    await writeFile(path, `${line.slice(0, -20)}\n${line}`);
    expect((await readEvents(path)).map(({ event }) => event)).toEqual(["start"]);
  });
});
