// ◇ Browser-safe. Two models on the same images: difference, p value, interval and smallest difference that could have
// been found. A comparison of A against B is A minus B, everywhere.
// Sources: permutation within subjects (Good 2005, ch. 3: under "no difference" the two models' answers for one subject
// may be exchanged); for figures of ranks, answers are exchanged as ranks (Venkatraman 2000); the interval is the set
// of differences that this test does not reject (Garthwaite 1996); power of a normal test.
// Invariants: 0 lies in the interval if and only if p is above 1 - level; a subject's images keep together, and so do
// the seeds of an arm: what is exchanged are subjects.
import { unexpected } from "../../core/errors.ts";
import { checkLengths, checkThreshold, scores, THRESHOLD } from "../metrics/binary.ts";
import { countBelow } from "../metrics/metrics.ts";
import {
  type ComparedMetric,
  isRanked,
  numberNames,
  type Weighable,
  weighable,
  weightedMetric,
} from "../metrics/weighted.ts";
import { checkReplicates } from "./bootstrap.ts";
import { meanAucDifference } from "./clustered.ts";
import { exchange, ownWeights, sharesOf, type Weights } from "./exchange.ts";
import { type Interval, LEVEL, REPLICATES } from "./intervals.ts";
import { type McNemar, mcnemar } from "./mcnemar.ts";
import { checkLevel, criticalValue, normalQuantile } from "./normal.ts";

/** Power at which the minimum detectable difference is stated. */
export const POWER = 0.8;

/** Two arms on the same images, each with one set of probabilities a seed. */
export interface PairedArms {
  /** Targets, 0 female or 1 male. */
  readonly y: readonly number[];
  readonly subjects: readonly string[];
  /** Probabilities of male by seed, [seeds][images]; a single run is one seed. */
  readonly first: readonly (readonly number[])[];
  /** As many seeds as `first`, paired by position. */
  readonly second: readonly (readonly number[])[];
}

/** How two models are compared. */
export interface CompareOptions {
  /** Default balancedAccuracy. */
  readonly metric?: ComparedMetric | undefined;
  /** Exchanges drawn, 100 to 1,000,000; default 2000. */
  readonly replicates?: number | undefined;
  readonly seed?: number | undefined;
  /** Coverage of the interval; the minimum detectable difference is for a test at 1 - level. Default .95. */
  readonly level?: number | undefined;
  readonly threshold?: number | undefined;
}

/** First - second, mean over seeds; null where the images do not define the metric. */
export interface PairedComparison extends Interval {
  readonly metric: ComparedMetric;
  readonly first: number | null;
  readonly second: number | null;
  readonly nImages: number;
  readonly nSubjects: number;
  readonly nSeeds: number;
  /** Standard deviation of the difference over exchanges, were it what was observed; null where the interval is. */
  readonly standardError: number | null;
  /** Two-sided, by exchange within subjects; at least 1 / (replicates + 1). */
  readonly p: number | null;
  /** True difference that a test at 1 - level would find with a power of .8, from the standard error. */
  readonly minimumDetectable: number | null;
  /** Of single seeds only: images as independent, for comparison with other papers. */
  readonly mcnemar: McNemar | null;
  /** Of ROC-AUC only: its p by the variance of placements over subjects, DeLong's where each has one image. */
  readonly delongP: number | null;
}

/**
 * Compares two arms over subjects: the first minus the second.
 *
 * @returns low and high are null where the test rejects no difference (fewer than six subjects, or answers that are
 *   alike for all of them)
 * @throws AppError("input", "EMPTY" | "LENGTH_MISMATCH" | "BAD_SEEDS" | "BAD_TARGET" | "BAD_PROBABILITY" |
 *   "BAD_REPLICATES" | "BAD_LEVEL" | "BAD_THRESHOLD")
 * @example compareArms({ y, subjects, first: [mag], second: [umcc] }).estimate // MAG minus UMCC
 */
