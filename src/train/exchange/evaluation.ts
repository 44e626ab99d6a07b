// Predictions to evaluate: those stored with a run, or new ones of its best checkpoint on other images.
import { unexpected } from "../../core/errors.ts";
import { SPLITS, type Split } from "../../core/words.ts";
import type { Device } from "../../engine/runtime/device.ts";
import type { ImageCounts } from "../../evaluate/analysis/summary.ts";
import { type ForeignOptions, readPredictionFile } from "../../evaluate/stored/foreign.ts";
import { readSplits } from "../../evaluate/stored/prediction-folder.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { writePredictions } from "../../evaluate/stored/predictions.ts";
import { openWeights } from "../../predict/infer.ts";
import { loadModel } from "../../predict/model-file.ts";
import { predictSamples } from "../../predict/row.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { plainBatches } from "../data.ts";
import { chooseImages, type ImageChoice, usedNotes } from "../images.ts";

/** Which predictions to take. */
export interface EvaluationOptions {
  /** Default: test; of other data than the run's, all images. */
  readonly split?: Split | undefined;
  /** Sources to predict; the run's stored predictions if left out. */
  readonly data?: readonly string[] | undefined;
  /** Where to store new predictions. */
  readonly out?: string | undefined;
  /** Accept crops of another alignment recipe. */
  readonly otherRecipe?: boolean | undefined;
  readonly workers: number;
  /** What predicts new images; default: the CPU. */
  readonly device?: Device | undefined;
  /** Called with what happens, a line each. */
  readonly report?: ((text: string) => void) | undefined;
  /** Of all images of a .csv file without a column for it. */
  readonly modality?: Prediction["modality"] | undefined;
}

/** Predictions, and which of the images they are of. */
export interface Evaluation {
  readonly rows: Prediction[];
  readonly counts: ImageCounts;
}

/**
 * The predictions of one split, or of all images of other data.
 *
 * @param run - run folder, or a file of stored predictions (ours, or .csv or .parquet of any model: evaluate/stored/foreign)
 * @throws AppError("data", "FILE_MISSING") if the run is not finished, ("input", "NO_PREDICTIONS") if it has
 *   none of the split, as `chooseImages` for other data
 */
export async function evaluationRows(run: string, options: EvaluationOptions): Promise<Prediction[]> {
  if (options.data !== undefined) return (await predictData(run, { ...options, data: options.data })).rows;
  const { rows, origin } = await storedSet(run, options);
  return ofSplit(rows, options.split, origin).rows;
}

/**
 * Stored predictions of all splits.
 *
 * @param run - run folder, .parquet or .csv file
 * @throws AppError("data", "FILE_MISSING" | ...) as `readPredictions` and `readForeign`
 * @example await storedPredictions("theirs.csv", { modality: "face" })
 */
export async function storedPredictions(
  run: string,
  options: Pick<ForeignOptions, "modality"> = {},
): Promise<readonly Prediction[]> {
  return (await storedSet(run, options)).rows;
}

/** Where predictions were stored: with a run, or in a table, which may not have the split of each image. */
export type Origin = "run" | "table" | "table without splits";

/** The same, and where they stand. */
export async function storedSet(
  run: string,
  options: Pick<ForeignOptions, "modality"> = {},
): Promise<{ readonly rows: readonly Prediction[]; readonly origin: Origin }> {
  if (!/\.(csv|parquet)$/i.test(run))
    return { rows: await readSplits(runPaths(run).predictions), origin: "run" };
  const { rows, hasSplits } = await readPredictionFile(run, options);
  return { rows, origin: hasSplits ? "table" : "table without splits" };
}

/**
 * The rows of one split.
 *
 * @throws AppError("input", "NO_PREDICTIONS") if there are none
 */
export function rowsOfSplit(all: readonly Prediction[], split: Split): Prediction[] {
  const rows = all.filter((row) => row.split === split);
  if (rows.length > 0) return rows;
  const found = [...new Set(all.map((row) => row.split))].join(", ");
  throw unexpected("input", {
    code: "NO_PREDICTIONS",
    expected: `a split with stored predictions (${found})`,
    name: "--split",
    got: split,
    hint: noTestHint(found),
  });
}

function noTestHint(found: string): string {
  const train = "for test images train with --test 0.2, or on a source that brings a test split";
  const chose =
    found === "val" ? "--split val, whose images chose the epoch" : `--split ${found.split(", ")[0]}`;
  return `${chose}; ${train}`;
}

/**
 * Stored predictions of one split, counted.
 *
 * @param all - of all splits
 * @param asked - default test
 * @param origin - of a table without splits all images are taken, and no split can be asked for
 * @throws AppError("input", "NO_PREDICTIONS" | "NO_SPLITS") if there are none
 */
export function ofSplit(
  all: readonly Prediction[],
  asked: Split | undefined,
  origin: Origin = "table",
): Evaluation {
  if (origin === "table without splits") return wholeTable(all, asked);
  const split = asked ?? "test";
  const rows = rowsOfSplit(all, split);
  const leftOut: Record<string, number> = {};
  for (const other of SPLITS.filter((name) => name !== split)) {
    const n = all.filter((row) => row.split === other).length;
    if (n > 0) leftOut[`split ${other}`] = n;
  }
  const notes = origin === "run" ? usedNotes(split) : [];
  return { rows, counts: { split, given: all.length, used: rows.length, leftOut, notes } };
}

function wholeTable(all: readonly Prediction[], asked: Split | undefined): Evaluation {
  const counts = { split: null, given: all.length, used: all.length, leftOut: {}, notes: [] };
  if (asked === undefined) return { rows: [...all], counts };
  throw unexpected("input", {
    code: "NO_SPLITS",
    expected: "a table with a column split",
    name: "--split",
    got: asked,
    hint: "leave out --split for all images, or say the split of each in a column of that name",
  });
}

/**
 * Predicts images with the best checkpoint of a run. Rows of whole sets have split test, for the model saw none of them.
 *
 * @throws AppError as `chooseImages`
 */
export async function predictData(
  run: string,
  options: EvaluationOptions & ImageChoice,
): Promise<Evaluation> {
  const { facts, weights } = await loadModel(run);
  const { samples, counts, batch } = await chooseImages(run, facts, options);
  options.report?.(`predicting ${samples.length} images`);
  const batches = plainBatches(samples, facts.pixels.sizePx, { workers: options.workers, batch });
  const predictor = await openWeights(facts, weights, { batch, device: options.device ?? "cpu" });
  try {
    const rows = await predictSamples(predictor, batches, counts.split ?? "test");
    if (options.out !== undefined) await writePredictions(options.out, rows);
    return { rows, counts };
  } finally {
    await Promise.all([batches.close(), predictor.close()]);
  }
}

export { checkRecipes } from "../images.ts";
