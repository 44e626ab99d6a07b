// ◇ Browser-safe. Trains a head on the features of a frozen backbone: what `facehand train` does under Z2, with everything in memory.
import { knownBatches } from "../../dataset/loader/order.ts";
import type { SplitPredictor } from "../../predict/split-predictor.ts";
import { imagesPerStep } from "../config.ts";
import { predictRows } from "../step/held-rows.ts";
import type { CourseWork, Learning } from "./course.ts";
import type { MadeFeatures } from "./features.ts";

/** What a head learns from. */
export interface HeadParts {
  readonly features: MadeFeatures["store"];
  readonly predictor: SplitPredictor;
}

/**
 * How a head learns.
 *
 * @throws AppError("input", "TOO_FEW_SAMPLES")
 * @example await runCourse(work, headLearning(work, { features, predictor }))
 */
export function headLearning(
  { config, facts, samples }: Pick<CourseWork, "config" | "facts" | "samples">,
  { features, predictor }: HeadParts,
): Learning {
  const train = {
    samples: samples.train,
    batchSize: imagesPerStep(config),
    seed: config.seed,
    dropLast: true,
  };
  const val = knownBatches({ samples: samples.val, batchSize: config.batch, dropLast: false });
  return {
    batches: knownBatches(train),
    features,
    predict: (weights) => predictRows({ predictor, store: features, batches: val, facts }, weights),
  };
}
