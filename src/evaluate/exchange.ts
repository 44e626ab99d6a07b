// The test behind a comparison of two models, and its inversion: the two models' answers for a subject are exchanged.
// With s = +1 for subjects that keep their answers and -1 for the others, an exchange gives the difference A(s). Were the
// true difference d for everybody, of which each subject has the share w, exchanging what is left of it gives A(s) - d B(s),
// with B(s) = sum of s w; d is not rejected while enough exchanges are as large as |observed - d|. For one exchange these
// d are an interval around the observed difference; its ends, sorted, are all that the confidence interval needs.
// Exact for means over images of fixed classes (accuracy, balanced accuracy, rates of a recorded class, losses); for other
// figures an approximation away from d = 0, where it is the permutation test itself. Browser-safe.
import { Random } from "../core/random.ts";
import type { ComparedMetric } from "./weighted.ts";

/** How often each subject's answers by the first arm's model count as the first's, and as the second's. */
export interface Weights {
  /** [2 subjects]: answers of the first model, then of the second. */
  readonly asFirst: Int32Array;
  readonly asSecond: Int32Array;
}

/** `own` counts a subject's answers where they belong, `swapped` in the other arm. */
export function weightsOf(own: Int32Array, swapped: Int32Array, count: number): Weights {
  const asFirst = new Int32Array(2 * count);
  const asSecond = new Int32Array(2 * count);
  asFirst.set(own);
  asFirst.set(swapped, count);
  asSecond.set(swapped);
  asSecond.set(own, count);
  return { asFirst, asSecond };
}

/** What an exchange needs beside the measure. */
export interface ExchangeOptions {
  /** Each subject's share of the difference, with sum 1. */
  readonly shares: Float64Array;
  readonly replicates: number;
  readonly seed: number;
  readonly level: number;
}

/** A test of "no difference", and the differences that it does not reject. */
export interface Exchanged {
  readonly p: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly standardError: number | null;
}

/** Rounding must not make an equal difference a larger one. */
const TIE = 1e-12;

/**
 * Exchanges answers at random and inverts the test.
 *
 * @param observed - the difference as it is
 * @returns low and high are null if they have no bound, or are one and the same
 */
export function exchange(
  measure: (weights: Weights) => { readonly difference: number | null },
  observed: number,
  { shares, replicates, seed, level }: ExchangeOptions,
): Exchanged {
  const random = Random.of(seed).split("permutation");
  const count = shares.length;
  const lows: number[] = [];
  const highs: number[] = [];
  let asLarge = 1; // what was observed is one of the exchanges
  let squares = 0;
  for (let k = 0; k < replicates; k++) {
    const swapped = Int32Array.from({ length: count }, () => random.int(2));
    const value = measure(
      weightsOf(
        swapped.map((s) => 1 - s),
        swapped,
        count,
      ),
    ).difference;
    if (value === null) continue;
    const share = shares.reduce((sum, w, i) => sum + (swapped[i] === 1 ? -w : w), 0);
    if (Math.abs(value) >= Math.abs(observed) - TIE) asLarge++;
    const [low, high] = reached(observed, value, share);
    lows.push(low);
    highs.push(high);
    squares += (value - observed * share) ** 2;
  }
  const p = asLarge / (replicates + 1);
  // d above the observed difference is rejected once the exchanges that reach it are at most `rejected` of all.
  const rejected = Math.floor((1 - level) * (replicates + 1) + TIE);
  const high = highs.sort((a, b) => b - a)[Math.max(0, rejected - 1)] ?? Number.POSITIVE_INFINITY;
  const low = lows.sort((a, b) => a - b)[Math.max(0, rejected - 1)] ?? Number.NEGATIVE_INFINITY;
  const known = Number.isFinite(low) && Number.isFinite(high) && high - low > TIE;
  return {
    p,
    low: known ? low : null,
    high: known ? high : null,
    standardError: known ? Math.sqrt(squares / lows.length) : null,
  };
}

/** The true differences of which an exchange is as large as what was observed: |A - d B| >= |observed - d|. */
function reached(observed: number, value: number, share: number): [low: number, high: number] {
  // All answers kept, or all exchanged: as large whatever the difference is.
  if (1 - Math.abs(share) < TIE) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const ends = [(observed - value) / (1 - share), (observed + value) / (1 + share)];
  const [one, other] = ends.map((end) => (Math.abs(end) < TIE ? 0 : end));
  return [Math.min(one!, other!), Math.max(one!, other!)];
}

const OF_ALL: ReadonlySet<ComparedMetric> = new Set([
  "accuracy",
  "decidedMale",
  "meanError",
  "brier",
  "nll",
  "ece",
]);

/**
 * Each subject's share of a difference in a metric: of all images, of those of one recorded class, or the mean of both
 * classes' shares where the metric weighs both alike.
 *
 * @param subject - number of each image's subject, below `count`
 */
export function sharesOf(
  y: readonly number[],
  subject: Int32Array,
  count: number,
  metric: ComparedMetric,
): Float64Array {
  const of = (wanted: (target: number) => boolean) => {
    const own = new Float64Array(count);
    for (let i = 0; i < y.length; i++) if (wanted(y[i]!)) own[subject[i]!]! += 1;
    const all = own.reduce((sum, n) => sum + n, 0);
    return own.map((n) => (all === 0 ? 0 : n / all));
  };
  if (OF_ALL.has(metric)) return of(() => true);
  if (metric === "tprFemale") return of((target) => target === 0);
  if (metric === "tprMale") return of((target) => target === 1);
  const [female, male] = [of((target) => target === 0), of((target) => target === 1)];
  return female.map((share, s) => (share + male[s]!) / 2);
}
