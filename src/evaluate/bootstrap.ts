// Percentile bootstrap over subjects: a subject is drawn with all its images, both modalities together.
// Source: Davison and Hinkley 1997, 3.8 (clusters); percentiles of type 7. Browser-safe, seeded by core/random.
import { unexpected } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { checkLengths, checkThreshold, THRESHOLD } from "./binary.ts";
import { quantile } from "./calibration.ts";
import { type Interval, LEVEL } from "./intervals.ts";
import { evaluateBinary } from "./metrics.ts";
import { checkLevel } from "./normal.ts";
import {
  numberNames,
  WEIGHTED_METRICS,
  type Weighable,
  type WeightedMetric,
  weighable,
  weightedMetrics,
} from "./weighted.ts";

/** Metrics with intervals here. */
export const BOOTSTRAP_METRICS = WEIGHTED_METRICS;
export type BootstrapMetric = WeightedMetric;

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
  const { index, count } = numberNames(subjects);
  const images = weighable({ y, p, unit: index }, threshold);
  const draws = count < 2 ? [] : drawAll(images, count, replicates, seed);
  const entries = BOOTSTRAP_METRICS.map(
    (name, k) => [name, percentileInterval(estimates[name], draws[k] ?? new Float64Array(), level)] as const,
  );
  return Object.fromEntries(entries) as unknown as BootstrapIntervals;
}

/** Checks the number of draws. */
export function checkReplicates(replicates: number): void {
  if (Number.isInteger(replicates) && replicates >= 100 && replicates <= 1_000_000) return;
  throw unexpected("input", {
    code: "BAD_REPLICATES",
    expected: "an integer from 100 to 1000000",
    name: "the number of bootstrap draws",
    got: replicates,
  });
}

/** All draws, one array a metric in the order of BOOTSTRAP_METRICS; NaN where undefined. */
function drawAll(images: Weighable, subjects: number, replicates: number, seed: number): Float64Array[] {
  const out = BOOTSTRAP_METRICS.map(() => new Float64Array(replicates));
  drawSubjects(subjects, { replicates, seed }, (weights, draw) => {
    const values = weightedMetrics(images, weights);
    BOOTSTRAP_METRICS.forEach((name, k) => {
      out[k]![draw] = values[name] ?? Number.NaN;
    });
  });
  return out;
}

/**
 * Draws as many subjects as there are, with replacement, again and again.
 *
 * @param subjects - how many there are, >= 1
 * @param visit - gets how often each subject was drawn (one array, reused), and the number of the draw
 */
export function drawSubjects(
  subjects: number,
  { replicates, seed }: { readonly replicates: number; readonly seed: number },
  visit: (weights: Int32Array, draw: number) => void,
): void {
  const random = Random.of(seed).split("bootstrap");
  const weights = new Int32Array(subjects);
  for (let draw = 0; draw < replicates; draw++) {
    weights.fill(0);
    for (let k = 0; k < subjects; k++) weights[random.int(subjects)]! += 1;
    visit(weights, draw);
  }
}

/**
 * Percentile interval of the draws of one figure.
 *
 * @param draws - NaN where the figure was not defined
 * @returns low and high are null if the estimate is, or if over half of the draws are not defined
 */
export function percentileInterval(
  estimate: number | null,
  draws: Float64Array,
  level: number,
): BootstrapInterval {
  const sorted = draws.filter((value) => !Number.isNaN(value)).sort();
  const usable = estimate !== null && sorted.length > draws.length / 2;
  return {
    estimate,
    low: usable ? quantile(sorted, (1 - level) / 2) : null,
    high: usable ? quantile(sorted, (1 + level) / 2) : null,
    level,
    replicates: sorted.length,
  };
}
