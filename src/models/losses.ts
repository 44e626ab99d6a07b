// ◇ Browser-safe. Losses on logits: BCE (Lb), focal with gamma 2 (Lf, Lin et al., arXiv 1708.02002), class-weighted BCE (Lw),
// and MAG's modality term. One graph serves all of them: what differs are inputs.
// Invariant: the loss is a weighted sum over samples; the weights of a batch carry 1 / n and padded rows get 0.
import type { Value } from "../engine/graph.ts";
import * as ops from "../engine/ops.ts";
import type { ModelOutputs } from "./model.ts";
import { CLASS_TARGETS, type ClassTarget } from "./targets.ts";

/** b: binary cross-entropy, f: focal, w: binary cross-entropy with the classes balanced. */
export const LOSSES = ["b", "f", "w"] as const;
export type Loss = (typeof LOSSES)[number];

/** Weight of MAG's modality term in upstream. */
export const MODALITY_WEIGHT = 0.3;

/** What was recorded of further targets. */
export type TargetInputs = Readonly<
  Partial<
    Record<
      ClassTarget,
      {
        /** One-hot class, f32 [N, K]; zeros where none is recorded. */
        readonly labels: Value;
        /** Weight of each sample, f32 [N]; see classWeights. */
        readonly weights: Value;
      }
    >
  >
>;

export interface LossInputs {
  /** 1 male, 0 female, f32 [N]. */
  readonly labels: Value;
  /** Weight of each sample in the loss of the sex, f32 [N]; see sampleWeights. */
  readonly weights: Value;
  /** 0 for BCE, 1 for focal, between for a mixture, f32 []. */
  readonly focal: Value;
  /** MAG only. One-hot modality, f32 [N, 2], hand first. */
  readonly flag?: Value | undefined;
  /** MAG only. Weight of each sample in the modality term, f32 [N]; usually 0.3 / n. */
  readonly modalityWeights?: Value | undefined;
  /** For each further target of the model. */
  readonly targets?: TargetInputs | undefined;
  /**
   * Share of each label given to a coin's toss, 0 to 1: y becomes y (1 - x) + x / 2. The labels stay hard, so that
   * accuracies and class weights are those of the recorded label; the modality's are not smoothed.
   */
  readonly smoothing?: number | undefined;
  /** True if labels lie between 0 and 1, as mixup makes them; a graph of its own, default false. */
  readonly soft?: boolean | undefined;
}

/**
 * Binary cross-entropy per sample, stable for any logit: softplus((1 - 2y) z).
 * With smoothed labels: (1 - s) softplus(w) + s softplus(-w) = softplus(w) - s w, where w = (1 - 2y) z, s = x / 2.
 * @param logits - [N]
 * @param labels - 0 or 1, [N]
 * @param smoothing - x of LossInputs
 * @returns [N]
 */
export function crossEntropy(logits: Value, labels: Value, smoothing = 0): Value {
  return smoothed(againstLabel(logits, labels), smoothing);
}

/**
 * Focal loss per sample, gamma 2, no alpha: (1 - p_t)^2 times the cross-entropy, [N]; p_t = p y + (1 - p) (1 - y).
 * @source torchvision sigmoid_focal_loss, which takes smoothed labels too
 */
export function focalLoss(logits: Value, labels: Value, smoothing = 0): Value {
  const wrong = againstLabel(logits, labels);
  const sure = ops.activation("sigmoid", wrong); // 1 - p_t of a hard label
  const missed =
    smoothing === 0
      ? sure
      : ops.add(ops.scale(sure, 1 - smoothing), ops.broadcastScalar(ops.scalar(smoothing / 2), sure.shape));
  return ops.mul(ops.mul(missed, missed), smoothed(wrong, smoothing));
}

/**
 * Binary cross-entropy with labels between 0 and 1, softplus(z) - y z, and its focal form, with 1 - p_t = p + y - 2 p y; [N] each.
 * @param labels - [N], smoothed already
 * @source torch binary_cross_entropy_with_logits, torchvision sigmoid_focal_loss; timm's SoftTargetCrossEntropy of logits 0 and z
 */
export function softLosses(logits: Value, labels: Value): { readonly plain: Value; readonly focal: Value } {
  const plain = ops.sub(ops.activation("softplus", logits), ops.mul(labels, logits));
  const p = ops.activation("sigmoid", logits);
  const missed = ops.sub(ops.add(p, labels), ops.scale(ops.mul(p, labels), 2));
  return { plain, focal: ops.mul(ops.mul(missed, missed), plain) };
}

