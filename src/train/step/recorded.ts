// ◇ Browser-safe. A batch of samples as inputs of the training step: what is recorded of them, and its weights in the losses.
import { MODALITIES } from "../../core/words.ts";
import type { Batch } from "../../dataset/loader/order.ts";
import { MODALITY_WEIGHT, sampleWeights } from "../../models/losses.ts";
import type { TrainConfig } from "../config.ts";
import type { RunData } from "../data.ts";
import { targetBatch } from "../targets.ts";
import type { StepBatch } from "./batch.ts";

/** A full batch as inputs of the training step. */
export function stepBatch(
  batch: Batch,
  { posWeight, targets }: Pick<RunData, "posWeight" | "targets">,
  config: TrainConfig,
  features?: Float32Array,
): StepBatch {
  const { images, targets: labels, modality, samples } = batch;
  const n = labels.length;
  const flag = new Float32Array(n * MODALITIES.length);
  modality.forEach((column, row) => {
    flag[row * MODALITIES.length + column] = 1;
  });
  return {
    images,
    features,
    labels,
    flag,
    weights: sampleWeights(labels, n, posWeight),
    modalityWeights: new Float32Array(n).fill(MODALITY_WEIGHT / n),
    ...(targets.length === 0
      ? {}
      : { targets: targets.map((target) => targetBatch(samples, target, config)) }),
  };
}
