// ◇ Browser-safe. Metrics of images that count by the weight of their unit: what bootstrap and permutation draw again
// and again. A unit is a subject, or one model's answers for a subject. Threshold metrics need only a unit's sums;
// ROC-AUC and PR-AUC need one pass over images sorted once.
// A single model's ECE gets no interval: resampling inflates it, so percentiles of it would be wrong. In a difference
// of two models on the same images that inflation cancels, so comparisons have it.
import { BIN_COUNT } from "./calibration.ts";
import type { Confusion } from "./counts.ts";
import { logClipped } from "./metrics.ts";
import type { Sums } from "./row.ts";
import { METRIC_TABLE, METRICS, type MetricFrom, type MetricWith, metricRow, metricsFrom } from "./table.ts";

/** Metrics of which a single model has an interval. */
export type WeightedMetric = MetricWith<"rate" | "mean" | "gap" | "draws">;
/** What two models can be compared by. */
export type ComparedMetric = WeightedMetric | MetricWith<"differences">;
export type WeightedValues = Readonly<Record<WeightedMetric, number | null>>;

export const COMPARED_METRICS = METRICS.filter(
  (name): name is ComparedMetric => metricRow(name).interval !== "none",
);
export const WEIGHTED_METRICS = COMPARED_METRICS.filter(
  (name): name is WeightedMetric => metricRow(name).interval !== "differences",
);
const COUNTED = metricsFrom("counts");
const SUMMED = metricsFrom("sums");

/** Columns of the sums of a unit that count its decisions. */
export const SUMS = { truePositive: 0, falsePositive: 1, trueNegative: 2, falseNegative: 3 } as const;
const { truePositive: TP, falsePositive: FP, trueNegative: TN, falseNegative: FN } = SUMS;
const SQUARES = 4;
const LOGS = 5;
const PROBABILITIES = 6;
/** Columns of the sums of a unit, all of them. */
export const SUMS_WIDTH = 7;
const WIDTH = SUMS_WIDTH;

/** A set of images, prepared to be weighed many times. */
export interface Weighable {
  /** The units that have images here, each once. */
  readonly units: Int32Array;
  /** Sums of those units, [units, SUMS_WIDTH]. */
  readonly sums: Float64Array;
  /** Unit of each image, in descending order of p. */
  readonly order: Int32Array;
  /** 1 for male, in the same order. */
  readonly male: Uint8Array;
  /** 1 where the next image has a smaller p, so that images of one p count together. */
  readonly last: Uint8Array;
  /** Probabilities, in the same order. */
  readonly p: Float64Array;
}

/** Images by column. */
export interface Images {
  /** Targets, 0 female or 1 male. */
  readonly y: ArrayLike<number>;
  /** Probabilities of male. */
  readonly p: ArrayLike<number>;
  /** Unit of each image, an index into the weights. */
  readonly unit: Int32Array;
}

/**
 * Numbers the distinct names in order of appearance.
 *
 * @example numberNames(["b", "a", "b"]) // { index: [0, 1, 0], count: 2 }
 */
export function numberNames(names: readonly string[]): { index: Int32Array; count: number } {
  const numbers = new Map<string, number>();
  const index = Int32Array.from(names, (name) => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, numbers.size);
    return numbers.size - 1;
  });
  return { index, count: numbers.size };
}

/** Sums and sorts images once; their targets and probabilities are those of a checked set. */
export function weighable({ y, p, unit }: Images, threshold: number): Weighable {
  const units = Int32Array.from(new Set(unit));
  const place = new Map(Array.from(units, (u, k) => [u, k] as const));
  const sums = new Float64Array(units.length * WIDTH);
  for (let i = 0; i < y.length; i++) {
    accumulate(sums, place.get(unit[i]!)! * WIDTH, y[i]!, p[i]!, threshold);
  }
  const index = Int32Array.from(unit, (_, i) => i).sort((a, b) => p[b]! - p[a]!);
  return {
    units,
    sums,
    order: index.map((i) => unit[i]!),
    male: Uint8Array.from(index, (i) => y[i]!),
    last: Uint8Array.from(index, (i, k) => (k + 1 < index.length && p[index[k + 1]!] === p[i] ? 0 : 1)),
    p: Float64Array.from(index, (i) => p[i]!),
  };
}

function accumulate(sums: Float64Array, at: number, y: number, p: number, threshold: number): void {
  const decision = p >= threshold ? 1 : 0;
  sums[at + (y === 1 ? (decision === 1 ? TP : FN) : decision === 1 ? FP : TN)]! += 1;
  sums[at + SQUARES]! += (y - p) ** 2;
  sums[at + LOGS]! -= logClipped(y === 1 ? p : 1 - p);
  sums[at + PROBABILITIES]! += p;
}

/**
 * Metrics of the images as if each unit's images were there `weights[unit]` times.
 *
 * @param weights - by unit, integers >= 0
 * @returns null for a metric that the weighed images do not define, all of them if every weight is 0
 */
