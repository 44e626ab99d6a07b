// ◇ Browser-safe. Metrics of one binary classifier, from targets and probabilities of male.
// Sources: scikit-learn's definitions of roc_auc_score (midranks), average_precision_score, f1_score,
// brier_score_loss and log_loss. Nothing is rounded here; `null` means "not defined by these images".
import { checkThreshold, ratio, type Scores, scores, THRESHOLD } from "./binary.ts";
import { adaptiveEce, equalWidthEce } from "./calibration.ts";
import { eerOf, prAucFemaleOf, prAucOf, rocAucOf } from "./ranking.ts";

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
 * `tprMale` without a male one; `balancedAccuracy`, `tprGap`, `rocAuc`, `prAuc`, `prAucFemale` and `eer` unless both
 * classes occur;
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
  /** Males' share minus females': above 0 if males are decided as recorded more often. */
  readonly tprGap: number | null;
  readonly rocAuc: number | null;
  /** Average precision, male positive: sum of (recall step) x precision, no interpolation. */
  readonly prAuc: number | null;
  /** The same with female as positive. */
  readonly prAucFemale: number | null;
  /** Error of both classes at the threshold where they are equal, linear between the points of the ROC curve. */
  readonly eer: number | null;
  readonly f1Male: number | null;
  readonly f1Female: number | null;
  readonly f1Macro: number | null;
  /** Share of the images decided male that are recorded as male. */
  readonly precisionMale: number | null;
  readonly precisionFemale: number | null;
  /** Matthews' correlation of decisions and records, -1 to 1; null unless both classes are recorded and decided. */
  readonly mcc: number | null;
  /** Cohen's kappa of decisions and records; null if both are all of one and the same class. */
  readonly kappa: number | null;
  /** Share of all images that are decided male; to compare only between groups of race or age. */
  readonly decidedMale: number;
  /** Mean probability of male minus share of males (calibration in the large). */
  readonly meanError: number;
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
  "tprGap",
  "rocAuc",
  "prAuc",
  "prAucFemale",
  "eer",
  "f1Male",
  "f1Female",
  "f1Macro",
  "precisionMale",
  "precisionFemale",
  "mcc",
  "kappa",
  "decidedMale",
  "meanError",
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
  | "tprGap"
  | "f1Male"
  | "f1Female"
  | "f1Macro"
  | "precisionMale"
  | "precisionFemale"
  | "mcc"
  | "kappa"
  | "decidedMale"
>;

/** For these metrics the smaller value is the better one. */
export const LOWER_IS_BETTER: ReadonlySet<MetricName> = new Set([
  "eer",
  "brier",
  "nll",
  "ece",
  "eceAdaptive",
]);

/** These lie around 0: neither a large nor a small value is the better one. */
export const SIGNED: ReadonlySet<MetricName> = new Set(["tprGap", "meanError"]);

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
  options: { readonly threshold?: number | undefined } = {},
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
    prAucFemale: prAucFemaleOf(s),
    eer: eerOf(s),
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
    tprGap: tprMale === null || tprFemale === null ? null : tprMale - tprFemale,
    f1Male,
    f1Female,
    f1Macro: mean(f1Male, f1Female),
    precisionMale: ratio(c.truePositive, c.truePositive + c.falsePositive),
    precisionFemale: ratio(c.trueNegative, c.trueNegative + c.falseNegative),
    mcc: mccOf(c),
    kappa: kappaOf(c),
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

function kappaOf({ truePositive, falsePositive, trueNegative, falseNegative }: Confusion): number | null {
  const n = truePositive + falsePositive + trueNegative + falseNegative;
  const byChance =
    (truePositive + falseNegative) * (truePositive + falsePositive) +
    (trueNegative + falsePositive) * (trueNegative + falseNegative);
  return ratio(n * (truePositive + trueNegative) - byChance, n * n - byChance);
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
export function countBelow(sorted: Float64Array, limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function losses({ female, male, n }: Scores): Pick<BinaryMetrics, "meanError" | "brier" | "nll"> {
  let sum = 0;
  let square = 0;
  let logs = 0;
  for (const p of male) {
    sum += p;
    square += (1 - p) ** 2;
    logs -= logClipped(p);
  }
  for (const p of female) {
    sum += p;
    square += p ** 2;
    logs -= logClipped(1 - p);
  }
  return { meanError: (sum - male.length) / n, brier: square / n, nll: logs / n };
}

/** log of a probability clipped to [EPSILON, 1 - EPSILON]. */
export function logClipped(p: number): number {
  return Math.log(Math.min(Math.max(p, EPSILON), 1 - EPSILON));
}