function smoothLabels(labels: Value, smoothing: number): Value {
  if (smoothing === 0) return labels;
  const half = ops.broadcastScalar(ops.scalar(smoothing / 2), labels.shape);
  return ops.add(ops.scale(labels, 1 - smoothing), half);
}

function smoothed(wrong: Value, smoothing: number): Value {
  const hard = ops.activation("softplus", wrong);
  return smoothing === 0 ? hard : ops.sub(hard, ops.scale(wrong, smoothing / 2));
}

/** The logit of the wrong class: z for female, -z for male. */
function againstLabel(logits: Value, labels: Value): Value {
  return ops.sub(logits, ops.scale(ops.mul(labels, logits), 2));
}

/**
 * Softmax cross-entropy per sample, [N]: of the gate with the true modality, of a further target with its class.
 * @param scores - [N, K]
 * @param oneHot - [N, K]; a row of zeros gives 0
 */
export function classLoss(scores: Value, oneHot: Value): Value {
  return ops.scale(ops.sumLast(ops.mul(ops.logSoftmax(scores), oneHot)), -1);
}

/**
 * The training loss of a model.
 *
 * @param outputs - of UMCC or MAG; the modality term is there if the model has a gate and its inputs are given
 * @returns [] : weighted sum of (1 - focal) BCE + focal FL, plus the modality term, plus those of further targets
 * @source upstream mag.py; torch binary_cross_entropy_with_logits, cross_entropy
 */
export function trainingLoss(outputs: ModelOutputs, inputs: LossInputs): Value {
  const terms = [sexAndModality(outputs, inputs), ...targetTerms(outputs, inputs)];
  return terms.reduce((sum, term) => ops.add(sum, term));
}

function targetTerms({ targets = {} }: ModelOutputs, { targets: recorded = {} }: LossInputs): Value[] {
  return CLASS_TARGETS.flatMap((name) => {
    const [scores, truth] = [targets[name], recorded[name]];
    if (scores === undefined || truth === undefined) return [];
    return [ops.sumAll(ops.mul(classLoss(scores, truth.labels), truth.weights))];
  });
}

function sexAndModality({ logits, gateLogits }: ModelOutputs, inputs: LossInputs): Value {
  const { labels, weights, focal, flag, modalityWeights, smoothing, soft = false } = inputs;
  const losses = soft
    ? softLosses(logits, smoothLabels(labels, smoothing ?? 0))
    : {
        plain: crossEntropy(logits, labels, smoothing),
        focal: focalLoss(logits, labels, smoothing),
      };
  const { plain } = losses;
  const change = ops.mul(ops.sub(losses.focal, plain), focal);
  const sex = ops.sumAll(ops.mul(ops.add(plain, change), weights));
  if (gateLogits === undefined || flag === undefined || modalityWeights === undefined) return sex;
  return ops.add(sex, ops.sumAll(ops.mul(classLoss(gateLogits, flag), modalityWeights)));
}

/**
 * Weights of a batch's samples for trainingLoss: 1 / n, or posWeight / n for males under Lw
 * (torch's BCEWithLogitsLoss with pos_weight, mean over the batch).
 *
 * @param labels - 0 or 1 of the real samples
 * @param length - rows of the batch; those beyond the labels are padding and get 0
 * @param posWeight - see balancedPosWeight; 1 for Lb and Lf
 */
export function sampleWeights(
  labels: ArrayLike<number>,
  length = labels.length,
  posWeight = 1,
): Float32Array {
  const weights = new Float32Array(length);
  for (let i = 0; i < labels.length; i++) weights[i] = (labels[i] === 1 ? posWeight : 1) / labels.length;
  return weights;
}

/**
 * Weights of a batch's samples in the loss of a further target: those with a recorded class share `weight` equally
 * (torch's cross_entropy with ignore_index, mean); all 0 if there are none.
 *
 * @param classes - index of each sample's class, -1 if none is recorded
 */
export function classWeights(classes: readonly number[], weight: number): Float32Array {
  const known = classes.filter((index) => index >= 0).length;
  return Float32Array.from(classes, (index) => (index >= 0 ? weight / known : 0));
}

/** Lw: females per male in the training set, so that both classes weigh the same. */
export function balancedPosWeight(females: number, males: number): number {
  return males === 0 || females === 0 ? 1 : females / males;
}
