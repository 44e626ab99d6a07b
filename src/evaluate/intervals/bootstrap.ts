// ◇ Browser-safe. Percentile bootstrap over subjects: a subject is drawn with all its images, both modalities
// together. What replaces draws where they have no spread is in subject-intervals.
// Source: Davison and Hinkley 1997, 3.8 (clusters). Browser-safe, seeded by core/random.
import { unexpected } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { checkLengths, checkThreshold, THRESHOLD } from "../metrics/binary.ts";
import { evaluateBinary } from "../metrics/metrics.ts";
import {
  numberNames,
  WEIGHTED_METRICS,
  type Weighable,
  type WeightedMetric,
  weighable,
  weightedMetrics,
} from "../metrics/weighted.ts";
import { LEVEL, REPLICATES } from "./intervals.ts";
import { checkLevel } from "./normal.ts";
import { type BootstrapInterval, metricInterval } from "./subject-intervals.ts";

/** Metrics with intervals here. */
export const BOOTSTRAP_METRICS = WEIGHTED_METRICS;
/** A metric that has an interval. */
export type BootstrapMetric = WeightedMetric;

/** The interval of each metric. */
export type BootstrapIntervals = Readonly<Record<BootstrapMetric, BootstrapInterval>>;

/** How subjects are drawn. */
export interface BootstrapOptions {
  /** Draws, 100 to 1,000,000; default 2000. */
  readonly replicates?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
  /** Coverage; default .95. */
  readonly level?: number | undefined;
  /** Decided male where p >= threshold; default .5. */
  readonly threshold?: number | undefined;
}

/**
 * Percentile intervals by resampling subjects with replacement, all images of a drawn subject together; Wilson's by
 * subjects where a rate is 0 or 1 (`method` names which).
 *
 * @param y - targets, 0 female or 1 male
 * @param p - probabilities of male
 * @param subjects - subject of each image; images of one subject share the string
 * @returns low and high are null with fewer than two subjects, if a metric is undefined in over half of the draws, or if
 *   all draws are equal and nothing else gives an interval
 * @throws AppError("input", "BAD_REPLICATES" | "BAD_LEVEL" | "BAD_THRESHOLD" | ...)
 * @example bootstrapBySubject(y, p, subjects, { seed: 42 }).balancedAccuracy
 */
export function bootstrapBySubject(
  y: ArrayLike<number>,
  p: ArrayLike<number>,
  subjects: readonly string[],
  options: BootstrapOptions = {},
): BootstrapIntervals {
  const { replicates = REPLICATES, seed = 0 } = options;
  const level = checkLevel(options.level ?? LEVEL);
  const threshold = checkThreshold(options.threshold ?? THRESHOLD);
  checkReplicates(replicates);
  checkLengths(y, subjects, "subjects");
  const estimates = evaluateBinary(y, p, { threshold });
  const { index, count } = numberNames(subjects);
  const images = weighable({ y, p, unit: index }, threshold);
  const drawn = {
    images,
    estimates,
    draws: drawAll(images, count, { replicates: count < 2 ? 0 : replicates, seed }),
  };
  const entries = BOOTSTRAP_METRICS.map((name) => [name, metricInterval(name, drawn, level)] as const);
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

/** All draws by metric; NaN where undefined. */
function drawAll(
  images: Weighable,
  subjects: number,
  options: { readonly replicates: number; readonly seed: number },
): Record<BootstrapMetric, Float64Array> {
  const entries = BOOTSTRAP_METRICS.map((name) => [name, new Float64Array(options.replicates)] as const);
  const out = Object.fromEntries(entries) as unknown as Record<BootstrapMetric, Float64Array>;
  drawSubjects(subjects, options, (weights, draw) => {
    const values = weightedMetrics(images, weights);
    for (const name of BOOTSTRAP_METRICS) out[name][draw] = values[name] ?? Number.NaN;
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
