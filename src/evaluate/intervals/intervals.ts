// ◇ Browser-safe. Intervals for single figures: Wilson for a rate, DeLong for one ROC-AUC. For whole sets of metrics
// see bootstrap.ts. Sources: Wilson 1927; DeLong, DeLong and Clarke-Pearson 1988, by midranks as in Sun and Xu 2014.
// Both take images as independent: with several images a subject, prefer the bootstrap over subjects.
import { unexpected } from "../../core/errors.ts";
import { ratio, type Scores, scores } from "../metrics/binary.ts";
import { criticalValue } from "./normal.ts";

export const LEVEL = 0.95;

/** Draws of an interval, exchanges of a comparison, by default. */
export const REPLICATES = 2000;

/** An estimate with its two-sided interval; null where it is not defined. */
export interface Interval {
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly level: number;
}

/**
 * Wilson's score interval of a rate of independent cases, without continuity correction.
 *
 * @param successes - integer, 0 to n
 * @param n - cases; with 0 the estimate is null and the interval [0, 1]
 * @param level - coverage, default .95
 * @throws AppError("input", "BAD_COUNT" | "BAD_LEVEL")
 * @example wilson(9, 10) // { estimate: .9, low: .5958, high: .9821, level: .95 }
 */
export function wilson(successes: number, n: number, level: number = LEVEL): Interval {
  const z = criticalValue(level);
  checkCounts(successes, n);
  if (n === 0) return { estimate: null, low: 0, high: 1, level };
  const rate = successes / n;
  const scale = 1 + z ** 2 / n;
  const centre = (rate + z ** 2 / (2 * n)) / scale;
  const half = (z * Math.sqrt((rate * (1 - rate)) / n + z ** 2 / (4 * n ** 2))) / scale;
  return {
    estimate: rate,
    low: successes === 0 ? 0 : centre - half,
    high: successes === n ? 1 : centre + half,
    level,
  };
}

function checkCounts(successes: number, n: number): void {
  const whole = Number.isSafeInteger(successes) && Number.isSafeInteger(n);
  if (whole && successes >= 0 && successes <= n) return;
  throw unexpected("input", {
    code: "BAD_COUNT",
    expected: "integers with 0 <= successes <= n",
    name: "a rate",
    got: `${successes} of ${n}`,
  });
}

/** ROC-AUC with DeLong's variance. */
export interface DeLong extends Interval {
  /** Null with fewer than two images of either class. */
  readonly variance: number | null;
}

/**
 * DeLong's variance of one ROC-AUC and its normal (Wald) interval, cut to [0, 1].
 *
 * With all pairs in order (AUC 0 or 1) the variance is 0: low and high are null, since a point would claim certainty.
 *
 * @param y - targets, 0 female or 1 male
 * @param p - probabilities of male
 * @param level - coverage, default .95
 * @throws AppError("input", ...) as `evaluateBinary`, or "BAD_LEVEL"
 * @example delong(y, p).variance
 */
export function delong(y: ArrayLike<number>, p: ArrayLike<number>, level: number = LEVEL): DeLong {
  const z = criticalValue(level);
  const s = scores(y, p);
  const components = placements(s);
  const estimate = ratio(components.sumMale, s.male.length * s.female.length);
  const variance = varianceOf(components, s.male.length, s.female.length);
  if (estimate === null || variance === null) {
    return { estimate, variance: null, low: null, high: null, level };
  }
  if (variance === 0) return { estimate, variance, low: null, high: null, level };
  const half = z * Math.sqrt(variance);
  return { estimate, variance, low: Math.max(0, estimate - half), high: Math.min(1, estimate + half), level };
}

interface Placements {
  /** Sum over males of the females below them (an equal one counts 1/2). */
  readonly sumMale: number;
  readonly squaresMale: number;
  /** Sum over females of the males above them. */
  readonly sumFemale: number;
  readonly squaresFemale: number;
}

function placements({ male, female }: Scores): Placements {
  const ofMale = countsBelow(male, female);
  const ofFemale = countsBelow(female, male);
  const above = ofFemale.map((below) => male.length - below);
  return {
    sumMale: sum(ofMale),
    squaresMale: squares(ofMale, sum(ofMale) / ofMale.length),
    sumFemale: sum(above),
    squaresFemale: squares(above, sum(above) / above.length),
  };
}

/** For each ascending value: how many of `others` are smaller, equal ones counting 1/2. */
function countsBelow(values: Float64Array, others: Float64Array): Float64Array {
  let below = 0;
  let upTo = 0;
  return values.map((value) => {
    while (below < others.length && others[below]! < value) below++;
    while (upTo < others.length && others[upTo]! <= value) upTo++;
    return (below + upTo) / 2;
  });
}

/** S10 / m + S01 / n of DeLong et al., from counts instead of shares. */
function varianceOf(c: Placements, m: number, n: number): number | null {
  if (m < 2 || n < 2) return null;
  return c.squaresMale / (m - 1) / n ** 2 / m + c.squaresFemale / (n - 1) / m ** 2 / n;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Sum of squared deviations. */
function squares(values: Float64Array, centre: number): number {
  return values.reduce((total, value) => total + (value - centre) ** 2, 0);
}
