// Comparisons as a forest plot: every "A against B" is a row, at A minus B, and all rows share one axis.
import * as Plot from "@observablehq/plot";
import { drawFigure } from "../frame.ts";
import { COLORS, FIGURE_WIDTH_PX, INK } from "./spec.ts";

/** One comparison. */
export interface ForestRow {
  readonly key: string;
  /** Over the row, e.g. A, against B, in what; as many for each row. */
  readonly lines: readonly string[];
  readonly estimate: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** What a plot says of its axis and its intervals. */
export interface ForestWords {
  readonly sides: string;
  readonly interval: string;
}

/** Height of one row with one line of text above it, and of each further line. */
const ROW_PX = 56;
const TEXT_PX = 14;
/** Letters of a name that fit in one line. */
const LETTERS = Math.floor(FIGURE_WIDTH_PX / 6.6);

/** Draws comparisons: a row each, all of them on one axis. */
export function forestPlot(rows: readonly ForestRow[], { sides, interval }: ForestWords): string {
  const ends = rows.flatMap(({ estimate, low, high }) => [estimate, low ?? 0, high ?? 0]);
  const reach = 1.1 * Math.max(0.01, ...ends.map(Math.abs));
  const lines = rows.flatMap(({ key, low, high }) =>
    low === null || high === null ? [] : [{ key, low, high }],
  );
  const last = Math.max(...rows.map((row) => row.lines.length)) - 1;
  const text = (line: number) =>
    Plot.text(rows, {
      x: -reach,
      y: "key",
      text: (row: ForestRow) => shortened(row.lines[line] ?? ""),
      textAnchor: "start",
      fill: INK,
      fillOpacity: line === last && last > 0 ? 0.75 : 1,
      dy: TEXT_PX * (line - last) - 19,
      fontSize: 11,
    });
  return drawFigure({
    title: "Comparisons: A against B",
    heightPx: 90 + (ROW_PX + TEXT_PX * last) * rows.length,
    legend: [
      { label: `A minus B, ${interval}`, color: COLORS.face, shape: "dot" },
      ...(lines.length < rows.length
        ? [{ label: "the draws give no interval", color: COLORS.face, shape: "ring" as const }]
        : []),
    ],
    plot: {
      marginLeft: 18,
      x: { label: sides, domain: [-reach, reach], ticks: 5 },
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
        ...Array.from({ length: last + 1 }, (_, line) => text(line)),
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
