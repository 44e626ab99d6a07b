// ◇ Browser-safe. The interval of one metric from its bootstrap draws over subjects, and what replaces them where they
// have no spread. A rate of 0 or 1 has the same value in every draw, whatever the number of people: a bootstrap interval
// of no width. Its place takes Wilson's interval (1927) of as many cases as there are subjects in the denominator: the
// design effect of images that are all alike within a subject, since agreement everywhere does not show how alike
// they are. Means and differences of two rates of which one is 0 or 1: Zou and Donner 2008 (MOVER), from both rates'
// intervals. Other figures of no width have no interval, and are marked. How often each covers: docs/decisions/0017.
import { quantile } from "../metrics/calibration.ts";
import { type MetricWith, metricRow } from "../metrics/table.ts";
import { SUMS, SUMS_WIDTH, type Weighable, type WeightedMetric } from "../metrics/weighted.ts";
import { type Interval, wilson } from "./intervals.ts";

/** How an interval came about; `none`: low and high are null, since the draws give no interval. */
export type IntervalMethod = "bootstrap" | "wilson" | "none";

/** One metric's interval; `replicates` counts the draws in which the metric was defined. */
export interface BootstrapInterval extends Interval {
  readonly replicates: number;
  readonly method: IntervalMethod;
}

/** One set of images with its draws. */
export interface Drawn {
  readonly images: Weighable;
  readonly estimates: Readonly<Record<WeightedMetric, number | null>>;
  /** By metric; NaN where the metric was not defined. */
  readonly draws: Readonly<Record<WeightedMetric, Float64Array>>;
}

const isBound = (rate: number | null | undefined) => rate === 0 || rate === 1;

/**
 * The interval of one metric.
 *
 * @param drawn - estimates of these images and draws of these estimates
 * @param level - coverage
 * @returns low and high are null (`none`) without an estimate, with draws of fewer than two subjects, if the metric is
 *   undefined in over half of the draws, or if all draws are equal and nothing else gives an interval
 * @example metricInterval("tprFemale", drawn, 0.95).method // "wilson": all of 25 females are decided as recorded
 */
export function metricInterval(metric: WeightedMetric, drawn: Drawn, level: number): BootstrapInterval {
  const { images, estimates, draws } = drawn;
  const plain = percentileInterval(estimates[metric], draws[metric], level);
  const { estimate, replicates } = plain;
  if (plain.low === null && replicates === 0) return plain;
  const row = metricRow(metric);
  if (row.interval === "rate" && isBound(estimate)) {
    const n = countUnits(
      images,
      row.denominator.map((count) => SUMS[count]),
    );
    const { low, high } = wilson(estimate === 1 ? n : 0, n, level);
    return { ...plain, low, high, method: "wilson" };
  }
  const rates = isBound(estimates.tprFemale) || isBound(estimates.tprMale);
  return rates && isOfTwoRates(metric) ? ofTwoRates(metric, drawn, level) : plain;
}

function countUnits({ sums }: Weighable, columns: readonly number[]): number {
  let units = 0;
  for (let at = 0; at < sums.length; at += SUMS_WIDTH) {
    if (columns.some((column) => sums[at + column]! > 0)) units++;
  }
  return units;
}

const isOfTwoRates = (metric: WeightedMetric): metric is MetricWith<"mean" | "gap"> =>
  ["mean", "gap"].includes(metricRow(metric).interval);

function ofTwoRates(metric: MetricWith<"mean" | "gap">, drawn: Drawn, level: number): BootstrapInterval {
  const [female, male] = (["tprFemale", "tprMale"] as const).map((rate) =>
    metricInterval(rate, drawn, level),
  );
  const none = percentileInterval(drawn.estimates[metric], new Float64Array(), level);
  const { estimate } = none;
  const bounds = [female!.low, female!.high, male!.low, male!.high];
  if (estimate === null || bounds.some((bound) => bound === null)) return none;
  const below = [female!.estimate! - female!.low!, male!.estimate! - male!.low!] as const;
  const above = [female!.high! - female!.estimate!, male!.high! - male!.estimate!] as const;
  const [down, up] =
    metricRow(metric).interval === "gap"
      ? [Math.hypot(above[0], below[1]), Math.hypot(below[0], above[1])]
      : [Math.hypot(...below) / 2, Math.hypot(...above) / 2];
  const replicates = drawn.draws[metric].filter((value) => !Number.isNaN(value)).length;
  return { ...none, low: estimate - down, high: estimate + up, replicates, method: "wilson" };
}

/**
 * Percentile interval of the draws of one figure (type 7).
 *
 * @param draws - NaN where the figure was not defined
 * @returns low and high are null if the estimate is, if over half of the draws are not defined, or if all of them that
 *   the interval takes in are alike: an interval of no width would claim certainty
 */
export function percentileInterval(
  estimate: number | null,
  draws: Float64Array,
  level: number,
): BootstrapInterval {
  const sorted = draws.filter((value) => !Number.isNaN(value)).sort();
  const none = { estimate, low: null, high: null, level, replicates: sorted.length, method: "none" } as const;
  if (estimate === null || sorted.length <= draws.length / 2) return none;
  const [low, high] = [quantile(sorted, (1 - level) / 2), quantile(sorted, (1 + level) / 2)];
  // Sums of the same losses in another order differ in their last digits: that is no width either.
  const alike = high - low <= 1e-9 * Math.max(1, Math.abs(low), Math.abs(high));
  return alike ? none : { ...none, low, high, method: "bootstrap" };
}