export function compareArms(arms: PairedArms, options: CompareOptions = {}): PairedComparison {
  const { metric = "balancedAccuracy", replicates = REPLICATES, seed = 0 } = options;
  const level = checkLevel(options.level ?? LEVEL);
  const threshold = checkThreshold(options.threshold ?? THRESHOLD);
  checkReplicates(replicates);
  checkArms(arms);
  const { index, count } = numberNames(arms.subjects);
  const ranked = isRanked(metric) ? rankedArms(arms) : arms;
  const pairs = ranked.first.map((p, k) => merged(arms.y, p, ranked.second[k]!, index, threshold));
  const measure = (of: Weights) => difference(pairs, metric, of);
  const observed = measure(ownWeights(count));
  const { difference: estimate } = observed;
  const tested =
    estimate === null
      ? { p: null, low: null, high: null, standardError: null }
      : exchange(measure, estimate, {
          shares: sharesOf(arms.y, index, count, metric),
          ...{ replicates, seed, level },
        });
  const detectable = criticalValue(level) + normalQuantile(POWER);
  const { standardError } = tested;
  return {
    metric,
    ...{ first: observed.first, second: observed.second, estimate, level, ...tested },
    nImages: arms.y.length,
    nSubjects: count,
    nSeeds: pairs.length,
    minimumDetectable: standardError === null ? null : detectable * standardError,
    mcnemar: pairs.length === 1 ? discordant(arms, threshold) : null,
    delongP: metric === "rocAuc" ? aucP(arms) : null,
  };
}

const aucP = ({ y, first, second, subjects }: PairedArms) => meanAucDifference(y, first, second, subjects).p;

function checkArms({ y, subjects, first, second }: PairedArms): void {
  checkLengths(y, subjects, "subjects");
  if (first.length === 0 || first.length !== second.length) {
    const got = `${first.length} and ${second.length}`;
    throw unexpected("input", {
      code: "BAD_SEEDS",
      expected: "as many seeds in both arms, at least one",
      name: "a comparison",
      got,
    });
  }
  for (const p of [...first, ...second]) scores(y, p);
}

/** Both models' answers as one set whose units are (model, subject): the first model's subjects come first. */
function merged(
  y: readonly number[],
  first: readonly number[],
  second: readonly number[],
  subject: Int32Array,
  threshold: number,
): Weighable {
  const count = subject.reduce((most, s) => Math.max(most, s), -1) + 1;
  const unit = Int32Array.from({ length: 2 * y.length }, (_, i) =>
    i < y.length ? subject[i]! : count + subject[i - y.length]!,
  );
  return weighable({ y: [...y, ...y], p: [...first, ...second], unit }, threshold);
}

type Measured = Record<"first" | "second" | "difference", number | null>;

function difference(pairs: readonly Weighable[], metric: ComparedMetric, weights: Weights): Measured {
  const first = mean(pairs.map((images) => weightedMetric(images, weights.asFirst, metric)));
  const second = mean(pairs.map((images) => weightedMetric(images, weights.asSecond, metric)));
  return { first, second, difference: first === null || second === null ? null : first - second };
}

function mean(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return sum / values.length;
}

/** Each model's probabilities as ranks in (0, 1), equal ones alike: two scales must not mix in an exchange. */
function rankedArms({ first, second, ...rest }: PairedArms): PairedArms {
  const ranks = (p: readonly number[]) => {
    const sorted = Float64Array.from(p).sort();
    return p.map((value) => (countBelow(sorted, value) + 1) / (p.length + 1));
  };
  return { ...rest, first: first.map(ranks), second: second.map(ranks) };
}

function discordant({ y, first, second }: PairedArms, threshold: number): McNemar {
  const right = (p: number, i: number) => (p >= threshold ? 1 : 0) === y[i];
  let onlyFirst = 0;
  let onlySecond = 0;
  for (let i = 0; i < y.length; i++) {
    const [a, b] = [right(first[0]![i]!, i), right(second[0]![i]!, i)];
    if (a && !b) onlyFirst++;
    if (b && !a) onlySecond++;
  }
  return mcnemar(onlyFirst, onlySecond);
}
