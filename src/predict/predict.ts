// ◇ Browser-safe. Predictions of single images by a checkpoint, as a person or a program asks for them.
// Invariant: the decision is male where the probability reaches the checkpoint's threshold, as in every metric.

import type { Sex } from "../core/vocabulary.ts";
import type { Modality } from "../core/words.ts";
import { type RgbImage, resizeBilinear } from "../pixels/pixels.ts";
import type { AskedModality, ImagePrediction, Predictor } from "./predictor.ts";

/** An image to predict: a crop, seen by the model as it is. */
export interface AskedCrop {
  /** What the answer is to be called, e.g. its path. */
  readonly image: string;
  /** RGB u8 [S, S, 3] at the model's size: see `shrinkCrop`. */
  readonly pixels: Uint8Array | Uint8ClampedArray;
  readonly asked: AskedModality;
}

export interface CropPrediction {
  readonly image: string;
  /** What the model was given (UMCC F1), its gate preferred, or whose head was asked for (MAG); null for UMCC F0. */
  readonly modality: Modality | null;
  /** Probability of male as recorded in the training labels. */
  readonly probability: number;
  readonly decision: Sex;
  /** What MAG's gate gives the hand head, whether it decided or not; null without a gate. */
  readonly gateHand: number | null;
  /** MAG: `gated`, or the head that was asked for and decided alone; absent without a gate. */
  readonly head?: ImagePrediction["head"] | undefined;
  /** Of several seeds together: the probability by each, in order; absent for one model. */
  readonly members?: ImagePrediction["members"] | undefined;
  /** Of the model's further targets; absent without any. */
  readonly classes?: ImagePrediction["classes"] | undefined;
}

/**
 * A picture at a model's size, resized as in training.
 *
 * @param image - RGB u8, any size
 * @param sizePx - side of the model's input
 * @returns RGB u8, [sizePx, sizePx, 3]
 */
export function shrinkCrop(image: RgbImage, sizePx: number): AskedCrop["pixels"] {
  return resizeBilinear(image, sizePx, sizePx).data;
}

/**
 * Predicts crops.
 *
 * @returns one prediction a crop, in order
 * @throws AppError("input", "MODALITY_REQUIRED") if the model needs the modality and it is not given
 * @example await predictCrops(predictor, [{ image: "H_1.jpg", pixels, asked: "hand" }])
 */
export async function predictCrops(
  predictor: Predictor,
  crops: readonly AskedCrop[],
): Promise<CropPrediction[]> {
  const { threshold, pixels: recipe } = predictor.facts;
  const bytes = recipe.sizePx * recipe.sizePx * 3;
  const all = new Uint8Array(crops.length * bytes);
  crops.forEach(({ pixels }, i) => {
    all.set(pixels, i * bytes);
  });
  const results = await predictor.predictPixels(
    all,
    crops.map(({ asked }) => asked),
  );
  return results.map(({ probability, modalityUsed, gateHand, head, members, classes }, i) => ({
    image: crops[i]!.image,
    modality: modalityUsed,
    probability,
    decision: probability >= threshold ? "male" : "female",
    gateHand,
    head,
    members,
    classes,
  }));
}
