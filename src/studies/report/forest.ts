// Comparisons of a study as a forest plot: every "A against B" is a row, at A minus B, and all rows share one axis.
// Metrics that cannot share it (where lower is better, or neither side is) have a plot of their own.
import * as Plot from "@observablehq/plot";
import { metricRow } from "../../evaluate/metrics/table.ts";
import { METRIC_TITLES } from "../../report/figure-text.ts";
import { drawFigure } from "../../report/frame.ts";
import { COLORS, FIGURE_WIDTH_PX, INK } from "../../report/plots/spec.ts";
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

interface ForestRow {
  readonly key: string;
  /** Lines over the row: A, against B, in what. */
  readonly lines: readonly [a: string, b: string, what: string];
  readonly estimate: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** Height of one row with its lines of text above it. */
const ROW_PX = 84;
const TEXT_PX = 14;
/** Letters of a name that fit in one line. */
const LETTERS = Math.floor(FIGURE_WIDTH_PX / 6.6);

/** The comparisons that have a difference, one plot an axis; the usual metrics share the first one. */
export function forestPlots(
  families: readonly ComparedFamily[],
  names: ReadonlyMap<string, string>,
): string[] {
  return (Object.keys(SIDES) as (keyof typeof SIDES)[]).flatMap((side) => {
    const rows = families
      .filter(({ comparison }) => sideOf(comparison.metric) === side)
      .flatMap((family, f) => rowsOf(family, f, names));
    return rows.length === 0 ? [] : [forestPlot(rows, SIDES[side])];
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

function forestPlot(rows: readonly ForestRow[], sides: string): string {
  const ends = rows.flatMap(({ estimate, low, high }) => [estimate, low ?? 0, high ?? 0]);
  const reach = 1.1 * Math.max(0.01, ...ends.map(Math.abs));
  const lines = rows.flatMap(({ key, low, high }) =>
    low === null || high === null ? [] : [{ key, low, high }],
  );
  const text = (line: 0 | 1 | 2) =>
    Plot.text(rows, {
      x: -reach,
      y: "key",
      text: (row: ForestRow) => shortened(row.lines[line]),
      textAnchor: "start",
      fill: INK,
      fillOpacity: line === 2 ? 0.75 : 1,
      dy: TEXT_PX * (line - 2) - 19,
      fontSize: 11,
    });
  return drawFigure({
    title: "Comparisons: A against B",
    heightPx: 90 + ROW_PX * rows.length,
    legend: [
      { label: "A minus B, 95 % interval over subjects", color: COLORS.face, shape: "dot" },
      ...(lines.length < rows.length
        ? [{ label: "the interval cannot be told", color: COLORS.face, shape: "ring" as const }]
        : []),
    ],
    plot: {
      marginLeft: 18,
      x: { label: sides, domain: [-reach, reach], ticks: 7 },
      // Names are long: they stand over their lines, not beside them, and nothing is drawn through them.
      y: { type: "band", padding: 0.7, label: null, axis: null, domain: rows.map(({ key }) => key) },
      marks: [
        Plot.tickX(rows, { x: () => 0, y: "key", stroke: INK }),
        Plot.ruleY(lines, { x1: "low", x2: "high", y: "key", stroke: COLORS.face, strokeWidth: 2 }),
        Plot.dot(rows, {
          x: "estimate",
          y: "key",
          r: 5,
          stroke: COLORS.face,
          fill: ({ low }: ForestRow) => (low === null ? "none" : COLORS.face),
        }),
        ...([0, 1, 2] as const).map(text),
      ],
    },
  });
}

/** A name without its middle, where it does not fit. */
function shortened(text: string): string {
  if (text.length <= LETTERS) return text;
  const half = Math.floor((LETTERS - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(-half)}`;
}
