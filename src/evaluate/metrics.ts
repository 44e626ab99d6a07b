// Metrics of one binary classifier, from targets and probabilities of male. Browser-safe.
// Sources: scikit-learn's definitions of roc_auc_score (midranks), average_precision_score, f1_score,
// brier_score_loss and log_loss. Nothing is rounded here; `null` means "not defined by these images".
import { checkThreshold, ratio, type Scores, scores, THRESHOLD } from "./binary.ts";
import { adaptiveEce, equalWidthEce } from "./calibration.ts";

/** Probabilities are clipped to [EPSILON, 1 - EPSILON] for NLL: float64's machine epsilon, as scikit-learn does. */
export const EPSILON = 2 ** -52;

/** Decisions against targets; "positive" is male. */
export interface Confusion {
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly trueNegative: number;
  readonly falseNegative: number;
}

/**
 * Metrics of a set of images. A rate is null where its denominator is empty: `tprFemale` without a female target,
 * `tprMale` without a male one; `balancedAccuracy`, `rocAuc` and `prAuc` unless both classes occur;
 * `f1Male` (`f1Female`) if that class is neither recorded nor decided, and `f1Macro` if either of them is null;
 * `precisionMale` (`precisionFemale`) if that class is never decided.
 */
export interface BinaryMetrics {
  readonly n: number;
  readonly nFemale: number;
  readonly nMale: number;
  readonly threshold: number;
  readonly confusion: Confusion;
  readonly accuracy: number;
  readonly balancedAccuracy: number | null;
  /** Share of the images recorded as female that are decided female. */
  readonly tprFemale: number | null;
  /** Share of the images recorded as male that are decided male. */
  readonly tprMale: number | null;
  readonly rocAuc: number | null;
  /** Average precision, male positive: sum of (recall step) x precision, no interpolation. */
  readonly prAuc: number | null;
  readonly f1Male: number | null;
  readonly f1Female: number | null;
  readonly f1Macro: number | null;
  /** Share of the images decided male that are recorded as male. */
  readonly precisionMale: number | null;
  readonly precisionFemale: number | null;
  /** Matthews' correlation of decisions and records, -1 to 1; null unless both classes are recorded and decided. */
  readonly mcc: number | null;
  /** Share of all images that are decided male; to compare only between groups of race or age. */
  readonly decidedMale: number;
  readonly brier: number;
  /** Mean negative log-likelihood in nats, clipped at EPSILON. */
  readonly nll: number;
  /** Expected calibration error of the probability of male, 15 equal-width bins. */
  readonly ece: number;
  /** The same over 15 bins of about equally many images. */
  readonly eceAdaptive: number;
}

/** Names of the metrics that are single figures, in the order of tables. */
export const METRICS = [
  "accuracy",
  "balancedAccuracy",
  "tprFemale",
  "tprMale",
  "rocAuc",
  "prAuc",
  "f1Male",
  "f1Female",
  "f1Macro",
  "precisionMale",
  "precisionFemale",
  "mcc",
  "decidedMale",
  "brier",
  "nll",
  "ece",
  "eceAdaptive",
] as const;
export type MetricName = (typeof METRICS)[number];

/** The metrics that follow from counts alone. */
export type Rates = Pick<
  BinaryMetrics,
  | "accuracy"
  | "balancedAccuracy"
  | "tprFemale"
  | "tprMale"
  | "f1Male"
  | "f1Female"
  | "f1Macro"
  | "precisionMale"
  | "precisionFemale"
  | "mcc"
  | "decidedMale"
>;

/** For these metrics the smaller value is the better one. */
export const LOWER_IS_BETTER: ReadonlySet<MetricName> = new Set(["brier", "nll", "ece", "eceAdaptive"]);

/**
 * All metrics of one set of images.
 *
 * @param y - targets, 0 female or 1 male
 * @param p - probabilities of male, in [0, 1]
 * @param options - `threshold`: decided male where p >= threshold; default .5
 * @throws AppError("input", ...) if the arrays are empty, differ in length or hold other values
 * @example evaluateBinary([0, 1, 1], [0.2, 0.6, 0.9]).rocAuc // 1
 */
