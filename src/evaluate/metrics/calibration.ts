// ◇ Browser-safe. Calibration of the probability of male: reliability bins, expected calibration error, temperature.
// Sources: scikit-learn's calibration_curve (bins (a, b], the first one closed; quantile bins keep ties together);
// Naeini 2015 (ECE); Guo 2017 (temperature). The ECE here is of P(male) against the share of males,
// not of the confidence in the decided class.

import { unexpected } from "../../core/errors.ts";
import { checkLengths, checkTarget, probabilityOf, type Scores, scores } from "./binary.ts";

export const BIN_COUNT = 15;

/** One bin of a reliability diagram. Bins without images are left out. */
export interface ReliabilityBin {
  /** The bin is (low, high]; the first one includes `low`. */
  readonly low: number;
  readonly high: number;
  readonly n: number;
  /** Mean probability of male in the bin. */
  readonly meanProbability: number;
  /** Share of the bin's images that are recorded as male. */
  readonly shareMale: number;
}

export type Binning = "equal-width" | "equal-mass";

/**
 * Reliability diagram.
 *
 * @param y - targets, 0 female or 1 male
 * @param p - probabilities of male
 * @param binning - edges at equal distances, or at quantiles of p (equal p stay in one bin)
 * @param count - bins, 1 to 1000; default 15
 * @throws AppError("input", "BAD_BIN_COUNT" | ...)
 * @example reliabilityBins([0, 1], [0.1, 0.8], "equal-width", 2)
 */
export function reliabilityBins(
  y: ArrayLike<number>,
  p: ArrayLike<number>,
  binning: Binning,
  count: number = BIN_COUNT,
): ReliabilityBin[] {
  if (!Number.isInteger(count) || count < 1 || count > 1000) {
    throw unexpected("input", {
      code: "BAD_BIN_COUNT",
      expected: "an integer from 1 to 1000",
      name: "the number of bins",
      got: count,
    });
  }
  return binsOf(scores(y, p), binning, count);
}

function binsOf(s: Scores, binning: Binning, count: number): ReliabilityBin[] {
  const edges = binning === "equal-width" ? widthEdges(count) : massEdges(s, count);
  const n = new Float64Array(count);
  const sum = new Float64Array(count);
  const males = new Float64Array(count);
  for (const value of s.female) add(n, sum, binIndex(edges, value), value);
  for (const value of s.male) {
    const bin = binIndex(edges, value);
    add(n, sum, bin, value);
    males[bin]! += 1;
  }
  return Array.from(n, (size, k) => ({
    low: edges[k]!,
    high: edges[k + 1]!,
    n: size,
    meanProbability: sum[k]! / size,
    shareMale: males[k]! / size,
  })).filter((bin) => bin.n > 0);
}

function add(n: Float64Array, sum: Float64Array, bin: number, value: number): void {
  n[bin]! += 1;
  sum[bin]! += value;
}

function widthEdges(count: number): Float64Array {
  return Float64Array.from({ length: count + 1 }, (_, k) => k / count);
}

/** Quantiles k / count of all probabilities, linear between neighbours. */
function massEdges(s: Scores, count: number): Float64Array {
  const all = new Float64Array(s.n);
  all.set(s.female);
  all.set(s.male, s.female.length);
  all.sort();
  return Float64Array.from({ length: count + 1 }, (_, k) => quantile(all, k / count));
}

