// What a run reports about its validation and test images: the figures of an epoch, and the stored predictions.
// Invariant: both come from the same predictor that users get from a checkpoint, in two parts if its backbone is frozen.

import type { Batches } from "../dataset/loader/order.ts";
import { readCheckpoint } from "../engine/checkpoint-file.ts";
import type { Weights } from "../engine/params.ts";
import { writeSplits } from "../evaluate/stored/prediction-folder.ts";
import type { Prediction } from "../evaluate/stored/prediction-row.ts";
import type { ModelFacts } from "../models/facts.ts";
import { type Compute, computeOf, openWeights } from "../predict/infer.ts";
import { predictSamples } from "../predict/row.ts";
import { runPaths } from "../predict/run-folder.ts";
import { factsOf, type TrainConfig } from "./config.ts";
import { plainBatches, type RunData, type Workers } from "./data.ts";
import { validationFigures } from "./figures.ts";
import type { EpochLog } from "./runlog.ts";
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
  return validationFigures(rows, facts);
}

async function predictAll({ config, facts, validation, options }: Validated, weights: Weights) {
  const predictor = await openWeights(facts, weights, { batch: config.batch, ...computeOf(options) });
  try {
    return await predictSamples(predictor, validation, "val");
  } finally {
    await predictor.close();
  }
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
