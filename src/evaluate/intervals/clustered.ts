// ◇ Browser-safe. ROC-AUC when images come in subjects: its variance, and the difference of two models on the same
// images. Sources: Obuchowski 1997 (clustered data), which is DeLong 1988 where every subject has one image.
// The variance needs many subjects (say 30 of each class); with few, see the bootstrap.
import { checkLengths, type Scores, scores } from "../metrics/binary.ts";
import { numberNames } from "../metrics/weighted.ts";
import { type Interval, LEVEL } from "./intervals.ts";
import { criticalValue, normalCdf } from "./normal.ts";

/** ROC-AUC with the variance of clustered data. */
export interface ClusteredAuc extends Interval {
  /** Null with fewer than two subjects of either class. */
  readonly variance: number | null;
}

/** How far apart the ROC-AUCs of two models on the same images are: first - second. */
export interface AucDifference extends ClusteredAuc {
  /** Two-sided, normal; null without a variance, 1 if both order all images alike. */
  readonly p: number | null;
}

/**
 * ROC-AUC with Obuchowski's variance over subjects and a normal (Wald) interval, cut to [0, 1].
 *
 * @param y - targets, 0 female or 1 male
 * @param p - probabilities of male
 * @param subjects - subject of each image
 * @throws AppError("input", ...) as `evaluateBinary`, or "BAD_LEVEL"
 * @example clusteredAuc(y, p, subjects).variance
 */
export function clusteredAuc(
  y: ArrayLike<number>,
  p: ArrayLike<number>,
  subjects: readonly string[],
  level: number = LEVEL,
): ClusteredAuc {
  const z = criticalValue(level);
  checkLengths(y, subjects, "subjects");
  const { area, shares } = placements(scores(y, p));
  const variance = varianceOf(y, shares, area, subjects);
  if (area === null || variance === null)
    return { estimate: area, variance: null, low: null, high: null, level };
  // All pairs in order: no variance is left, which is no certainty.
  if (variance === 0) return { estimate: area, variance, low: null, high: null, level };
  const half = z * Math.sqrt(variance);
  return { estimate: area, variance, low: Math.max(0, area - half), high: Math.min(1, area + half), level };
}

/**
 * Difference of two ROC-AUCs on the same images (first - second), with Obuchowski's variance over subjects; with one
 * image a subject it is DeLong's test of two correlated areas.
 *
 * @param first - probabilities of male by the first model
 * @param second - by the second model, of the same images in the same order
 * @throws AppError("input", ...) as `clusteredAuc`
 * @example aucDifference(y, mag, umcc, subjects).estimate // MAG minus UMCC
 */
export function aucDifference(
  y: ArrayLike<number>,
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  subjects: readonly string[],
  level: number = LEVEL,
): AucDifference {
  return meanAucDifference(y, [first], [second], subjects, level);
}

/**
 * The same of two models with several seeds each: mean difference of the areas, seeds taken as they are. An area is a
 * mean of placements, so a mean of areas is a mean of the images' mean placements, with the same variance formula.
 *
 * @param first - [seeds][images]
 * @param second - [seeds][images], as many seeds
 * @throws AppError("input", ...) as `clusteredAuc`
 * @example meanAucDifference(y, [umcc42, umcc123], [mag42, mag123], subjects).p
 */
export function meanAucDifference(
  y: ArrayLike<number>,
  first: readonly ArrayLike<number>[],
  second: readonly ArrayLike<number>[],
  subjects: readonly string[],
  level: number = LEVEL,
): AucDifference {
  const z = criticalValue(level);
  checkLengths(y, subjects, "subjects");
  const a = meanPlacements(first.map((p) => placements(scores(y, p))));
  const b = meanPlacements(second.map((p) => placements(scores(y, p))));
  const estimate = a.area === null || b.area === null ? null : a.area - b.area;
  const shares = a.shares.map((share, i) => share - b.shares[i]!);
  const variance = varianceOf(y, shares, estimate, subjects);
  if (estimate === null || variance === null) {
    return { estimate, variance: null, low: null, high: null, level, p: null };
  }
  const error = Math.sqrt(variance);
  const p = error === 0 ? (estimate === 0 ? 1 : 0) : 2 * normalCdf(-Math.abs(estimate) / error);
  if (error === 0) return { estimate, variance, low: null, high: null, level, p };
  return { estimate, variance, low: estimate - z * error, high: estimate + z * error, level, p };
}

interface Placements {
  readonly area: number | null;
  /** By image. */
  readonly shares: Float64Array;
}

function meanPlacements(seeds: readonly Placements[]): Placements {
  const mean = (of: (seed: Placements) => number) =>
    seeds.reduce((sum, seed) => sum + of(seed), 0) / seeds.length;
  const { area, shares } = seeds[0]!;
  return {
    area: area === null ? null : mean((seed) => seed.area!),
    shares: shares.map((_, i) => mean((seed) => seed.shares[i]!)),
  };
}

/** For each image the share of the other class that lies on its right side, equal ones counting 1/2. */
function placements({ y, p, female, male }: Scores): Placements {
  const shares = Float64Array.from({ length: y.length }, (_, i) => {
    if (y[i] === 1) return shareBelow(female, p[i]!);
    return 1 - shareBelow(male, p[i]!);
  });
  if (female.length === 0 || male.length === 0) return { area: null, shares };
  const sum = shares.reduce((total, share, i) => (y[i] === 1 ? total + share : total), 0);
  return { area: sum / male.length, shares };
}

/** Share of the ascending values below `value`, equal ones counting 1/2. */
function shareBelow(sorted: Float64Array, value: number): number {
  return (place(sorted, value, false) + place(sorted, value, true)) / 2 / sorted.length;
}

/** How many values are < value, or <= value. */
function place(sorted: Float64Array, value: number, orEqual: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value || (orEqual && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** S10 / M + S01 / N + 2 S11 / (M N) of Obuchowski, from each subject's sums of placements. */
function varianceOf(
  y: ArrayLike<number>,
  shares: Float64Array,
  area: number | null,
  subjects: readonly string[],
): number | null {
  if (area === null) return null;
  const { index, count } = numberNames(subjects);
  const [males, females, ofMales, ofFemales] = [0, 1, 2, 3].map(() => new Float64Array(count)) as Columns;
  shares.forEach((share, i) => {
    const [n, sum] = y[i] === 1 ? [males, ofMales] : [females, ofFemales];
    n[index[i]!]! += 1;
    sum[index[i]!]! += share;
  });
  const withMale = males.filter((n) => n > 0).length;
  const withFemale = females.filter((n) => n > 0).length;
  if (withMale < 2 || withFemale < 2) return null;
  const excess = (sum: Float64Array, n: Float64Array) => sum.map((value, s) => value - n[s]! * area);
  const male = excess(ofMales, males);
  const female = excess(ofFemales, females);
  const m = total(males);
  const n = total(females);
  const squares = (values: Float64Array) => total(values.map((value) => value * value));
  const cross = total(male.map((value, s) => value * female[s]!));
  const variance =
    ((withMale / (withMale - 1)) * squares(male)) / m ** 2 +
    ((withFemale / (withFemale - 1)) * squares(female)) / n ** 2 +
    (2 * (count / (count - 1)) * cross) / (m * n);
  return Math.max(0, variance);
}

type Columns = [Float64Array, Float64Array, Float64Array, Float64Array];

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
