// Percentile bootstrap over subjects: a subject is drawn with all its images, both modalities together.
// Source: Davison and Hinkley 1997, 3.8 (clusters); percentiles of type 7. Browser-safe, seeded by core/random.
// Threshold metrics need only a subject's counts; ROC-AUC and PR-AUC need one pass over images sorted once.
// ECE is left out: resampling inflates it, so a percentile interval of it would be wrong.
import { unexpected } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { checkLengths, checkThreshold, THRESHOLD } from "./binary.ts";
import { quantile } from "./calibration.ts";
import { type Interval, LEVEL } from "./intervals.ts";
import { evaluateBinary, logClipped, rates } from "./metrics.ts";
import { checkLevel } from "./normal.ts";

export const BOOTSTRAP_METRICS = [
  "accuracy",
  "balancedAccuracy",
  "tprFemale",
  "tprMale",
  "rocAuc",
  "prAuc",
  "f1Male",
  "f1Female",
  "f1Macro",
  "brier",
  "nll",
] as const;
export type BootstrapMetric = (typeof BOOTSTRAP_METRICS)[number];

/** One metric's interval; `replicates` counts the draws in which the metric was defined. */
export interface BootstrapInterval extends Interval {
  readonly replicates: number;
}

export type BootstrapIntervals = Readonly<Record<BootstrapMetric, BootstrapInterval>>;

export interface BootstrapOptions {
  /** Draws, 100 to 1,000,000; default 2000. */
  readonly replicates?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Coverage; default .95. */
  readonly level?: number;
  /** Decided male where p >= threshold; default .5. */
  readonly threshold?: number;
}

/** Columns of the per-subject sums. */
const TP = 0;
const FP = 1;
const TN = 2;
const FN = 3;
const SQUARES = 4;
const LOGS = 5;
const WIDTH = 6;

interface Prepared {
  readonly subjects: number;
  /** Sums by subject, [subjects, WIDTH]. */
  readonly sums: Float64Array;
  /** Subject of each image, in descending order of p. */
  readonly order: Int32Array;
  /** 1 for male, in the same order. */
  readonly male: Uint8Array;
  /** 1 where the next image has a smaller p, so that images of one p count together. */
  readonly last: Uint8Array;
}

/**
 * Percentile intervals by resampling subjects with replacement, all images of a drawn subject together.
 *
 * @param y - targets, 0 female or 1 male
 * @param p - probabilities of male
 * @param subjects - subject of each image; images of one subject share the string
 * @returns low and high are null with fewer than two subjects, or if a metric is undefined in over half of the draws
 * @throws AppError("input", "BAD_REPLICATES" | "BAD_LEVEL" | "BAD_THRESHOLD" | ...)
 * @example bootstrapBySubject(y, p, subjects, { seed: 42 }).balancedAccuracy
 */
export function bootstrapBySubject(
  y: ArrayLike<number>,
  p: ArrayLike<number>,
  subjects: readonly string[],
  options: BootstrapOptions = {},
): BootstrapIntervals {
  const { replicates = 2000, seed = 0 } = options;
  const level = checkLevel(options.level ?? LEVEL);
  const threshold = checkThreshold(options.threshold ?? THRESHOLD);
  checkReplicates(replicates);
  checkLengths(y, subjects, "subjects");
  const estimates = evaluateBinary(y, p, { threshold });
  const prepared = prepare(y, p, subjects, threshold);
  const draws = prepared.subjects < 2 ? [] : drawAll(prepared, replicates, seed);
  const entries = BOOTSTRAP_METRICS.map((name, k) => {
    const values = Float64Array.from((draws[k] ?? []).filter((value) => !Number.isNaN(value))).sort();
    return [name, percentile(estimates[name], values, replicates, level)] as const;
  });
  return Object.fromEntries(entries) as unknown as BootstrapIntervals;
}

function checkReplicates(replicates: number): void {
  if (Number.isInteger(replicates) && replicates >= 100 && replicates <= 1_000_000) return;
  throw unexpected("input", {
    code: "BAD_REPLICATES",
    expected: "an integer from 100 to 1000000",
    name: "the number of bootstrap draws",
    got: replicates,
  });
}

