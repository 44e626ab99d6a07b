// ◇ Browser-safe. Optimizers as pairs (slots, update) over flat state, and learning-rate schedules as functions of the step.
// Sources: torch.optim.AdamW and SGD; Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019)
// and SGDR (2017); torch.nn.utils.clip_grad_norm_.
import { unexpected } from "../core/errors.ts";
import type { Value } from "./graph.ts";
import { add, div, minimum, mul, scalar, sqrt, sumAll } from "./ops.ts";
import * as backward from "./ops-backward.ts";

/** Scalars that every update takes as graph inputs, so that one session serves the whole schedule. */
export interface StepScalars {
  readonly lr: Value;
  /** Weight decay; zero for packs without decay. */
  readonly decay: Value;
  /** Factor on the gradient: 1, or less where the global norm is clipped. */
  readonly gradScale: Value;
  /** The optimizer's own, in the order of `scalarNames`. */
  readonly own: readonly Value[];
}

/** An optimizer has no state of its own: its slots live beside the parameters. */
export interface Optimizer {
  readonly name: "adamw" | "sgd";
  /** State vectors per parameter, with torch's names. */
  readonly slots: readonly string[];
  readonly scalarNames: readonly string[];
  /** Values of its scalars at a step. @param step - 1 for the first */
  scalarsAt(step: number): readonly number[];
  /** New parameter and new slots, each [n]. */
  update(param: Value, grad: Value, slots: readonly Value[], scalars: StepScalars): readonly Value[];
}

export interface AdamWOptions {
  readonly beta1?: number | undefined;
  readonly beta2?: number | undefined;
  readonly eps?: number | undefined;
}

/** torch's AdamW; decay is decoupled from the gradient. */
export function adamw({ beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }: AdamWOptions = {}): Optimizer {
  return {
    name: "adamw",
    slots: ["exp_avg", "exp_avg_sq"],
    scalarNames: ["correction1", "correction2"],
    scalarsAt: (step) => [1 - beta1 ** step, Math.sqrt(1 - beta2 ** step)],
    update(param, grad, [m, v], { gradScale, lr, decay, own: [c1, c2] }) {
      return backward.adamw([param, grad, m!, v!, gradScale, lr, decay, c1!, c2!], { beta1, beta2, eps });
    },
  };
}

export interface SgdOptions {
  readonly momentum?: number | undefined;
  readonly nesterov?: boolean | undefined;
}

/** torch's SGD with momentum; decay is added to the gradient. */
export function sgd({ momentum = 0.9, nesterov = false }: SgdOptions = {}): Optimizer {
  return {
    name: "sgd",
    slots: ["momentum_buffer"],
    scalarNames: [],
    scalarsAt: () => [],
    update(param, grad, [buffer], { gradScale, lr, decay }) {
      return backward.sgd([param, grad, buffer!, gradScale, lr, decay], { momentum, nesterov });
    },
  };
}

/** Euclidean norm of several vectors together: []. */
export function globalNorm(grads: readonly Value[]): Value {
  return sqrt(grads.map((g) => sumAll(mul(g, g))).reduce((a, b) => add(a, b)));
}

/** Factor that brings a global norm down to `maxNorm`, as torch's clip_grad_norm_: min(1, max / (norm + 1e-6)). */
export function clipFactor(norm: Value, maxNorm: Value): Value {
  return minimum(scalar(1), div(maxNorm, add(norm, scalar(1e-6))));
}

export interface CosineOptions {
  /** Highest learning rate, > 0. */
  readonly lr: number;
  readonly totalSteps: number;
  /** Steps of linear rise from lr / warmupSteps; 0 for none. */
  readonly warmupSteps?: number | undefined;
  /** Learning rate after the last step. */
  readonly minLr?: number | undefined;
}

/**
 * Linear warm-up, then half a cosine to `minLr`.
 *
 * @param step - 0 for the first
 * @throws AppError("input", "SCHEDULE") unless 0 <= warmupSteps < totalSteps
 */
export function cosineLr(
  step: number,
  { lr, totalSteps, warmupSteps = 0, minLr = 0 }: CosineOptions,
): number {
  if (!(warmupSteps >= 0 && warmupSteps < totalSteps)) {
    const expected = `fewer warm-up steps than the ${totalSteps} steps of the run`;
    throw unexpected("input", { code: "SCHEDULE", expected, name: "warm-up", got: warmupSteps });
  }
  if (step < warmupSteps) return (lr * (step + 1)) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / (totalSteps - warmupSteps));
  return minLr + 0.5 * (lr - minLr) * (1 + Math.cos(Math.PI * progress));
}
