// ◇ Browser-safe. The test behind a comparison of two models, and its inversion: the two models' answers for a subject
// are exchanged. With s = +1 for subjects that keep their answers and -1 for the others, an exchange gives the
// difference A(s). Were the true difference d for everybody, of which each subject has the share w, exchanging what is
// left of it gives A(s) - d B(s), with B(s) = sum of s w; d is not rejected while enough exchanges are as large as
// |observed - d|. For one exchange these d are an interval around the observed difference; its ends, sorted, are all
// that the confidence interval needs. Exact for means over images of fixed classes (accuracy, balanced accuracy, rates
// of a recorded class, losses); for other figures an approximation away from d = 0, where it is the permutation test
// itself.
import { Random } from "../../core/random.ts";
import { metricRow } from "../metrics/table.ts";
import type { ComparedMetric } from "../metrics/weighted.ts";

/** How often each subject's answers by the first arm's model count as the first's, and as the second's. */
export interface Weights {
  /** [2 subjects]: answers of the first model, then of the second. */
  readonly asFirst: Int32Array;
  readonly asSecond: Int32Array;
}

/** Every subject's answers count where they belong. */
export function ownWeights(count: number): Weights {
  const of = (arm: number) =>
    Int32Array.from({ length: 2 * count }, (_, i) => (i < count === (arm === 0) ? 1 : 0));
  return { asFirst: of(0), asSecond: of(1) };
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
  const weights = ownWeights(count);
  const lows: number[] = [];
  const highs: number[] = [];
  let asLarge = 1; // what was observed is one of the exchanges
  let squares = 0;
  for (let k = 0; k < replicates; k++) {
    let share = 0;
    for (let s = 0; s < count; s++) {
      const swapped = random.int(2);
      weights.asFirst[s] = weights.asSecond[count + s] = 1 - swapped;
      weights.asFirst[count + s] = weights.asSecond[s] = swapped;
      share += swapped === 1 ? -shares[s]! : shares[s]!;
    }
    const value = measure(weights).difference;
    if (value === null) continue;
    if (Math.abs(value) >= Math.abs(observed) - TIE) asLarge++;
    const [low, high] = reached(observed, value, share);
    lows.push(low);
    highs.push(high);
    squares += (value - observed * share) ** 2;
  }
  const ends = unrejected(lows, highs, (1 - level) * (replicates + 1));
  const standardError = ends.low === null ? null : Math.sqrt(squares / lows.length);
  return { p: asLarge / (replicates + 1), ...ends, standardError };
}

/** Ends of the differences that are not rejected: those that as many exchanges reach as the level asks for. */
function unrejected(lows: number[], highs: number[], wanted: number): Pick<Exchanged, "low" | "high"> {
  const at = Math.max(0, Math.floor(wanted + TIE) - 1);
  const low = lows.sort((a, b) => a - b)[at] ?? Number.NEGATIVE_INFINITY;
  const high = highs.sort((a, b) => b - a)[at] ?? Number.POSITIVE_INFINITY;
  const known = Number.isFinite(low) && Number.isFinite(high) && high - low > TIE;
  return known ? { low, high } : { low: null, high: null };
}

/** The true differences of which an exchange is as large as what was observed: |A - d B| >= |observed - d|. */
function reached(observed: number, value: number, share: number): [low: number, high: number] {
  // No answer exchanged, or all: as large whatever the difference is.
  if (1 - Math.abs(share) < TIE) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const ends = [(observed - value) / (1 - share), (observed + value) / (1 + share)];
  const [one, other] = ends.map((end) => (Math.abs(end) < TIE ? 0 : end));
  return [Math.min(one!, other!), Math.max(one!, other!)];
}

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
  const restsOn = metricRow(metric).restsOn.join();
  if (restsOn === "all") return of(() => true);
  if (restsOn === "female") return of((target) => target === 0);
  if (restsOn === "male") return of((target) => target === 1);
  const [female, male] = [of((target) => target === 0), of((target) => target === 1)];
  return female.map((share, s) => (share + male[s]!) / 2);
}
