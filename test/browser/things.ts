// Things that tests of the page use: a paired dataset with a manifest, runs of two configurations that predicted it, one that is
// broken, and a study.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "../../src/core/random.ts";
import { MODALITIES, type Split } from "../../src/core/words.ts";
import type { Manifest } from "../../src/dataset/manifest.ts";
import { writeSplits } from "../../src/evaluate/stored/prediction-folder.ts";
import type { Prediction } from "../../src/evaluate/stored/prediction-row.ts";
import { writeJson } from "../../src/machine/files.ts";
import { runPaths } from "../../src/predict/run-folder.ts";
import { taskPaths, tasksOf } from "../../src/studies/study.ts";
import { parseTrainConfig } from "../../src/train/config.ts";
import { appendLog } from "../../src/train/run.ts";
import { drawPairs } from "../drawn.ts";
import { inventedLog } from "../run-fixture.ts";
import { writeInventedStudy } from "../study-fixture.ts";

/** Pairs of each split, each of a subject of its own. */
export const PAIRS = { train: 4, val: 44, test: 60 } as const;

/** Writes all of them. */
export async function layThings(root: string): Promise<void> {
  await layDataset(join(root, "pairs"));
  await layRun(join(root, "runs/umcc/seed_1"), { seed: 1, gain: 2 });
  await layRun(join(root, "runs/umcc/seed_2"), { seed: 2, gain: 2.2 });
  await layRun(join(root, "runs/mag"), { arch: "mag", seed: 1, gain: 3 });
  await mkdir(join(root, "runs/broken"));
  await writeFile(join(root, "runs/broken/config.json"), '{"arch": ');
  await layStudy(join(root, "study"));
}

/** One of its six runs was not begun. */
async function layStudy(dir: string): Promise<void> {
  const isLeftOut = (cell: string, seed: number) => cell === "mag" && seed === 123;
  const study = await writeInventedStudy(dir, isLeftOut);
  for (const task of tasksOf(study)) {
    const { cell, seed } = task;
    if (!isLeftOut(cell.id, seed))
      await writeJson(runPaths(taskPaths(dir, task).run).config, { ...cell.config, seed });
  }
}

async function layDataset(dir: string): Promise<void> {
  await drawPairs(dir, PAIRS);
  await writeJson(join(dir, "manifest.json"), manifest());
}

/** How a run is. */
export interface LaidRun {
  readonly arch?: "umcc" | "mag" | undefined;
  readonly seed: number;
  /** How well it separates the labels. */
  readonly gain: number;
  /** Epochs that were logged, of 6. */
  readonly epochs?: number | undefined;
  /** False for a run that is under way. */
  readonly predicts?: boolean | undefined;
}

/** Writes a run folder; nothing was trained. */
export async function layRun(dir: string, run: LaidRun): Promise<void> {
  const { arch = "umcc", seed, gain, epochs = 6, predicts = true } = run;
  await mkdir(dir, { recursive: true });
  const flag = arch === "umcc" ? "F1" : "F0";
  const tag = `test_efficientnet.none_${flag}_Af_Lb_Z0${arch === "mag" ? "_gating=soft" : ""}`;
  const config = parseTrainConfig({ arch, tag, data: ["pairs:data/pairs"], epochs: 6, seed, imageSize: 32 });
  const paths = runPaths(dir);
  await writeJson(paths.config, config);
  const images = 2 * (PAIRS.train + PAIRS.val + PAIRS.test);
  const source = { kind: "pairs", manifestHash: HASH, recipeHash: HASH, images };
  await writeJson(paths.environment, { facehand: "1.0.0", commit: null, sources: [source] });
  for (const epoch of inventedLog(6).slice(0, epochs)) await appendLog(dir, epoch);
  const rows = [...predictions("val", seed, gain), ...predictions("test", seed, gain)];
  if (predicts) await writeSplits(paths.predictions, rows);
}

/** Both images of each pair as `drawPairs` draws them. */
function predictions(split: Split, seed: number, gain: number): Prediction[] {
  const random = Random.of(seed).split(split);
  return Array.from({ length: PAIRS[split] }, (_, i) =>
    MODALITIES.map((modality): Prediction => {
      const target = i % 2 === 0 ? 1 : 0;
      const logit = gain * (target - 0.5) + (modality === "hand" ? 1.5 : 1) * random.normal();
      return {
        id: `${split}${i}/${modality}`,
        source: "pairs",
        subject: `pairs:${split}-user${i}`,
        modality,
        split,
        target,
        probability: 1 / (1 + Math.exp(-logit)),
        modalityUsed: modality,
        gateHand: null,
        logit,
        age: "20-29",
        race: i % 3 === 0 ? "dark" : "light",
        gesture: "palm",
        recipe: HASH,
      };
    }),
  ).flat();
}

const HASH = "a".repeat(64);

function manifest(): Manifest {
  return {
    format: "facehand-dataset/2",
    drawn: true,
    licence: "Drawn by a test.",
    recipe: {
      version: 5,
      detector: { name: "annotated/1", sha256: "", inputPx: 0 },
      face: { template: "dlib-5", padding: 0.25, filter: "dlib-pyramid-bilinear" },
      hand: { crop: "box-square", margin: 0.16, filter: "dlib-pyramid-bilinear" },
      outside: "black",
      sizePx: 32,
      jpeg: { quality: 95, chroma: "4:2:0" },
    },
    recipeHash: HASH,
    rules: {},
    labels: { ageEdges: [0, 20] },
    selection: {
      gestures: ["palm"],
      seed: 1,
      splits: "balanced",
      fractions: { train: 0.6, val: 0.2, test: 0.2 },
    },
    source: { annotations: {} },
    derivationHash: HASH,
    counts: {
      frames: 120,
      kept: 108,
      removed: { no_face: 12 },
      restored: {},
      hands: { annotation: 108 },
      decisions: { inFile: 0, frames: 0 },
      pairs: PAIRS,
      subjects: PAIRS,
    },
    balance: [],
    files: {},
  };
}
