// ◇ Browser-safe. The batch of one training step: images, what is recorded of them, weights; its parts; and its tensors.
import type { Shape } from "../../engine/graph.ts";
import { Tensor } from "../../engine/runtime/session.ts";
import type { ClassTarget } from "../../models/targets.ts";
import { labelsName, weightsName } from "./graph.ts";

/** The images of one step, all its parts together, with their targets; see models/losses for the weights. */
export interface StepBatch {
  /** u8 [N, S, S, 3]; may be empty if `features` are given. */
  readonly images: Uint8Array;
  /** What the frozen part makes of the images, as an earlier step's result; [N, F]. */
  readonly features?: Float32Array | undefined;
  /** 0 or 1, [N]. */
  readonly labels: Float32Array;
  /** One-hot modality, hand first, [N, 2]. */
  readonly flag: Float32Array;
  /** [N] */
  readonly weights: Float32Array;
  /** [N] */
  readonly modalityWeights: Float32Array;
  /** What is recorded of the model's further targets; see TargetInputs of models/losses. */
  readonly targets?: readonly TargetBatch[] | undefined;
}

export interface TargetBatch {
  readonly name: ClassTarget;
  /** One-hot, [N, K]. */
  readonly labels: Float32Array;
  /** [N] */
  readonly weights: Float32Array;
}

/** A float32 tensor over `data`. */
export const float = (data: Float32Array, shape: Shape) => new Tensor("float32", data, [...shape]);

/** The k-th `n` images of a step. */
export function partOf(batch: StepBatch, k: number, n: number): StepBatch {
  const size = batch.labels.length;
  const rows = <T extends Float32Array | Uint8Array>(all: T) => {
    const width = all.length / size;
    return all.subarray(k * n * width, (k + 1) * n * width) as T;
  };
  const { images, features, labels, flag, weights, modalityWeights, targets } = batch;
  return {
    features: features === undefined ? undefined : rows(features),
    images: rows(images),
    labels: rows(labels),
    flag: rows(flag),
    weights: rows(weights),
    modalityWeights: rows(modalityWeights),
    ...(targets === undefined
      ? {}
      : {
          targets: targets.map((t) => ({ name: t.name, labels: rows(t.labels), weights: rows(t.weights) })),
        }),
  };
}

/** The inputs of a training graph that hold a batch, or a part of one. */
export function batchFeeds(batch: StepBatch, sizePx: number): Record<string, Tensor> {
  const { images, labels, flag, weights, modalityWeights, targets = [] } = batch;
  const n = batch.labels.length;
  const classes = targets.flatMap((target) => [
    [labelsName(target.name), float(target.labels, [n, target.labels.length / n])] as const,
    [weightsName(target.name), float(target.weights, [n])] as const,
  ]);
  return {
    ...Object.fromEntries(classes),
    ...(images.length === 0 ? {} : { images: new Tensor("uint8", images, [n, sizePx, sizePx, 3]) }),
    labels: float(labels, [n]),
    flag: float(flag, [n, 2]),
    weights: float(weights, [n]),
    modalityWeights: float(modalityWeights, [n]),
  };
}

/** What the parts of a step gave, one after another. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
