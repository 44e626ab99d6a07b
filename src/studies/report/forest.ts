// Comparisons of a study as a forest plot: every "A against B" is a row, at A minus B, and all rows share one axis.
// Metrics that cannot share it (where lower is better, or neither side is) have a plot of their own.
import { metricRow } from "../../evaluate/metrics/table.ts";
import { METRIC_TITLES } from "../../report/figure-text.ts";
import { type ForestRow, forestPlot } from "../../report/plots/forest.ts";
import type { ComparedFamily } from "./comparison-table.ts";

type Metric = ComparedFamily["comparison"]["metric"];

/** What the axis of a metric says of its two sides. */
const SIDES = {
  higher: "A minus B; right of 0: A is better",
  lower: "A minus B; left of 0: A is better",
  neither: "A minus B; neither side is better",
  nats: "A minus B, nats; left of 0: A is better",
} as const;

function sideOf(metric: Metric): keyof typeof SIDES {
  const { better, unit } = metricRow(metric);
  if (unit === "nats") return "nats";
  return better === "nearer 0" ? "neither" : better;
}

/** The comparisons that have a difference, one plot an axis; the usual metrics share the first one. */
export function forestPlots(
  families: readonly ComparedFamily[],
  names: ReadonlyMap<string, string>,
): string[] {
  return (Object.keys(SIDES) as (keyof typeof SIDES)[]).flatMap((side) => {
    const rows = families
      .filter(({ comparison }) => sideOf(comparison.metric) === side)
      .flatMap((family, f) => rowsOf(family, f, names));
    return rows.length === 0
      ? []
      : [forestPlot(rows, { sides: SIDES[side], interval: "95 % interval over subjects" })];
  });
}

function rowsOf(
  { comparison, pairs }: ComparedFamily,
  family: number,
  names: ReadonlyMap<string, string>,
): ForestRow[] {
  const { metric, modality, evaluation } = comparison;
  const of = [METRIC_TITLES[metric], modality === null ? "" : `${modality}s`, evaluation ?? ""];
  return pairs.flatMap(({ a, b, result }, k) => {
    if (result === null || result.estimate === null) return [];
    const { estimate, low, high } = result;
    const what = of.filter((text) => text !== "").join(", ");
    const [first, second] = [names.get(a.id)!, names.get(b.id)!];
    return [{ key: `${family}/${k}`, lines: [first, `against ${second}`, what], estimate, low, high }];
  });
}
