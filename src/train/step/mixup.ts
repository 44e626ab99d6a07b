// ◇ Browser-safe. Mixup: each picture of a step is mixed with its mirror in the order of the batch, and so is what is recorded of it.
// Source: H. Zhang et al., "mixup" (arXiv 1710.09412); timm's FastCollateMixup of mode `batch`: one share a step, pictures
// mixed as bytes in float32 and rounded half to even, the partner of i is N - 1 - i. Ours differs in its random numbers, in that
// the parts of an accumulated step are one batch, and in that classes of Lw, modality and further targets are mixed as well.
// Invariant: a mixed picture's cross-entropy is the share's mean of those against both labels, each with its own weight.
import type { Random } from "../../core/random.ts";
import type { StepBatch, TargetBatch } from "./batch.ts";

/**
 * A share from Beta(alpha, alpha), 0 to 1 (Jöhnk's way, with logarithms, as powers of small alphas underflow).
 *
 * @param alpha - above 0; expected draws grow with it: 2 at 1, 70 at 4
 * @example drawShare(Random.of(seed).split("mixup", step), 0.2)
 */
export function drawShare(random: Random, alpha: number): number {
  for (;;) {
    const x = Math.log(1 - random.next()) / alpha;
    const y = Math.log(1 - random.next()) / alpha;
    const most = Math.max(x, y);
    const total = most + Math.log(Math.exp(x - most) + Math.exp(y - most));
    if (total <= 0) return Math.exp(x - total);
  }
}

/** A step's inputs, mixed. */
export interface MixedBatch {
  /** `labels` and the targets' lie between 0 and 1, weights are those of both labels. */
  readonly batch: StepBatch;
  /** The label with the larger share, 0 or 1, [N]: what a prediction is counted against. */
  readonly nearest: Float32Array;
}

/**
 * Mixes a step's images and labels.
 *
 * @param batch - with images; labels 0 or 1
 * @param share - of each picture in its own place, 0 to 1
 */
export function mixup(batch: StepBatch, share: number): MixedBatch {
  const { labels, weights, flag } = batch;
  const { targets, ...rest } = batch;
  const mixed = mixRows(labels, weights, share);
  return {
    batch: {
      ...rest,
      images: mixBytes(batch.images, labels.length, share),
      flag: mixPlain(flag, labels.length, share),
      ...{ labels: mixed.labels, weights: mixed.weights },
      targets: targets?.map((target) => mixTarget(target, share)),
    },
    nearest: share >= 0.5 ? labels : labels.slice().reverse(),
  };
}

function mixTarget({ name, labels, weights }: TargetBatch, share: number): TargetBatch {
  return { name, ...mixRows(labels, weights, share) };
}

/** Rows of labels with their weights: what both weigh, and the mean of both by what they weigh. */
function mixRows(labels: Float32Array, weights: Float32Array, share: number) {
  const n = weights.length;
  const width = labels.length / n;
  const outLabels = new Float32Array(labels.length);
  const outWeights = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const j = n - 1 - i;
    const [own, other] = [share * weights[i]!, (1 - share) * weights[j]!];
    const both = own + other;
    outWeights[i] = both;
    if (both === 0) continue; // neither has a class
    for (let k = 0; k < width; k++)
      outLabels[i * width + k] = (own * labels[i * width + k]! + other * labels[j * width + k]!) / both;
  }
  return { labels: outLabels, weights: outWeights };
}

function mixPlain(values: Float32Array, n: number, share: number): Float32Array {
  return mixRows(values, new Float32Array(n).fill(1), share).labels;
}

/** Bytes of all pictures. */
function mixBytes(images: Uint8Array, n: number, share: number): Uint8Array {
  const stride = images.length / n;
  const out = new Uint8Array(images.length); // [N, S, S, 3]
  const [a, b] = [Math.fround(share), Math.fround(1 - share)];
  for (let i = 0; i < n; i++) {
    const [at, other] = [i * stride, (n - 1 - i) * stride];
    for (let k = 0; k < stride; k++) {
      const mean = Math.fround(Math.fround(images[at + k]! * a) + Math.fround(images[other + k]! * b));
      const down = Math.floor(mean);
      const rest = mean - down;
      out[at + k] = rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
    }
  }
  return out;
}
