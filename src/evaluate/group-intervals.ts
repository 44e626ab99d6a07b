// Intervals of every group's metrics and of how far groups are apart: one bootstrap over subjects for all of them, so
// that groups which share subjects (a hand and a face of one person) move together. Browser-safe.
// The spread of groups is never negative: its draws lie above the true spread where groups are small, so read its
// interval as an upper view, and the groups' own intervals first.
import { checkThreshold, THRESHOLD } from "./binary.ts";
import {
  type BootstrapInterval,
  type BootstrapIntervals,
  type BootstrapOptions,
  checkReplicates,
  drawSubjects,
  percentileInterval,
} from "./bootstrap.ts";
import type { GroupTable, Scored } from "./groups.ts";
import { LEVEL } from "./intervals.ts";
import { LOWER_IS_BETTER } from "./metrics.ts";
import { checkLevel } from "./normal.ts";
import {
  numberNames,
  WEIGHTED_METRICS,
  type Weighable,
  type WeightedMetric,
  weighable,
  weightedMetrics,
} from "./weighted.ts";

/** Intervals of the spread of one metric between the compared groups. */
export interface SpreadIntervals {
  readonly metric: WeightedMetric;
  /** max - min over groups. */
  readonly difference: BootstrapInterval;
  /** min / max. */
  readonly ratio: BootstrapInterval;
  /** Value of the group that is the worst one in each draw. */
  readonly worst: BootstrapInterval;
}

/** Intervals that belong to one group table. */
export interface GroupTableIntervals {
  readonly keys: readonly string[];
  /** As the table's groups, in their order. */
  readonly groups: readonly BootstrapIntervals[];
  /** As the table's comparisons, without metrics that no interval is made for. */
  readonly spreads: readonly SpreadIntervals[];
}

/**
 * Intervals of several group tables of the same rows.
 *
 * @param rows - the rows that the tables were made of
 * @param tables - by `metricsByGroup`
 * @returns one entry a table; intervals are null where `bootstrapBySubject`'s would be
 * @throws AppError("input", "BAD_REPLICATES" | "BAD_LEVEL" | "BAD_THRESHOLD")
 * @example bootstrapTables(rows, [metricsByGroup(rows, ["race"])], { seed: 42 })
 */
export function bootstrapTables(
  rows: readonly Scored[],
  tables: readonly GroupTable[],
  options: BootstrapOptions = {},
): GroupTableIntervals[] {
  const { replicates = 2000, seed = 0 } = options;
  const level = checkLevel(options.level ?? LEVEL);
  const threshold = checkThreshold(options.threshold ?? THRESHOLD);
  checkReplicates(replicates);
  const { index, count } = numberNames(rows.map((row) => row.subject));
  const drawn = tables.map((table) => ({ table, groups: prepareGroups(rows, index, table, threshold) }));
  const values = drawn.map(({ groups }) => groups.map(() => emptyDraws(count < 2 ? 0 : replicates)));
  if (count >= 2) {
    drawSubjects(count, { replicates, seed }, (weights, draw) => {
      drawn.forEach(({ groups }, t) => {
        groups.forEach((images, g) => {
          record(values[t]![g]!, draw, images, weights);
        });
      });
    });
  }
  return drawn.map(({ table }, t) => summarizeTable(table, values[t]!, level));
}

/** Draws of one group, by metric. */
type Draws = Readonly<Record<WeightedMetric, Float64Array>>;

function emptyDraws(replicates: number): Draws {
  const entries = WEIGHTED_METRICS.map((metric) => [metric, new Float64Array(replicates)] as const);
  return Object.fromEntries(entries) as unknown as Draws;
}

function record(draws: Draws, draw: number, images: Weighable, weights: Int32Array): void {
  const metrics = weightedMetrics(images, weights);
  for (const metric of WEIGHTED_METRICS) draws[metric][draw] = metrics[metric] ?? Number.NaN;
}

function prepareGroups(
  rows: readonly Scored[],
  subject: Int32Array,
  table: GroupTable,
  threshold: number,
): Weighable[] {
  const members = new Map(table.groups.map(({ group }) => [nameOf(table.keys, group), [] as number[]]));
  rows.forEach((row, i) => {
    members.get(nameOf(table.keys, row as unknown as Record<string, string>))?.push(i);
  });
  return [...members.values()].map((own) =>
    weighable(
      {
        y: own.map((i) => rows[i]!.target),
        p: own.map((i) => rows[i]!.probability),
        unit: Int32Array.from(own, (i) => subject[i]!),
      },
      threshold,
    ),
  );
}

function nameOf(keys: readonly string[], values: Readonly<Record<string, string>>): string {
  return JSON.stringify(keys.map((key) => values[key]));
}

function summarizeTable(table: GroupTable, draws: readonly Draws[], level: number): GroupTableIntervals {
  const groups = table.groups.map(({ metrics }, g) => {
    const entries = WEIGHTED_METRICS.map((metric) => [
      metric,
      percentileInterval(metrics[metric], draws[g]![metric], level),
    ]);
    return Object.fromEntries(entries) as BootstrapIntervals;
  });
  const compared = table.groups.flatMap(({ compared }, g) => (compared ? [draws[g]!] : []));
  const spreads = table.comparisons.flatMap((comparison) => {
    const metric = WEIGHTED_METRICS.find((name) => name === comparison.metric);
    if (metric === undefined) return [];
    const { min, max, difference, ratio } = comparison;
    const of = spreadDraws(compared.map((group) => group[metric]));
    const lower = LOWER_IS_BETTER.has(metric);
    return [
      {
        metric,
        difference: percentileInterval(difference, of.difference, level),
        ratio: percentileInterval(ratio, of.ratio, level),
        worst: percentileInterval(lower ? max : min, lower ? of.max : of.min, level),
      },
    ];
  });
  return { keys: table.keys, groups, spreads };
}

/** Spread of each draw over the groups that define the metric in it; NaN with fewer than two. */
function spreadDraws(groups: readonly Float64Array[]) {
  const length = groups[0]?.length ?? 0;
  const [min, max] = [0, 1].map(() => new Float64Array(length).fill(Number.NaN)) as [
    Float64Array,
    Float64Array,
  ];
  for (let draw = 0; draw < length; draw++) {
    let defined = 0;
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const values of groups) {
      const value = values[draw]!;
      if (Number.isNaN(value)) continue;
      defined++;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (defined < 2) continue;
    min[draw] = low;
    max[draw] = high;
  }
  return {
    min,
    max,
    difference: max.map((value, draw) => value - min[draw]!),
    ratio: max.map((value, draw) => (value === 0 ? Number.NaN : min[draw]! / value)),
  };
}
