// Two models on the same images: difference, interval, p value and smallest difference that could have been found.
// Sources: paired bootstrap over subjects; permutation within subjects (Good 2005, ch. 3: under "no difference" the
// two models' answers for one subject may be exchanged); power of a normal test. Browser-safe.
// Invariant: a subject's images keep together, and so do the seeds of an arm: what is drawn or exchanged are subjects.
import { unexpected } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { checkLengths, checkThreshold, scores, THRESHOLD } from "./binary.ts";
import { checkReplicates, drawSubjects, percentileInterval } from "./bootstrap.ts";
import { meanAucDifference } from "./clustered.ts";
import { type Interval, LEVEL } from "./intervals.ts";
import { type McNemar, mcnemar } from "./mcnemar.ts";
import { checkLevel, criticalValue, normalQuantile } from "./normal.ts";
import { type ComparedMetric, numberNames, type Weighable, weighable, weightedMetric } from "./weighted.ts";

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

export interface CompareOptions {
  /** Default balancedAccuracy. */
  readonly metric?: ComparedMetric;
  /** Bootstrap draws, 100 to 1,000,000; default 2000. */
  readonly replicates?: number;
  /** Permutations, as many as draws by default; 0 for none, p is then null. */
  readonly permutations?: number;
  readonly seed?: number;
  /** Coverage of the interval; the minimum detectable difference is for a test at 1 - level. Default .95. */
  readonly level?: number;
  readonly threshold?: number;
}

/** Second - first, mean over seeds; null where the images do not define the metric. */
export interface PairedComparison extends Interval {
  readonly metric: ComparedMetric;
  readonly first: number | null;
  readonly second: number | null;
  readonly nImages: number;
  readonly nSubjects: number;
  readonly nSeeds: number;
  /** Standard deviation of the difference over bootstrap draws. */
  readonly standardError: number | null;
  /** Two-sided, by permutation within subjects; at least 1 / (permutations + 1). */
  readonly p: number | null;
  /** True difference that a test at 1 - level would find with a power of .8, from the standard error. */
  readonly minimumDetectable: number | null;
  /** Of single seeds only: images as independent, for comparison with other papers. */
  readonly mcnemar: McNemar | null;
  /** Of ROC-AUC only: its p by the variance of placements over subjects, DeLong's where each has one image. */
  readonly delongP: number | null;
}

/**
 * Compares two arms over subjects.
 *
 * @throws AppError("input", "EMPTY" | "LENGTH_MISMATCH" | "BAD_SEEDS" | "BAD_TARGET" | "BAD_PROBABILITY" |
 *   "BAD_REPLICATES" | "BAD_LEVEL" | "BAD_THRESHOLD")
 * @example compareArms({ y, subjects, first: [umcc], second: [mag] }).p
 */
export function compareArms(arms: PairedArms, options: CompareOptions = {}): PairedComparison {
  const { metric = "balancedAccuracy", replicates = 2000, permutations = replicates, seed = 0 } = options;
  const level = checkLevel(options.level ?? LEVEL);
  const threshold = checkThreshold(options.threshold ?? THRESHOLD);
  checkReplicates(replicates);
  if (permutations !== 0) checkReplicates(permutations);
  checkArms(arms);
  const { index, count } = numberNames(arms.subjects);
  const pairs = arms.first.map((first, k) => merged(arms.y, first, arms.second[k]!, index, threshold));
  const measure = (of: Weights) => difference(pairs, metric, of);
  const ones = new Int32Array(count).fill(1);
  const none = new Int32Array(count);
  const observed = measure(weightsOf(ones, none, count));
  const draws = count < 2 ? new Float64Array() : bootstrap(measure, count, replicates, seed);
  const interval = percentileInterval(observed.difference, draws, level);
  const standardError = interval.low === null ? null : deviation(draws);
  const detectable = criticalValue(level) + normalQuantile(POWER);
  return {
    metric,
    ...observed,
    ...{ estimate: observed.difference, low: interval.low, high: interval.high, level },
    nImages: arms.y.length,
    nSubjects: count,
    nSeeds: pairs.length,
    standardError,
    p:
      observed.difference === null || permutations === 0
        ? null
        : permutation(measure, observed.difference, count, { permutations, seed }),
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

/** How often each subject's answers by the first arm's model count as the first's, and as the second's. */
interface Weights {
  /** [2 subjects]: answers of the first model, then of the second. */
  readonly asFirst: Int32Array;
  readonly asSecond: Int32Array;
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

/** `own` counts a subject's answers where they belong, `swapped` in the other arm. */
function weightsOf(own: Int32Array, swapped: Int32Array, count: number): Weights {
  const asFirst = new Int32Array(2 * count);
  const asSecond = new Int32Array(2 * count);
  asFirst.set(own);
  asFirst.set(swapped, count);
  asSecond.set(swapped);
  asSecond.set(own, count);
  return { asFirst, asSecond };
}

type Measured = Record<"first" | "second" | "difference", number | null>;

function difference(pairs: readonly Weighable[], metric: ComparedMetric, weights: Weights): Measured {
  const first = mean(pairs.map((images) => weightedMetric(images, weights.asFirst, metric)));
  const second = mean(pairs.map((images) => weightedMetric(images, weights.asSecond, metric)));
  return { first, second, difference: first === null || second === null ? null : second - first };
}

function mean(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return sum / values.length;
}

function bootstrap(
  measure: (weights: Weights) => Measured,
  count: number,
  replicates: number,
  seed: number,
): Float64Array {
  const draws = new Float64Array(replicates);
  const none = new Int32Array(count);
  drawSubjects(count, { replicates, seed }, (weights, draw) => {
    draws[draw] = measure(weightsOf(weights, none, count)).difference ?? Number.NaN;
  });
  return draws;
}

/** Rounding must not make an equal difference a larger one. */
const TIE = 1e-12;

function permutation(
  measure: (weights: Weights) => Measured,
  observed: number,
  count: number,
  { permutations, seed }: { readonly permutations: number; readonly seed: number },
): number {
  const random = Random.of(seed).split("permutation");
  let asLarge = 1; // what was observed is one of the permutations
  for (let k = 0; k < permutations; k++) {
    const swapped = Int32Array.from({ length: count }, () => random.int(2));
    const value = measure(
      weightsOf(
        swapped.map((s) => 1 - s),
        swapped,
        count,
      ),
    ).difference;
    if (value !== null && Math.abs(value) >= Math.abs(observed) - TIE) asLarge++;
  }
  return asLarge / (permutations + 1);
}

function deviation(draws: Float64Array): number {
  const defined = draws.filter((value) => !Number.isNaN(value));
  const centre = defined.reduce((sum, value) => sum + value, 0) / defined.length;
  return Math.sqrt(defined.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (defined.length - 1));
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
