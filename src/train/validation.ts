// What a run reports about its validation and test images: the figures of an epoch, and the stored predictions.
// Invariant: both come from the same predictor that users get from a checkpoint, in two parts if its backbone is frozen.

import { MODALITIES } from "../core/words.ts";
import type { Batches } from "../dataset/loader/batches.ts";
import { readCheckpoint } from "../engine/checkpoint-file.ts";
import type { Weights } from "../engine/params.ts";
import { evaluateClasses } from "../evaluate/metrics/classes.ts";
import { evaluateBinary } from "../evaluate/metrics/metrics.ts";
import { writeSplits } from "../evaluate/stored/prediction-folder.ts";
import type { Prediction } from "../evaluate/stored/prediction-row.ts";
import type { ModelFacts } from "../models/facts.ts";
import type { TargetFacts } from "../models/targets.ts";
import { type Compute, computeOf, openWeights, predictSamples } from "../predict/infer.ts";
import { runPaths } from "../predict/run-folder.ts";
import { factsOf, type TrainConfig } from "./config.ts";
import { plainBatches, type RunData, type Workers } from "./data.ts";
import type { EpochLog, PartLog, TargetLog } from "./runlog.ts";
import type { HeldOut } from "./step/held-out.ts";

/** What validation needs of a run. */
export interface Validated {
  readonly config: TrainConfig;
  readonly facts: ModelFacts;
  readonly validation: Batches;
  readonly options: Compute;
  /** Instead of `validation` where the backbone is frozen. */
  readonly heldOut: HeldOut | undefined;
}

/** The figures of some weights on the validation images. */
export async function validate(setup: Validated, weights: Weights): Promise<EpochLog["val"]> {
  const { facts, heldOut } = setup;
  const rows = heldOut === undefined ? await predictAll(setup, weights) : await heldOut.predict(weights);
  const [hand, face] = MODALITIES.map((m) => rows.filter(({ modality }) => modality === m));
  const figures = { all: partLog(rows), hand: partOrNull(hand!), face: partOrNull(face!) };
  return facts.targets === undefined ? figures : { ...figures, targets: targetLogs(rows, facts.targets) };
}

async function predictAll({ config, facts, validation, options }: Validated, weights: Weights) {
  const predictor = await openWeights(facts, weights, { batch: config.batch, ...computeOf(options) });
  try {
    return await predictSamples(predictor, validation, "val");
  } finally {
    await predictor.close();
  }
}

function partOrNull(rows: readonly Prediction[]): PartLog | null {
  return rows.length === 0 ? null : partLog(rows);
}

function subjectsOf(rows: readonly Prediction[], sex: 0 | 1): number {
  return new Set(rows.filter(({ target }) => target === sex).map(({ subject }) => subject)).size;
}

function partLog(rows: readonly Prediction[]): PartLog {
  const y = rows.map(({ target }) => target!);
  const { n, nll, accuracy, balancedAccuracy, rocAuc } = evaluateBinary(
    y,
    rows.map(({ probability }) => probability),
  );
  const subjects = { female: subjectsOf(rows, 0), male: subjectsOf(rows, 1) };
  return { n, subjects, loss: nll, accuracy, balancedAccuracy, rocAuc };
}

function targetLogs(rows: readonly Prediction[], targets: readonly TargetFacts[]): TargetLog[] {
  return targets.map(({ name }) => {
    const metrics = evaluateClasses(rows, name);
    if (metrics === undefined) return { name, n: 0, accuracy: null, balancedAccuracy: null };
    const { nImages, accuracy, balancedAccuracy } = metrics;
    return { name, n: nImages, accuracy, balancedAccuracy };
  });
}

export interface FinalOptions extends Compute {
  readonly dir: string;
  readonly workers: Workers;
}

/** Validation and test images through the best checkpoint; written once, at the end of the run. */
export async function predictFinally(
  config: TrainConfig,
  data: RunData,
  options: FinalOptions,
): Promise<void> {
  const paths = runPaths(options.dir);
  const { weights } = await readCheckpoint(paths.best);
  const facts = factsOf(config, data.facts, data.targets);
  const predictor = await openWeights(facts, weights, { batch: config.batch, ...computeOf(options) });
  const rows: Prediction[] = [];
  try {
    for (const split of ["val", "test"] as const) {
      if (data.samples[split].length === 0) continue;
      const setup = { workers: options.workers, batch: config.batch };
      const batches = plainBatches(data.samples[split], config.imageSize, setup);
      try {
        rows.push(...(await predictSamples(predictor, batches, split)));
      } finally {
        await batches.close();
      }
    }
  } finally {
    await predictor.close();
  }
  await writeSplits(paths.predictions, rows);
}