/**
 * Quantile of ascending values, linear between neighbours (type 7, numpy's default).
 *
 * @param sorted - ascending, at least one
 * @param q - in [0, 1]
 * @example quantile([1, 2, 3], 0.25) // 1.5
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const a = sorted[low]!;
  const b = sorted[Math.min(low + 1, sorted.length - 1)]!;
  return a + (b - a) * (at - low);
}

/** Index of the bin (edges[k], edges[k+1]] that holds the value, by bisection over the inner edges. */
export function binIndex(edges: Float64Array, value: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (edges[middle + 1]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** ECE over 15 equal-width bins: sum over bins of n_bin / n x |share of males - mean probability|. */
export function equalWidthEce(s: Scores): number {
  return eceOf(binsOf(s, "equal-width", BIN_COUNT));
}

/** ECE over 15 bins of about equally many images. */
export function adaptiveEce(s: Scores): number {
  return eceOf(binsOf(s, "equal-mass", BIN_COUNT));
}

/**
 * Expected calibration error of a reliability diagram.
 *
 * @example eceOf(reliabilityBins(y, p, "equal-mass", 10))
 */
export function eceOf(bins: readonly ReliabilityBin[]): number {
  let total = 0;
  let sum = 0;
  for (const bin of bins) {
    total += bin.n;
    sum += bin.n * Math.abs(bin.shareMale - bin.meanProbability);
  }
  return sum / total;
}

/** The temperature T of sigmoid(logit / T), and what it does to the images it was fitted on. */
export interface Temperature {
  readonly temperature: number;
  readonly nllBefore: number;
  readonly nllAfter: number;
  /** True if the best value lies at an end of the range searched, e.g. because all decisions are right. */
  readonly atBound: boolean;
}

/** Range of temperatures searched. */
export const TEMPERATURE_RANGE = [0.02, 50] as const;

/**
 * Temperature with the least NLL, by golden section on log T: NLL is convex in 1/T, so it has one valley.
 * Fit it on validation images only and apply it frozen; `fitTemperatureOn` in predictions insists on that.
 *
 * @param y - targets, 0 female or 1 male
 * @param logits - the model's outputs before the sigmoid
 * @throws AppError("input", "BAD_LOGIT" | "LOGITS_ZERO" | "LENGTH_MISMATCH" | "EMPTY" | "BAD_TARGET")
 * @example fitTemperature([0, 1, 0, 1], [-3, 4, 1, 2]).temperature
 */
export function fitTemperature(y: ArrayLike<number>, logits: ArrayLike<number>): Temperature {
  checkLogits(y, logits);
  const low = Math.log(TEMPERATURE_RANGE[0]);
  const high = Math.log(TEMPERATURE_RANGE[1]);
  const best = goldenSection((t) => nllAt(y, logits, Math.exp(t)), low, high);
  return {
    temperature: Math.exp(best),
    nllBefore: nllAt(y, logits, 1),
    nllAfter: nllAt(y, logits, Math.exp(best)),
    atBound: best - low < 1e-6 || high - best < 1e-6,
  };
}

/** Probability of male at a temperature. */
export function applyTemperature(logit: number, temperature: number): number {
  return probabilityOf(logit / temperature);
}

/** Where a function with one valley is least, to 1e-9. */
function goldenSection(f: (x: number) => number, low: number, high: number): number {
  const shrink = (Math.sqrt(5) - 1) / 2;
  let a = low;
  let b = high;
  let left = b - shrink * (b - a);
  let right = a + shrink * (b - a);
  let fLeft = f(left);
  let fRight = f(right);
  while (b - a > 1e-9) {
    if (fLeft <= fRight) {
      [b, right, fRight] = [right, left, fLeft];
      left = b - shrink * (b - a);
      fLeft = f(left);
    } else {
      [a, left, fLeft] = [left, right, fRight];
      right = a + shrink * (b - a);
      fRight = f(right);
    }
  }
  return (a + b) / 2;
}

/** Mean NLL of sigmoid(logit / T), stable for any size of logit. */
function nllAt(y: ArrayLike<number>, logits: ArrayLike<number>, temperature: number): number {
  let sum = 0;
  for (let i = 0; i < y.length; i++) {
    const z = (y[i] === 1 ? -logits[i]! : logits[i]!) / temperature;
    sum += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
  }
  return sum / y.length;
}

function checkLogits(y: ArrayLike<number>, logits: ArrayLike<number>): void {
  checkLengths(y, logits, "logits");
  let informative = false;
  for (let i = 0; i < y.length; i++) {
    checkTarget(y[i]!, i);
    if (!Number.isFinite(logits[i])) {
      throw unexpected("input", {
        code: "BAD_LOGIT",
        expected: "a finite number",
        name: "the logit",
        got: logits[i],
        where: `index ${i}`,
      });
    }
    if (logits[i] !== 0) informative = true;
  }
  if (informative) return;
  throw unexpected("input", {
    code: "LOGITS_ZERO",
    expected: "logits that are not all 0",
    name: "the temperature fit",
    got: 0,
  });
}
