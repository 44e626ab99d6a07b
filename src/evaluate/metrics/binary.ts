// ◇ Browser-safe. What every figure of this room starts from: targets (female 0, male 1) with probabilities of male,
// checked once. Invariant: functions that take a `Scores` may trust it, those that take raw arrays build one first.
import { unexpected } from "../../core/errors.ts";

/** A decision is male where the probability reaches this value. */
export const THRESHOLD = 0.5;

/** Probability of male of its log-odds. */
export function probabilityOf(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Checked targets and probabilities, and the probabilities of each class in ascending order. */
export interface Scores {
  readonly y: ArrayLike<number>;
  readonly p: ArrayLike<number>;
  readonly n: number;
  /** Sorted probabilities of the images whose target is female. */
  readonly female: Float64Array;
  /** Sorted probabilities of the images whose target is male. */
  readonly male: Float64Array;
}

/**
 * Checks targets and probabilities and sorts the latter by class.
 *
 * @param y - targets, 0 (female) or 1 (male), at least one
 * @param p - probabilities of male in [0, 1], as many
 * @throws AppError("input", "LENGTH_MISMATCH" | "EMPTY" | "BAD_TARGET" | "BAD_PROBABILITY")
 * @example scores([0, 1], [0.2, 0.9])
 */
export function scores(y: ArrayLike<number>, p: ArrayLike<number>): Scores {
  checkLengths(y, p, "probabilities");
  let males = 0;
  for (let i = 0; i < y.length; i++) {
    checkTarget(y[i]!, i);
    checkProbability(p[i]!, i);
    males += y[i]!;
  }
  const female = new Float64Array(y.length - males);
  const male = new Float64Array(males);
  let f = 0;
  let m = 0;
  for (let i = 0; i < y.length; i++) {
    if (y[i] === 1) male[m++] = p[i]!;
    else female[f++] = p[i]!;
  }
  return { y, p, n: y.length, female: female.sort(), male: male.sort() };
}

/** Two arrays of one length, at least one element long. */
export function checkLengths(y: ArrayLike<number>, other: ArrayLike<unknown>, name: string): void {
  if (y.length !== other.length) {
    throw unexpected("input", {
      code: "LENGTH_MISMATCH",
      expected: `as many ${name} as targets (${y.length})`,
      name,
      got: other.length,
    });
  }
  if (y.length === 0) {
    throw unexpected("input", { code: "EMPTY", expected: "at least one image", name: "evaluation", got: 0 });
  }
}

/** A target must be exactly 0 or 1; unlabelled images are left out by the caller, and counted. */
export function checkTarget(value: number, index: number): void {
  if (value === 0 || value === 1) return;
  throw unexpected("input", {
    code: "BAD_TARGET",
    expected: "0 (female) or 1 (male)",
    name: "the target",
    got: value,
    where: `index ${index}`,
  });
}

function checkProbability(value: number, index: number): void {
  if (value >= 0 && value <= 1) return;
  throw unexpected("input", {
    code: "BAD_PROBABILITY",
    expected: "a number from 0 to 1",
    name: "the probability",
    got: value,
    where: `index ${index}`,
  });
}

/** Checks a decision threshold. */
export function checkThreshold(threshold: number): number {
  if (threshold > 0 && threshold < 1) return threshold;
  throw unexpected("input", {
    code: "BAD_THRESHOLD",
    expected: "a number between 0 and 1",
    name: "the threshold",
    got: threshold,
  });
}

/** `a / b`, or null where there is nothing to divide by. */
export function ratio(a: number, b: number): number | null {
  return b === 0 ? null : a / b;
}