function percentile(
  estimate: number | null,
  sorted: Float64Array,
  replicates: number,
  level: number,
): BootstrapInterval {
  const usable = estimate !== null && sorted.length > replicates / 2;
  return {
    estimate,
    low: usable ? quantile(sorted, (1 - level) / 2) : null,
    high: usable ? quantile(sorted, (1 + level) / 2) : null,
    level,
    replicates: sorted.length,
  };
}

function prepare(
  y: ArrayLike<number>,
  p: ArrayLike<number>,
  subjects: readonly string[],
  threshold: number,
): Prepared {
  const numbers = new Map<string, number>();
  const subject = Int32Array.from(subjects, (name) => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, numbers.size);
    return numbers.size - 1;
  });
  const sums = new Float64Array(numbers.size * WIDTH);
  for (let i = 0; i < y.length; i++) accumulate(sums, subject[i]! * WIDTH, y[i]!, p[i]!, threshold);
  const index = Int32Array.from(subject, (_, i) => i).sort((a, b) => p[b]! - p[a]!);
  return {
    subjects: numbers.size,
    sums,
    order: index.map((i) => subject[i]!),
    male: Uint8Array.from(index, (i) => y[i]!),
    last: Uint8Array.from(index, (i, k) => (k + 1 < index.length && p[index[k + 1]!] === p[i] ? 0 : 1)),
  };
}

function accumulate(sums: Float64Array, at: number, y: number, p: number, threshold: number): void {
  const decision = p >= threshold ? 1 : 0;
  sums[at + (y === 1 ? (decision === 1 ? TP : FN) : decision === 1 ? FP : TN)]! += 1;
  sums[at + SQUARES]! += (y - p) ** 2;
  sums[at + LOGS]! -= logClipped(y === 1 ? p : 1 - p);
}

/** All draws, one array a metric in the order of BOOTSTRAP_METRICS; NaN where undefined. */
function drawAll(prepared: Prepared, replicates: number, seed: number): Float64Array[] {
  const out = BOOTSTRAP_METRICS.map(() => new Float64Array(replicates));
  const random = Random.of(seed).split("bootstrap");
  const weights = new Int32Array(prepared.subjects);
  for (let b = 0; b < replicates; b++) {
    weights.fill(0);
    for (let k = 0; k < weights.length; k++) weights[random.int(weights.length)]! += 1;
    const metrics = { ...countMetrics(prepared, weights), ...rankMetrics(prepared, weights) };
    BOOTSTRAP_METRICS.forEach((name, k) => {
      out[k]![b] = metrics[name] ?? Number.NaN;
    });
  }
  return out;
}

/** Written out by column: the loop over columns took most of the time of a draw. */
function countMetrics({ sums, subjects }: Prepared, weights: Int32Array) {
  let truePositive = 0;
  let falsePositive = 0;
  let trueNegative = 0;
  let falseNegative = 0;
  let squares = 0;
  let logs = 0;
  for (let s = 0; s < subjects; s++) {
    const weight = weights[s]!;
    const at = s * WIDTH;
    truePositive += weight * sums[at + TP]!;
    falsePositive += weight * sums[at + FP]!;
    trueNegative += weight * sums[at + TN]!;
    falseNegative += weight * sums[at + FN]!;
    squares += weight * sums[at + SQUARES]!;
    logs += weight * sums[at + LOGS]!;
  }
  const n = truePositive + falsePositive + trueNegative + falseNegative;
  const counts = { truePositive, falsePositive, trueNegative, falseNegative };
  return { ...rates(counts), brier: squares / n, nll: logs / n };
}

/** Weighted ROC-AUC and average precision in one pass down the images; equal p enter together. */
function rankMetrics({ order, male, last }: Prepared, weights: Int32Array) {
  let males = 0;
  let females = 0;
  let newMales = 0;
  let newFemales = 0;
  let area = 0; // sum over females of the males above them
  let precision = 0; // sum over males of the precision at their p
  for (let i = 0; i < order.length; i++) {
    const weight = weights[order[i]!]!;
    if (male[i] === 1) newMales += weight;
    else newFemales += weight;
    if (last[i] === 0) continue;
    area += newFemales * (males + newMales / 2);
    males += newMales;
    females += newFemales;
    if (newMales > 0) precision += newMales * (males / (males + females));
    newMales = 0;
    newFemales = 0;
  }
  const defined = males > 0 && females > 0;
  return {
    rocAuc: defined ? area / (males * females) : null,
    prAuc: defined ? precision / males : null,
  };
}
