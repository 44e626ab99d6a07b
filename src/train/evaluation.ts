// Predictions to evaluate: those stored with a run, or new ones of its best checkpoint on other images.
import { AppError, unexpected } from "../core/errors.ts";
import type { Sample, Split } from "../data/record.ts";
import { openSource } from "../data/sources.ts";
import { splitSamples } from "../data/split.ts";
import type { Device } from "../engine/device.ts";
import { type ForeignOptions, readForeign } from "../evaluate/foreign.ts";
import { readSplits } from "../evaluate/prediction-folder.ts";
import type { Prediction } from "../evaluate/prediction-row.ts";
import { readPredictions, writePredictions } from "../evaluate/predictions.ts";
import type { ModelFacts, SourceFacts } from "../models/facts.ts";
import { trainConfigSchema } from "./config.ts";
import { plainBatches, sourceFacts } from "./data.ts";
import { openLocalPredictor, predictSamples } from "./infer.ts";
import { loadModel, modelPath } from "./model-file.ts";
import { readRunConfig, runPaths } from "./run.ts";

/** Which predictions to take. */
export interface EvaluationOptions {
  readonly split: Split;
  /** Sources to predict; the run's stored predictions if left out. */
  readonly data?: readonly string[];
  /** Where to store new predictions. */
  readonly out?: string;
  /** Accept crops of another alignment recipe. */
  readonly otherRecipe?: boolean;
  readonly workers: number;
  /** What predicts new images; default: the CPU. */
  readonly device?: Device;
  readonly report?: (text: string) => void;
  /** Of all images of a .csv file without a column for it. */
  readonly modality?: Prediction["modality"];
}

/**
 * The predictions of one split.
 *
 * @param run - run folder, or a file of stored predictions (.parquet, or .csv of any model: evaluate/foreign)
 * @throws AppError("data", "FILE_MISSING") if the run is not finished, ("input", "NO_PREDICTIONS") if it has
 *   none of the split, ("data", "RECIPE_MISMATCH") for crops of another recipe
 */
export async function evaluationRows(run: string, options: EvaluationOptions): Promise<Prediction[]> {
  if (options.data !== undefined) return freshRows(run, options.data, options);
  return rowsOfSplit(await storedPredictions(run, options), options.split);
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
  if (/\.csv$/i.test(run)) return (await readForeign(run, options)).rows;
  if (/\.parquet$/i.test(run)) return readPredictions(run);
  return readSplits(runPaths(run).predictions);
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
    hint: "train with --test 0.2, or a source that brings a test split, to have test images",
  });
}

async function freshRows(
  run: string,
  data: readonly string[],
  options: EvaluationOptions,
): Promise<Prediction[]> {
  const { facts, weights } = await loadModel(run);
  const { samples, batch } = await samplesOfSplit(run, facts, { ...options, data });
  options.report?.(`predicting ${samples.length} images`);
  const batches = plainBatches(samples, facts.pixels.sizePx, { workers: options.workers, batch });
  const predictor = await openLocalPredictor(facts, weights, { batch, device: options.device ?? "cpu" });
  try {
    const rows = await predictSamples(predictor, batches, options.split);
    if (options.out !== undefined) await writePredictions(options.out, rows);
    return rows;
  } finally {
    await Promise.all([batches.close(), predictor.close()]);
  }
}

/** Which images to take. */
export type ImageChoice = Pick<EvaluationOptions, "split" | "otherRecipe"> & {
  readonly data: readonly string[];
};

/**
 * The images of one split of some sources, dealt as the model's run deals them; as a run by default does for a
 * checkpoint alone.
 *
 * @param target - run folder or checkpoint
 * @throws AppError("input", "NO_IMAGES") if the split is empty, ("data", "RECIPE_MISMATCH") for crops of another recipe
 */
export async function samplesOfSplit(
  target: string,
  { trainedOn }: Pick<ModelFacts, "trainedOn">,
  { data, split, otherRecipe }: ImageChoice,
): Promise<{ readonly samples: readonly Sample[]; readonly batch: number }> {
  const sources = await Promise.all(data.map(openSource));
  if (otherRecipe !== true) checkRecipes(trainedOn, await Promise.all(sources.map(sourceFacts)));
  const alone = (await modelPath(target)) === target;
  const { splitSeed, val, test, batch } = alone ? dealingSchema.parse({}) : await readRunConfig(target);
  const samples = splitSamples(sources, { seed: splitSeed, fractions: { val, test } })[split];
  if (samples.length > 0) return { samples, batch };
  throw unexpected("input", {
    code: "NO_IMAGES",
    expected: "a split with images",
    name: "--split",
    got: split,
  });
}

const dealingSchema = trainConfigSchema.pick({ splitSeed: true, val: true, test: true, batch: true });

/** A model sees crops as it was trained on: another alignment is another input. */
export function checkRecipes(trained: readonly SourceFacts[], given: readonly SourceFacts[]): void {
  const known = new Set(trained.flatMap(({ recipeHash }) => recipeHash ?? []));
  if (known.size === 0) return;
  for (const { recipeHash } of given) {
    if (recipeHash === undefined || known.has(recipeHash)) continue;
    const short = (hash: string) => hash.slice(0, 12);
    const message = `Expected crops of recipe ${[...known].map(short).join(" or ")} as in training, got ${short(recipeHash)}`;
    throw new AppError("data", "RECIPE_MISMATCH", message, {
      hint: "derive the images with the model's recipe, or pass --other-recipe to compare across recipes on purpose",
    });
  }
}