export function weightedMetrics(images: Weighable, weights: Int32Array): WeightedValues {
  const totals = addUp(images, weights);
  const values: Partial<Record<WeightedMetric, number | null>> = rankMetrics(images, weights, totals);
  for (const name of COUNTED) values[name] = totals.n === 0 ? null : METRIC_TABLE[name].of(totals);
  for (const name of SUMMED) values[name] = totals.n === 0 ? null : METRIC_TABLE[name].of(totals);
  return values as WeightedValues;
}

/** Metrics with bins that comparisons draw. */
const BINNED: { readonly [K in MetricFrom<"bins"> & ComparedMetric]: typeof weightedEce } = {
  ece: weightedEce,
};

/** One metric of the weighed images, without what only others need. */
export function weightedMetric(
  images: Weighable,
  weights: Int32Array,
  metric: ComparedMetric,
): number | null {
  if (isBinned(metric)) return BINNED[metric](images, weights);
  const totals = addUp(images, weights);
  if (totals.n === 0) return null;
  return isRanked(metric) ? rankMetrics(images, weights, totals)[metric] : METRIC_TABLE[metric].of(totals);
}

const isBinned = (metric: ComparedMetric): metric is keyof typeof BINNED => metricRow(metric).from === "bins";

/** Whether a metric depends on the order of the probabilities alone. */
export const isRanked = (metric: ComparedMetric): metric is MetricFrom<"order"> =>
  metricRow(metric).from === "order";

/** What the rows of the table are asked about. */
type Totals = Confusion & Sums & { readonly females: number };

/** Written out by column: the loop over columns took most of the time of a draw. */
function addUp({ sums, units }: Weighable, weights: Int32Array): Totals {
  let truePositive = 0;
  let falsePositive = 0;
  let trueNegative = 0;
  let falseNegative = 0;
  let squares = 0;
  let logs = 0;
  let probabilities = 0;
  for (let k = 0; k < units.length; k++) {
    const weight = weights[units[k]!]!;
    if (weight === 0) continue;
    const at = k * WIDTH;
    truePositive += weight * sums[at + TP]!;
    falsePositive += weight * sums[at + FP]!;
    trueNegative += weight * sums[at + TN]!;
    falseNegative += weight * sums[at + FN]!;
    squares += weight * sums[at + SQUARES]!;
    logs += weight * sums[at + LOGS]!;
    probabilities += weight * sums[at + PROBABILITIES]!;
  }
  const males = truePositive + falseNegative;
  const females = trueNegative + falsePositive;
  const n = males + females;
  // Name by name: spreading the counts into it took longer than all sums together.
  return {
    truePositive,
    falsePositive,
    trueNegative,
    falseNegative,
    n,
    males,
    females,
    probabilities,
    squares,
    logs,
  };
}

/**
 * Weighted ROC-AUC, both average precisions and the equal error rate (definitions: ranking.ts) in one pass down the
 * images; equal p enter together.
 */
function rankMetrics(
  { order, male, last }: Weighable,
  weights: Int32Array,
  { males: allMales, females: allFemales }: Totals,
): Record<MetricFrom<"order">, number | null> {
  if (allMales === 0 || allFemales === 0) return { rocAuc: null, prAuc: null, prAucFemale: null, eer: null };
  let males = 0;
  let females = 0;
  let newMales = 0;
  let newFemales = 0;
  let area = 0; // sum over females of the males above them
  let precision = 0; // sum over males of the precision at their p
  let precisionFemale = 0;
  let eer = -1; // not crossed yet
  for (let i = 0; i < order.length; i++) {
    const weight = weights[order[i]!]!;
    if (male[i] === 1) newMales += weight;
    else newFemales += weight;
    if (last[i] === 0) continue;
    area += newFemales * (males + newMales / 2);
    const below = allFemales - females; // from this p down
    if (newFemales > 0) precisionFemale += newFemales * (below / (below + allMales - males));
    males += newMales;
    females += newFemales;
    if (newMales > 0) precision += newMales * (males / (males + females));
    if (eer < 0 && females * allMales + males * allFemales >= allMales * allFemales) {
      const excess = females / allFemales + males / allMales - 1;
      const step = newFemales / allFemales + newMales / allMales;
      eer = (females - newFemales * (excess / step)) / allFemales;
    }
    newMales = 0;
    newFemales = 0;
  }
  return {
    rocAuc: area / (allMales * allFemales),
    prAuc: precision / allMales,
    prAucFemale: precisionFemale / allFemales,
    eer,
  };
}

/** ECE over equal-width bins (definition: calibration.ts) of the weighed images; null if every weight is 0. */
function weightedEce({ order, male, p }: Weighable, weights: Int32Array): number | null {
  let n = 0;
  let sum = 0;
  let bin = BIN_COUNT - 1; // (bin / count, (bin + 1) / count]; p falls
  let excess = 0; // probabilities minus males of the bin
  for (let i = 0; i < order.length; i++) {
    while (bin > 0 && p[i]! <= bin / BIN_COUNT) {
      sum += Math.abs(excess);
      excess = 0;
      bin--;
    }
    const weight = weights[order[i]!]!;
    n += weight;
    excess += weight * (p[i]! - male[i]!);
  }
  return n === 0 ? null : (sum + Math.abs(excess)) / n;
}
