// ◇ Browser-safe. Trains all layers on the pictures themselves: what `facehand train` does under Z0, with everything in memory.
import type { Sample } from "../../core/words.ts";
import { unthreadedBatches } from "../../dataset/loader/unthreaded.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import { openPredictor } from "../../predict/predictor.ts";
import { predictSamples } from "../../predict/row.ts";
import { augmentOf, imagesPerStep } from "../config.ts";
import type { CourseWork, Learning } from "./course.ts";

/**
 * How all layers learn.
 *
 * @param open - a sample's picture, decoded
 * @throws AppError("input", "TOO_FEW_SAMPLES")
 * @example await runCourse(work, layersLearning(work, async ({ path }) => decodeImage(path)))
 */
export function layersLearning(
  { config, facts, samples, runtime }: Pick<CourseWork, "config" | "facts" | "samples" | "runtime">,
  open: (sample: Sample) => Promise<RgbImage>,
): Learning {
  const { seed, batch, imageSize: sizePx } = config;
  const val = unthreadedBatches({
    ...{ samples: samples.val, batchSize: batch, sizePx, shuffle: false, dropLast: false },
    ...{ augment: undefined, seed, open },
  });
  return {
    batches: unthreadedBatches({
      ...{ samples: samples.train, batchSize: imagesPerStep(config), sizePx, shuffle: true, dropLast: true },
      ...{ augment: augmentOf(config), seed, open },
    }),
    features: undefined,
    // As in Node: by the predictor that people get from the checkpoint.
    predict: async (weights) => {
      const { provider, createSession } = runtime;
      const predictor = await openPredictor({
        ...{ facts, weights, batchSize: batch, provider },
        createSession: (model) => createSession(model, {}),
      });
      try {
        return await predictSamples(predictor, val, "val");
      } finally {
        await predictor.close();
      }
    },
  };
}
