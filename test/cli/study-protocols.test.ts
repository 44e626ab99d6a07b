// Every shipped protocol from end to end on the drawn sample, at small scale, and what is asked of a finished study.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSplits } from "../../src/evaluate/stored/prediction-folder.ts";
import { runPaths } from "../../src/predict/run-folder.ts";
import { readStudyFile } from "../../src/studies/plan/file.ts";
import { protocolNames, studyFilePath } from "../../src/studies/plan/protocols.ts";
import { readStudy, taskPaths, tasksOf } from "../../src/studies/study.ts";
import { runCli } from "./run.ts";
import { type StudyData, studyData } from "./study-data.ts";

let made: StudyData;
beforeAll(async () => {
  made = await studyData();
});
afterAll(() => rm(made.dir, { recursive: true, force: true }));

const at = (name: string) => join(made.dir, name);
const data = () => made.flags;

describe("protocols", () => {
  it("are six, and every file is read and planned as it stands but for network and data", async () => {
    const names = await protocolNames();
    expect(names).toEqual(["ablation", "cross-dataset", "cross-modality", "fairness", "robustness", "seeds"]);
    const cells: Record<string, number> = {};
    for (const name of names) {
      const file = await readStudyFile(await studyFilePath(name));
      expect(file.name).toBe(name);
      const more = name === "cross-dataset" ? ["--test-data", `faces=utkface:${at("faces")}`] : [];
      const { code, stdout, stderr } = await runCli(
        "study",
        "plan",
        name,
        ...data(),
        ...more,
        "--no-measure",
        "--json",
      );
      expect([name, code, stderr]).toEqual([name, 0, ""]);
      cells[name] = JSON.parse(stdout).cells.length;
    }
    expect(cells).toEqual({
      ablation: 48,
      "cross-dataset": 2,
      "cross-modality": 6,
      fairness: 4,
      robustness: 2,
      seeds: 2,
    });
  });

  const RUNS: readonly (readonly [name: string, tasks: number, flags: readonly string[]])[] = [
    [
      "ablation",
      2,
      [
        ...["--seeds", "1", "--only", "A=f", "--only", "L=b", "--only", "Z=0"],
        ...["--only", "gating=-,soft", "--only", "F=-,1"],
      ],
    ],
    ["cross-modality", 5, ["--seeds", "1", "--only", "gating=-,soft"]],
    ["cross-dataset", 1, ["--seeds", "1", "--only", "arch=umcc"]],
    ["fairness", 1, ["--seeds", "1", "--only", "L=w", "--only", "arch=umcc"]],
    ["robustness", 1, ["--seeds", "1", "--only", "arch=mag"]],
    ["seeds", 2, ["--seeds", "1,2", "--only", "arch=umcc"]],
  ];

  it.each(RUNS)("%s runs by one command", { timeout: 300_000 }, async (name, tasks, flags) => {
    const more = name === "cross-dataset" ? ["--test-data", `faces=utkface:${at("faces")}`] : [];
    const out = ["--out", at(name), "--max-parallel", "2", "--workers", "1"];
    const { code, stdout, stderr } = await runCli("study", "run", name, ...data(), ...more, ...flags, ...out);
    expect([code, stdout], stderr).toEqual([0, `${name}: all ${tasks} tasks are done in ${at(name)}\n`]);
    const study = await readStudy(at(name));
    for (const task of tasksOf(study)) {
      const paths = taskPaths(at(name), task);
      const own = await readSplits(runPaths(paths.run).predictions);
      expect(new Set(own.map(({ split }) => split))).toEqual(new Set(["val", "test"]));
      const mine = study.evaluations.filter(({ cells }) => cells.includes(task.cell.id));
      for (const evaluation of mine)
        expect(await readSplits(paths.predictions(evaluation.name))).not.toEqual([]);
    }
  });

  it("cross-modality tests specialists on both modalities, and gives UMCC the other one", async () => {
    const study = await readStudy(at("cross-modality"));
    const modalities = async (cell: string, evaluation?: string) => {
      const paths = taskPaths(at("cross-modality"), { cell: { id: cell }, seed: 1 });
      const file = evaluation === undefined ? runPaths(paths.run).predictions : paths.predictions(evaluation);
      return [...new Set((await readSplits(file)).map(({ modality }) => modality))].sort();
    };
    const hand = study.cells.find(({ axes }) => axes["modality"] === "hand")!;
    expect(await modalities(hand.id)).toEqual(["hand"]);
    expect(await modalities(hand.id, "both-modalities")).toEqual(["face", "hand"]);
    const given = study.evaluations.find(({ name }) => name === "wrong-flag")!;
    const names = given.cells.map((id) => study.cells.find((cell) => cell.id === id)!.axes);
    expect(names.every(({ arch, F }) => arch === "umcc" && F === "1")).toBe(true);
    const asked = study.comparisons.map(({ name, modality, pairs }) => [name, modality, pairs.length]);
    expect(asked).toEqual([
      ["UMCC against the hand specialist", "hand", 1],
      ["UMCC against the face specialist", "face", 1],
      ["MAG against the hand specialist", "hand", 1],
      ["MAG against the face specialist", "face", 1],
      ["flag", null, 1],
    ]);
  });

  it("robustness perturbs the same test images, more with strength", async () => {
    const study = await readStudy(at("robustness"));
    const [task] = tasksOf(study);
    const paths = taskPaths(at("robustness"), task!);
    const own = (await readSplits(runPaths(paths.run).predictions)).filter(({ split }) => split === "test");
    const moved = async (name: string) => {
      const rows = await readSplits(paths.predictions(name));
      expect(rows.map(({ id }) => id)).toEqual(own.map(({ id }) => id));
      return rows.reduce((sum, { logit }, i) => sum + Math.abs(logit - own[i]!.logit), 0);
    };
    expect(study.evaluations).toHaveLength(16);
    for (const kind of ["blur", "low-light", "crop"]) {
      expect(await moved(`${kind}-1`)).toBeGreaterThan(0);
      expect(await moved(`${kind}-3`)).toBeGreaterThan(await moved(`${kind}-1`));
    }
  });

  it("cross-dataset tests on the other set, as its test images", async () => {
    const study = await readStudy(at("cross-dataset"));
    const [task] = tasksOf(study);
    const rows = await readSplits(taskPaths(at("cross-dataset"), task!).predictions("on-faces"));
    expect(rows.map(({ source, split }) => `${source} ${split}`)).toEqual(Array(6).fill("utkface test"));
    const { code, stderr } = await runCli("study", "plan", "cross-dataset", ...data(), "--no-measure");
    expect(code).toBe(2);
    expect(stderr).toContain(
      'Expected another set for evaluation on, got "data"\nTry: name further sets by --data',
    );
  });
});

