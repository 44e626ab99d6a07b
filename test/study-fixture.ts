// An invented study on disk for tests of reports: three cells, two seeds, a perturbation, a comparison; no training.

import { Random } from "../src/core/random.ts";
import { writeSplits } from "../src/evaluate/stored/prediction-folder.ts";
import type { Prediction } from "../src/evaluate/stored/prediction-row.ts";
import { writeJson } from "../src/machine/files.ts";
import { runPaths } from "../src/predict/run-folder.ts";
import { type Cell, type Study, studyPaths, studySchema, taskPaths, tasksOf } from "../src/studies/study.ts";
import { appendLog } from "../src/train/run.ts";
import { inventedLog } from "./run-fixture.ts";

const CELLS = [
  { id: "f0", arch: "umcc", tag: "test_efficientnet.none_F0_Af_Lb_Z0", gain: 1 },
  { id: "f1", arch: "umcc", tag: "test_efficientnet.none_F1_Af_Lb_Z0", gain: 3 },
  { id: "mag", arch: "mag", tag: "test_efficientnet.none_F0_Af_Lb_Z0_gating=soft", gain: 2 },
] as const;
export const STUDY_SEEDS = [42, 123] as const;

/** The plan; made by the schema, so that defaults are those of real ones. */
export function inventedStudy(): Study {
  const cells = CELLS.map(({ id, arch, tag }) => ({
    id,
    hash: id,
    label: tag,
    arch,
    tag,
    axes: { arch, F: tag.includes("_F1_") ? "1" : "0", gating: arch === "mag" ? "soft" : "-" },
    data: "main",
    config: { arch, tag, data: ["pairs:data/pairs"] },
  }));
  const evaluation = { hash: "e", data: null, splits: ["test"], modality: null, cells: ["f0", "f1", "mag"] };
  return studySchema.parse({
    format: 1,
    name: "ablation",
    about: "An invented study.",
    code: { facehand: "0.0.0", commit: null },
    data: { main: { sources: ["pairs:data/pairs"], facts: [], train: true } },
    seeds: [...STUDY_SEEDS],
    cells,
    evaluations: [
      { ...evaluation, name: "told-other", told: "other", perturb: null, cells: ["f1"] },
      { ...evaluation, name: "blur", told: "recorded", perturb: { kind: "blur", sigma: 0.02 } },
    ],
    resources: [],
    comparisons: [
      {
        name: "flag",
        evaluation: null,
        modality: null,
        pairs: [
          { a: "f0", b: "f1" },
          { a: "f1", b: "mag" },
        ],
      },
      { name: "flag", evaluation: null, modality: null, metric: "rocAuc", pairs: [{ a: "f0", b: "f1" }] },
    ],
  });
}

/** Both images of 120 subjects, half in validation; `gain` is how well they are distinguished. */
export function inventedRows(gain: number, seed: number, arch: Cell["arch"]): Prediction[] {
  const random = Random.of(seed).split(arch, gain);
  return Array.from({ length: 120 }, (_, i) =>
    (["hand", "face"] as const).map((modality): Prediction => {
      const target = (Math.floor(i / 2) % 2) as 0 | 1;
      const logit = gain * (target - 0.5) + (modality === "hand" ? 1.5 : 1) * random.normal();
      return {
        id: `${i}/${modality}`,
        source: "pairs",
        subject: `pairs:${i}`,
        modality,
        split: i < 60 ? "val" : "test",
        target,
        probability: 1 / (1 + Math.exp(-logit)),
        modalityUsed: arch === "mag" && i % 5 === 0 ? "hand" : modality,
        gateHand: arch === "mag" ? 0.5 : null,
        logit,
        age: i % 10 === 0 ? "70+" : "20-29",
        race: i % 2 === 0 ? "light" : "dark",
        gesture: "palm",
      };
    }),
  ).flat();
}

/** Writes the study into a folder; `skip` leaves out a task's results. */
export async function writeInventedStudy(
  dir: string,
  skip: (cell: string, seed: number) => boolean = () => false,
): Promise<Study> {
  const study = inventedStudy();
  await writeJson(studyPaths(dir).study, study);
  for (const task of tasksOf(study)) {
    if (skip(task.cell.id, task.seed)) continue;
    const { gain, arch } = CELLS.find(({ id }) => id === task.cell.id)!;
    const paths = taskPaths(dir, task);
    const rows = inventedRows(gain, task.seed, arch);
    await writeSplits(runPaths(paths.run).predictions, rows);
    for (const epoch of inventedLog(3)) {
      // What a run logs of its best epoch is what its predictions give; here only the order of cells matters.
      const all = { ...epoch.val.all, balancedAccuracy: epoch.val.all.balancedAccuracy! + gain / 20 };
      await appendLog(paths.run, { ...epoch, val: { all, hand: all, face: all } });
    }
    for (const { name, cells } of study.evaluations) {
      if (!cells.includes(task.cell.id)) continue;
      const test = rows.filter(({ split }) => split === "test");
      const changed = test.map((row, i) => (i % 4 === 0 ? flip(row) : row));
      await writeSplits(paths.predictions(name), changed);
    }
  }
  return study;
}

const flip = (row: Prediction): Prediction => ({
  ...row,
  logit: -row.logit,
  probability: 1 - row.probability,
});
