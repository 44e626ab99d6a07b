// ◇ Browser-safe. Intervals of a further target's figures (age bucket, race or skin-tone class): the percentile
// bootstrap over subjects that the sex's figures have. A draw that lacks a recorded class has no balanced accuracy, as
// one without a sex has none: the mean recall of fewer classes is another figure, and a higher one where the rare are
// the hard.

import { type Decided, decideRows, evaluateClasses } from "../metrics/classes.ts";
import { numberNames } from "../metrics/weighted.ts";
import type { ClassTarget, Prediction } from "../stored/prediction-row.ts";
import { type BootstrapOptions, checkReplicates, drawSubjects } from "./bootstrap.ts";
import { LEVEL, REPLICATES, wilson } from "./intervals.ts";
import { checkLevel } from "./normal.ts";
import { type BootstrapInterval, percentileInterval } from "./subject-intervals.ts";

/** Figures of a target that have intervals. */
export const CLASS_METRICS = ["accuracy", "balancedAccuracy", "oneOffAccuracy", "meanAbsoluteError"] as const;
/** A figure of a target that has an interval. */
export type ClassMetric = (typeof CLASS_METRICS)[number];

/** Intervals by figure; of figures that are not defined, low and high are null. */
export type ClassIntervals = Readonly<Record<ClassMetric, BootstrapInterval>>;

/**
 * Percentile intervals of a target's figures, by resampling subjects with all their images.
 *
 * @param rows - as of `evaluateClasses`
 * @param options - without the threshold, which is the sex's
 * @returns undefined where `evaluateClasses` gives nothing; low and high are null with fewer than two subjects, or if a
 *   figure is undefined in over half of the draws
 * @throws AppError("input", "BAD_REPLICATES" | "BAD_LEVEL" | "MIXED_CLASSES")
 * @example bootstrapClasses(rows, "age", { seed: 42 })?.oneOffAccuracy
 */
export function bootstrapClasses(
  rows: readonly Prediction[],
  target: ClassTarget,
  options: Omit<BootstrapOptions, "threshold"> = {},
): ClassIntervals | undefined {
  const { replicates = REPLICATES, seed = 0 } = options;
  const level = checkLevel(options.level ?? LEVEL);
  checkReplicates(replicates);
  const estimates = evaluateClasses(rows, target);
  if (estimates === undefined) return undefined;
  const { decided } = decideRows(rows, target);
  const classes = [...new Set(decided.map(({ recorded }) => recorded))].sort((a, b) => a - b);
  const { index, count } = numberNames(decided.map(({ subject }) => subject));
  const draws = CLASS_METRICS.map(() => new Float64Array(count < 2 ? 0 : replicates));
  if (count >= 2) {
    drawSubjects(count, { replicates, seed }, (weights, draw) => {
      const figures = weightedFigures({ decided, index, classes }, weights);
      CLASS_METRICS.forEach((metric, k) => {
        draws[k]![draw] = figures[metric];
      });
    });
  }
  const entries = CLASS_METRICS.map((metric, k) => {
    const plain = percentileInterval(estimates[metric], draws[k]!, level);
    return [metric, SHARES.has(metric) && count >= 2 ? atBound(plain, count) : plain];
  });
  return Object.fromEntries(entries) as ClassIntervals;
}

const SHARES: ReadonlySet<ClassMetric> = new Set(["accuracy", "oneOffAccuracy"]);

/** A share of 0 or 1 is the same in every draw: Wilson's interval by subjects, as the sex's rates have it. */
function atBound(interval: BootstrapInterval, subjects: number): BootstrapInterval {
  const { estimate, level } = interval;
  if (estimate !== 0 && estimate !== 1) return interval;
  const { low, high } = wilson(estimate === 1 ? subjects : 0, subjects, level);
  return { ...interval, low, high, method: "wilson" };
}

interface Counted {
  readonly decided: readonly Decided[];
  /** Number of each image's subject. */
  readonly index: Int32Array;
  /** Those that are recorded, ascending. */
  readonly classes: readonly number[];
}

/** The figures of one draw, NaN where it does not define one. */
function weightedFigures({ decided, index, classes }: Counted, weights: Int32Array) {
  const [recorded, hit] = [0, 1].map(() => new Float64Array(Math.max(...classes) + 1)) as [
    Float64Array,
    Float64Array,
  ];
  let [images, near, far] = [0, 0, 0];
  decided.forEach((image, i) => {
    const weight = weights[index[i]!]!;
    images += weight;
    recorded[image.recorded]! += weight;
    if (image.distance === 0) hit[image.recorded]! += weight;
    if (image.distance <= 1) near += weight;
    far += weight * image.distance;
  });
  const recalls = classes.map((k) => hit[k]! / recorded[k]!); // NaN for a class that was not drawn
  return {
    accuracy: hit.reduce((sum, n) => sum + n, 0) / images,
    balancedAccuracy:
      recalls.length < 2 ? Number.NaN : recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length,
    oneOffAccuracy: near / images,
    meanAbsoluteError: far / images,
  };
}
