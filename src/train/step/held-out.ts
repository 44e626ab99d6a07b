// Validation of a run whose backbone is frozen: the features of its images are made once and stored, as those of the
// training images are; an epoch then computes the heads alone.

import type { Batches } from "../../dataset/loader/order.ts";
import type { Weights } from "../../engine/params.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import type { ModelFacts } from "../../models/facts.ts";
import { parseTag } from "../../models/tags.ts";
import { computeOf, type LocalOptions, localRuntime } from "../../predict/infer.ts";
import { openSplitPredictor } from "../../predict/split-predictor.ts";
import type { TrainConfig } from "../config.ts";
import type { RunData } from "../data.ts";
import { type FeaturePaths, featureKey, openFeatures } from "./features.ts";
import { predictRows } from "./held-rows.ts";

/** Validation images, and what their features are. */
export interface HeldOut {
  /** One row an image, in order; a model that takes the modality is given the recorded one. @param weights - of the heads */
  predict(weights: Weights): Promise<Prediction[]>;
  close(): Promise<void>;
}

export interface HeldOutSetup {
  readonly config: TrainConfig;
  readonly facts: ModelFacts;
  /** The images as they are, whatever training does to its own. */
  readonly validation: Batches;
  readonly data: RunData;
  readonly options: Omit<LocalOptions, "batch">;
  /** Where features lie. */
  readonly paths: FeaturePaths;
}

/**
 * @param weights - the backbone's are those of the whole run
 * @returns undefined if the backbone learns, or makes other than a vector of an image
 */
export async function openHeldOut(setup: HeldOutSetup, weights: Weights): Promise<HeldOut | undefined> {
  const { config, facts, validation, data, options, paths } = setup;
  const samples = data.samples.val;
  if (parseTag(config.tag).frozen !== 2 || samples.length === 0) return undefined;
  const runtime = localRuntime({ batch: config.batch, ...computeOf(options) });
  const predictor = await openSplitPredictor({ facts, weights, ...runtime });
  if (predictor === undefined) return undefined;
  const key = featureKey(config, samples, weights);
  const store = await openFeatures(paths, samples, predictor.width, key).catch(async (error) => {
    await predictor.close();
    throw error;
  });
  return {
    predict: (heads) => predictRows({ predictor, store, batches: validation, facts }, heads),
    async close() {
      store.close();
      await predictor.close();
    },
  };
}