export function evaluateBinary(
  y: ArrayLike<number>,
  p: ArrayLike<number>,
  options: { readonly threshold?: number } = {},
): BinaryMetrics {
  const threshold = checkThreshold(options.threshold ?? THRESHOLD);
  const s = scores(y, p);
  const confusion = confuse(s, threshold);
  return {
    n: s.n,
    nFemale: s.female.length,
    nMale: s.male.length,
    threshold,
    confusion,
    ...rates(confusion),
    rocAuc: rocAucOf(s),
    prAuc: prAucOf(s),
    ...losses(s),
    ece: equalWidthEce(s),
    eceAdaptive: adaptiveEce(s),
  };
}

/**
 * Metrics that follow from counts alone.
 *
 * @example rates({ truePositive: 8, falsePositive: 1, trueNegative: 9, falseNegative: 2 }).accuracy // .85
 */
export function rates(c: Confusion): Rates {
  const right = c.truePositive + c.trueNegative;
  const wrong = c.falsePositive + c.falseNegative;
  const tprFemale = ratio(c.trueNegative, c.trueNegative + c.falsePositive);
  const tprMale = ratio(c.truePositive, c.truePositive + c.falseNegative);
  const f1Male = ratio(2 * c.truePositive, 2 * c.truePositive + wrong);
  const f1Female = ratio(2 * c.trueNegative, 2 * c.trueNegative + wrong);
  return {
    accuracy: right / (right + wrong),
    balancedAccuracy: mean(tprFemale, tprMale),
    tprFemale,
    tprMale,
    f1Male,
    f1Female,
    f1Macro: mean(f1Male, f1Female),
    precisionMale: ratio(c.truePositive, c.truePositive + c.falsePositive),
    precisionFemale: ratio(c.trueNegative, c.trueNegative + c.falseNegative),
    mcc: mccOf(c),
    decidedMale: (c.truePositive + c.falsePositive) / (right + wrong),
  };
}

function mccOf({ truePositive, falsePositive, trueNegative, falseNegative }: Confusion): number | null {
  const recordedMale = truePositive + falseNegative;
  const recordedFemale = trueNegative + falsePositive;
  const scale =
    recordedMale * recordedFemale * (truePositive + falsePositive) * (trueNegative + falseNegative);
  return ratio(truePositive * trueNegative - falsePositive * falseNegative, Math.sqrt(scale));
}

function mean(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : (a + b) / 2;
}

function confuse({ female, male }: Scores, threshold: number): Confusion {
  const trueNegative = countBelow(female, threshold);
  const falseNegative = countBelow(male, threshold);
  return {
    truePositive: male.length - falseNegative,
    falsePositive: female.length - trueNegative,
    trueNegative,
    falseNegative,
  };
}

/** How many of the ascending values are < limit, by bisection. */
function countBelow(sorted: Float64Array, limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Area under the ROC curve: P(male's p > female's p) + P(equal) / 2, by merging the two sorted classes.
 *
 * @returns null unless both classes occur
 */
export function rocAucOf({ female, male }: Scores): number | null {
  if (female.length === 0 || male.length === 0) return null;
  let below = 0; // females with a smaller p
  let upTo = 0; // females with a smaller or equal p
  let twice = 0;
  for (const value of male) {
    while (below < female.length && female[below]! < value) below++;
    while (upTo < female.length && female[upTo]! <= value) upTo++;
    twice += below + upTo;
  }
  return twice / 2 / (female.length * male.length);
}

/**
 * Average precision with male as positive; images of one p enter together, as in scikit-learn.
 *
 * @returns null unless both classes occur
 */
export function prAucOf({ female, male }: Scores): number | null {
  if (female.length === 0 || male.length === 0) return null;
  let f = female.length;
  let m = male.length;
  let sum = 0;
  while (m > 0) {
    const value = male[m - 1]!;
    const before = m;
    while (m > 0 && male[m - 1] === value) m--;
    while (f > 0 && female[f - 1]! >= value) f--;
    const taken = male.length - m;
    sum += (before - m) * (taken / (taken + female.length - f));
  }
  return sum / male.length;
}

function losses({ female, male, n }: Scores): { brier: number; nll: number } {
  let square = 0;
  let logs = 0;
  for (const p of male) {
    square += (1 - p) ** 2;
    logs -= logClipped(p);
  }
  for (const p of female) {
    square += p ** 2;
    logs -= logClipped(1 - p);
  }
  return { brier: square / n, nll: logs / n };
}

/** log of a probability clipped to [EPSILON, 1 - EPSILON]. */
export function logClipped(p: number): number {
  return Math.log(Math.min(Math.max(p, EPSILON), 1 - EPSILON));
}
