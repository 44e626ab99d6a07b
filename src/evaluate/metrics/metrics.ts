// ◇ Browser-safe. The metrics of table.ts for one binary classifier, from targets and probabilities of male.
// Nothing is rounded here; `null` means "not defined by these images".
import { checkThreshold, type Scores, scores, THRESHOLD } from "./binary.ts";
import type { Confusion } from "./counts.ts";
import type { Metric, Sums } from "./row.ts";
import { METRIC_TABLE, type MetricFrom, type MetricName, type MetricValue, metricsFrom } from "./table.ts";

/** Probabilities are clipped to [EPSILON, 1 - EPSILON] for NLL: float64's machine epsilon, as scikit-learn does. */
export const EPSILON = 2 ** -52;

/**
 * Metrics of a set of images, each by its row of METRIC_TABLE; a rate is null where its denominator is empty, and
 * what compares the classes is null unless both occur.
 */
export type BinaryMetrics = {
  readonly n: number;
  readonly nFemale: number;
  readonly nMale: number;
  readonly threshold: number;
  readonly confusion: Confusion;
} & { readonly [K in MetricName]: MetricValue<K> };

/** The metrics that follow from counts alone. */
export type Rates = Pick<BinaryMetrics, MetricFrom<"counts">>;

const COUNTED = metricsFrom("counts");

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
    ...valuesOf("order", s),
    ...valuesOf("sums", sumUp(s)),
    ...valuesOf("bins", s),
  };
}

/**
 * Metrics that follow from counts alone.
 *
 * @example rates({ truePositive: 8, falsePositive: 1, trueNegative: 9, falseNegative: 2 }).accuracy // .85
 */
export function rates(counts: Confusion): Rates {
  const values: Partial<Record<MetricName, number | null>> = {}; // a loop: this is what draws do again and again
  for (const name of COUNTED) values[name] = METRIC_TABLE[name].of(counts);
  return values as Rates;
}

/** All metrics that are computed from this, by name. */
function valuesOf<F extends Metric["from"]>(from: F, of: Parameters<Extract<Metric, { from: F }>["of"]>[0]) {
  const entries = metricsFrom(from).map((name) => [name, METRIC_TABLE[name].of(of as never)]);
  return Object.fromEntries(entries) as Pick<BinaryMetrics, MetricFrom<F>>;
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

function sumUp({ female, male, n }: Scores): Sums {
  let probabilities = 0;
  let squares = 0;
  let logs = 0;
  for (const p of male) {
    probabilities += p;
    squares += (1 - p) ** 2;
    logs -= logClipped(p);
  }
  for (const p of female) {
    probabilities += p;
    squares += p ** 2;
    logs -= logClipped(1 - p);
  }
  return { n, males: male.length, probabilities, squares, logs };
}

/** log of a probability clipped to [EPSILON, 1 - EPSILON]. */
export function logClipped(p: number): number {
  return Math.log(Math.min(Math.max(p, EPSILON), 1 - EPSILON));
}