describe("a finished study", () => {
  it("measures steps, and prints what exists", { timeout: 240_000 }, async () => {
    const flags = [...data(), "--seeds", "1,2", "--only", "arch=umcc", "--out", at("seeds")];
    const { code, stdout } = await runCli("study", "plan", "seeds", ...flags);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^seeds: spread over seeds\ndata\n {2}data: pairs:/);
    expect(stdout).toMatch(
      /test_efficientnet\.none_F1_Af_Lb_Z0-[0-9a-f]{8} +umcc +\d+ +\d+ +2 of 2 +\d+:\d\d +0\.\d GiB/,
    );
    expect(stdout).toContain("1 cells x 2 seeds = 2 tasks\n");
    expect(stdout).toMatch(
      /about 0:00 for what is missing, one task at a time, and 0\.\d GiB of memory a task\n$/,
    );
  });

  it("does nothing twice, and needs no file for a folder that has its plan", async () => {
    const { code, stdout, stderr } = await runCli("study", "run", "--out", at("seeds"));
    expect([code, stderr]).toEqual([0, "0 of 2 tasks to run, 2 are done\n"]);
    expect(stdout).toBe(`seeds: all 2 tasks are done in ${at("seeds")}\n`);
  });

  it("refuses flags that would have no effect", async () => {
    const plain = ["study", "run", "--out", at("seeds")];
    const alone = await runCli(...plain, "--epochs", "3");
    expect([alone.code, alone.stderr.split("\n")[0]]).toEqual([
      2,
      "Expected a study file for --epochs, got nothing",
    ]);
    const local = await runCli(...plain, "--sbatch", "--partition=x");
    expect(local.stderr).toContain('Expected --executor slurm for --sbatch, got "local"');
    const cluster = await runCli(...plain, "--executor", "slurm", "--fail-fast");
    expect(cluster.stderr).toContain('Expected --executor local for --fail-fast, got "slurm"');
  });
});

describe("study status and best", () => {
  it("print text and JSON", async () => {
    const status = await runCli("study", "status", at("seeds"));
    expect(status.stdout).toBe("seeds: 2 done, 0 running, 0 failed, 0 unfinished, 0 missing of 2 tasks\n");
    expect(JSON.parse((await runCli("study", "status", at("seeds"), "--json")).stdout).counts.done).toBe(2);
    const best = await runCli("study", "best", at("cross-modality"), "--modality", "hand", "-k", "2");
    expect(best.stdout).toMatch(/^balancedAccuracy of hand images, chosen by validation alone\n/);
    expect(best.stdout).toMatch(/\(n 1\)|n 1/);
    const json = JSON.parse(
      (await runCli("study", "best", at("cross-modality"), "--arch", "mag", "--json")).stdout,
    );
    expect(json.cells.map(({ cell }: { cell: { arch: string } }) => cell.arch)).toEqual(["mag"]);
  });

  it("leaves nothing in a study folder that the documentation does not name", async () => {
    expect((await readdir(at("cross-modality"))).sort()).toEqual([
      "evaluations",
      "journal",
      "logs",
      "runs",
      "study.json",
    ]);
  });
});
