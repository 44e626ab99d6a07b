// ◇ Browser-safe. Intervals of every group's metrics and of how far groups are apart: one bootstrap over subjects for
// all of them, so that groups which share subjects move together.
// The spread of groups is never negative, and in every draw it tends to be larger than it is: percentiles of it can lie
// above the spread itself. Its interval here comes from the groups' own, each at 1 - (1 - level) / groups (Bonferroni):
// with that chance all of them hold at once, and then so does what follows for the largest and the smallest. It holds
// whatever the groups share, contains its estimate, and is wide where groups are small, as the question is open there.
import { checkThreshold, THRESHOLD } from "../metrics/binary.ts";
import { comparedIn, type GroupTable } from "../metrics/groups.ts";
import type { Scored } from "../metrics/small.ts";
import {
  numberNames,
  WEIGHTED_METRICS,
  type Weighable,
  type WeightedMetric,
  weighable,
  weightedMetrics,
} from "../metrics/weighted.ts";
import {
  type BootstrapIntervals,
  type BootstrapOptions,
  checkReplicates,
  drawSubjects,
} from "./bootstrap.ts";
import { LEVEL, REPLICATES } from "./intervals.ts";
import { checkLevel } from "./normal.ts";
import { type BootstrapInterval, type Drawn, metricInterval } from "./subject-intervals.ts";

/** Intervals of the spread of one metric between the compared groups. */
export interface SpreadIntervals {
  readonly metric: WeightedMetric;
  /** max - min over groups. */
  readonly difference: BootstrapInterval;
  /** min / max. */
  readonly ratio: BootstrapInterval;
  /** The worst group's own interval. That it was chosen as the worst of several, it does not know. */
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
 * @returns one entry a table; intervals are null where `bootstrapBySubject`'s would be, or the figure is too small
 * @throws AppError("input", "BAD_REPLICATES" | "BAD_LEVEL" | "BAD_THRESHOLD")
 * @example bootstrapTables(rows, [metricsByGroup(rows, ["race"])], { seed: 42 })
 */
export function bootstrapTables(
  rows: readonly Scored[],
  tables: readonly GroupTable[],
  options: BootstrapOptions = {},
): GroupTableIntervals[] {
  const { replicates = REPLICATES, seed = 0 } = options;
  const level = checkLevel(options.level ?? LEVEL);
  const threshold = checkThreshold(options.threshold ?? THRESHOLD);
  checkReplicates(replicates);
  const { index, count } = numberNames(rows.map((row) => row.subject));
  const drawn = tables.map((table) =>
    prepareGroups(rows, index, table, threshold).map((images, g): Drawn => {
      const draws = emptyDraws(count < 2 ? 0 : replicates);
      return { images, draws, estimates: table.groups[g]!.metrics };
    }),
  );
  if (count >= 2) {
    drawSubjects(count, { replicates, seed }, (weights, draw) => {
      for (const { draws, images } of drawn.flat()) record(draws, draw, images, weights);
    });
  }
  return tables.map((table, t) => summarizeTable(table, drawn[t]!, level));
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
    const fields = row as unknown as Readonly<Record<string, string>>;
    if (Object.entries(table.within).every(([key, value]) => fields[key] === value))
      members.get(nameOf(table.keys, fields))?.push(i);
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

function summarizeTable(table: GroupTable, drawn: readonly Drawn[], level: number): GroupTableIntervals {
  const groups = drawn.map((group) => {
    const entries = WEIGHTED_METRICS.map((metric) => [metric, metricInterval(metric, group, level)]);
    return Object.fromEntries(entries) as BootstrapIntervals;
  });
  const spreads = table.comparisons.flatMap(({ metric: name, worst }) => {
    const metric = WEIGHTED_METRICS.find((known) => known === name);
    if (metric === undefined) return [];
    const own = drawn.filter((_, g) => comparedIn(table.groups[g]!, metric));
    const at = table.groups.findIndex(({ group }) => table.keys.every((key) => group[key] === worst[key]));
    return [{ metric, ...spreadOf(metric, own, level), worst: groups[at]![metric] }];
  });
  return { keys: table.keys, groups, spreads };
}

/** What follows for max - min and min / max from intervals that all hold at once. */
function spreadOf(metric: WeightedMetric, groups: readonly Drawn[], level: number) {
  const each = Math.min(0.9999, 1 - (1 - level) / groups.length);
  const intervals = groups.map((group) => metricInterval(metric, group, each));
  const values = intervals.map(({ estimate }) => estimate!);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const replicates = Math.min(...intervals.map((interval) => interval.replicates));
  const none = { low: null, high: null, level, replicates, method: "none" } as const;
  const difference: BootstrapInterval = { estimate: most - least, ...none };
  const ratio: BootstrapInterval = { estimate: most === 0 ? null : least / most, ...none };
  if (intervals.some(({ low }) => low === null)) return { difference, ratio };
  const [lows, highs] = [intervals.map(({ low }) => low!), intervals.map(({ high }) => high!)];
  const [minLow, maxLow] = [Math.min(...lows), Math.max(...lows)];
  const [minHigh, maxHigh] = [Math.min(...highs), Math.max(...highs)];
  const method = "bootstrap" as const;
  return {
    difference: { ...difference, low: Math.max(0, maxLow - minHigh), high: maxHigh - minLow, method },
    ratio:
      ratio.estimate === null || minLow < 0
        ? ratio
        : { ...ratio, low: minLow / maxHigh, high: maxLow <= minHigh ? 1 : minHigh / maxLow, method },
  };
}
