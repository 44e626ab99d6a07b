// Models of one modality and models of both are compared on the same images, in tables of their own.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inventedLog } from "../../../test/run-fixture.ts";
import { inventedRows, inventedStudy, STUDY_SEEDS, writeInventedStudy } from "../../../test/study-fixture.ts";
import { seedSummary } from "../../evaluate/intervals/seeds.ts";
import { evaluateBinary } from "../../evaluate/metrics/metrics.ts";
import { writeSplits } from "../../evaluate/stored/prediction-folder.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { taskPaths } from "../study.ts";
import { bestCells } from "./best.ts";
import { compareFamilies } from "./comparison-table.ts";
import { figuresTables } from "./figures-tables.ts";
import type { Labelled, RunResult, StudyResults } from "./results.ts";

/** f0 knows faces only, f1 and mag both modalities. */
function results(specialist: (row: Labelled) => boolean): StudyResults {
  const plan = inventedStudy();
  const gains: Readonly<Record<string, number>> = { f0: 1, f1: 3, mag: 2 };
  const cells = plan.cells.map((cell) => ({
    ...cell,
    axes: { ...cell.axes, modality: cell.id === "f0" ? "face" : "both" },
  }));
  const study = { ...plan, cells };
  const runs = cells.flatMap((cell) =>
    STUDY_SEEDS.map((seed): RunResult => {
      const rows = inventedRows(gains[cell.id]!, seed, cell.arch) as Labelled[];
      const own = cell.id === "f0" ? rows.filter(specialist) : rows;
      // Faces are easier: on its own images the specialist validates best, on faces the model of both does.
      const log = inventedLog(3).map((epoch) => {
        const figure = (balancedAccuracy: number) => ({ ...epoch.val.all, balancedAccuracy });
        const val =
          cell.id === "f0"
            ? { all: figure(0.9), face: figure(0.9), hand: null }
            : { all: figure(0.8), face: figure(cell.id === "f1" ? 0.95 : 0.85), hand: figure(0.7) };
        return { ...epoch, val } as typeof epoch & { val: never };
      });
      return { cell, seed, log, rows: own, evaluations: new Map() };
    }),
  );
  return { study, runs, missing: [], sources: [], split: "test" };
}

describe("figures of models that saw other images", () => {
  const isFace = (row: Labelled) => row.modality === "face";

  test("a specialist stands beside the model of both on its modality's images, and in no pooled row", () => {
    const [both, faces, ...others] = figuresTables(results(isFace), 20);
    expect(others).toEqual([]);
    expect([both!.id, faces!.id]).toEqual(["figures", "figures-face"]);
    expect(both!.rows).toHaveLength(2);
    expect(both!.rows.map(({ cells }) => cells[0]!.text)).not.toContain("test_efficientnet.none_F0_Af_Lb_Z0");
    expect(faces!.rows).toHaveLength(3);
    expect(faces!.header).not.toContain("hand");
    expect(faces!.note).toContain("All rows: the same 60 images of 60 subjects (30 female, 30 male).");
    const onFaces = STUDY_SEEDS.map((seed) => {
      const rows = inventedRows(3, seed, "umcc").filter(
        ({ split, modality }) => split === "test" && modality === "face",
      );
      const [y, p] = [rows.map(({ target }) => target!), rows.map(({ probability }) => probability)];
      return evaluateBinary(y, p).balancedAccuracy!;
    });
    expect(faces!.rows[1]!.cells[3]!.value).toBeCloseTo(seedSummary(onFaces).mean, 12);
    // The best on faces is chosen by faces: not the specialist, whose figure is of fewer and easier images.
    const bold = faces!.rows.filter(({ cells }) => cells[0]!.bold === true);
    expect(bold.map(({ cells }) => cells[0]!.text)).toEqual([expect.stringContaining("_F1_")]);
  });

  test("images that one of them lacks are in no figure, and counted", () => {
    const [, faces] = figuresTables(
      results((row) => isFace(row) && !row.subject.endsWith("1")),
      20,
    );
    expect(faces!.note).toContain("All rows: the same 54 images of 54 subjects");
    expect(faces!.note).toContain("Further images of 4 runs, which others lack, are in no figure.");
  });
});

describe("comparisons on a part of the images", () => {
  const ofFaces = results(() => true);
  const asked = {
    ...ofFaces,
    study: {
      ...ofFaces.study,
      comparisons: [
        { name: "all", evaluation: null, modality: null, metric: "accuracy", pairs: [{ a: "f1", b: "f0" }] },
        {
          name: "faces",
          evaluation: null,
          modality: "face",
          metric: "tprMale",
          pairs: [{ a: "f1", b: "f0" }],
        },
      ] as const,
    },
  } as unknown as StudyResults;
  const compared = (minSubjects: number) =>
    compareFamilies(asked, { replicates: 200, seed: 0, minSubjects }).map(({ pairs }) => pairs[0]!);

  test("are too small where the metric rests on too few subjects, as every other figure of them is", () => {
    const [all, faces] = compared(31); // 30 of either class are recorded
    expect(all!.result!.estimate).toBeGreaterThan(0); // f1 against f0: f1 is better
    expect([faces!.result, faces!.reason]).toEqual([null, "too small"]);
    expect(all!.holm).toBe(all!.result!.p); // the only one of its family that has a p
    expect(compared(30)[1]!.result!.nSubjects).toBe(60);
  });
});

describe("the best cells", () => {
  let dir = "";
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "facehand-"));
  });
  afterAll(() => rm(dir, { recursive: true }));

  test("are refused where some were validated on other images, unless these are left out", async () => {
    const study = { ...(await writeInventedStudy(dir)), evaluations: [] };
    const cell = study.cells[0]!;
    for (const seed of STUDY_SEEDS) {
      const faces = inventedRows(1, seed, "umcc").filter(({ modality }) => modality === "face");
      await writeSplits(runPaths(taskPaths(dir, { cell, seed }).run).predictions, faces);
    }
    await expect(bestCells(dir, study)).rejects.toThrowError(
      'Expected cells that were validated on the same images for best, got "2 sets of validation images (60 and 120)"',
    );
    const faces = await bestCells(dir, study, { modality: "face" });
    expect(faces.cells.map(({ images }) => images)).toEqual([60, 60, 60]);
    expect((await bestCells(dir, study, { only: { arch: "mag" } })).cells).toHaveLength(1);
  });
});

describe("a comparison", () => {
  const pairs = (change: (row: Labelled) => Labelled) => {
    const all = results(() => true);
    const runs = all.runs.map((run) => (run.cell.id === "f1" ? { ...run, rows: run.rows.map(change) } : run));
    return compareFamilies({ ...all, runs }, { replicates: 100, seed: 0, minSubjects: 20 })[0]!.pairs;
  };

  test.each([
    ["labels", (row: Labelled) => ({ ...row, target: (1 - row.target) as 0 | 1 })],
    ["people", (row: Labelled) => ({ ...row, subject: `${row.subject}a` })],
  ])(
    "of models whose data record other %s is not made: one's record does not judge the other",
    (_, change) => {
      const [first] = pairs((row) => (row.id === "70/hand" ? change(row) : row));
      expect([first!.result, first!.reason]).toEqual([null, "the same images are recorded otherwise"]);
    },
  );

  test("is made where all is recorded alike", () => {
    expect(pairs((row) => row)[0]!.result!.nImages).toBe(120);
  });
});
