// The one style of all figures: size, letters, colours, title and legend around a plot.
// Source: Observable Plot draws, linkedom stands in for a browser's document. Invariants: colours are told apart
// on white and on dark pages and by colour-blind readers; nothing lies outside the drawing.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { visibleLines } from "../core/visible.ts";
import { escapeXml } from "./markup.ts";

/** The page's own letter colour. */
export const INK = "currentColor";

/** Middle tones, at least 3:1 against white and against near-black. */
export const COLORS = {
  hand: "#d2691e",
  face: "#3f83d1",
  female: "#9063cd",
  male: "#1c9a84",
} as const;

export const FIGURE_WIDTH_PX = 460;
const FIGURE_HEIGHT_PX = 290;
const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";
const FONT_PX = 13;
/** Advance of a letter at FONT_PX, with room for wide fonts. */
const LETTER_PX = 7.2;
const HEAD_PX = 24;
const LEGEND_PX = 22;

export interface LegendEntry {
  readonly label: string;
  readonly color: string;
  readonly shape: "line" | "dash" | "dot" | "square" | "ring";
}

export interface FigureSpec {
  /** One line above the plot; also what screen readers say. */
  readonly title: string;
  readonly legend: readonly LegendEntry[];
  /** Height of the plot without title and legend. */
  readonly heightPx?: number | undefined;
  readonly plot: Plot.PlotOptions;
}

/**
 * A figure as a whole SVG document.
 *
 * @param spec - title, legend and what Plot draws
 * @returns SVG text that needs nothing else; it shrinks with its page
 */
export function drawFigure({ title, legend, heightPx = FIGURE_HEIGHT_PX, plot }: FigureSpec): string {
  const rows = wrapLegend(legend);
  const top = HEAD_PX + LEGEND_PX * rows.length;
  const { document } = parseHTML("<html><body></body></html>");
  const drawn = Plot.plot({
    document,
    className: "facehand-figure",
    width: FIGURE_WIDTH_PX,
    height: heightPx,
    marginTop: 30,
    marginBottom: 44,
    marginLeft: 46,
    marginRight: 18,
    style: { fontSize: `${FONT_PX}px`, fontFamily: FONT, background: "none", overflow: "visible" },
    ...plot,
  });
  drawn.setAttribute("y", String(top));
  const height = top + heightPx;
  const size = `viewBox="0 0 ${FIGURE_WIDTH_PX} ${height}" width="${FIGURE_WIDTH_PX}" height="${height}"`;
  const font = `font-family="${FONT}" font-size="${FONT_PX}" fill="currentColor"`;
  const head = `<text x="4" y="16" font-weight="600" font-size="${FONT_PX + 1}">${escapeXml(title)}</text>`;
  const key = rows.map((row, i) => legendRow(row, HEAD_PX + i * LEGEND_PX + LEGEND_PX / 2)).join("");
  const open = `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font} role="img" aria-label="${escapeXml(title)}">`;
  return `${open}${head}${key}${visibleLines(drawn.outerHTML)}</svg>`;
}

interface Placed extends LegendEntry {
  readonly x: number;
}

/** Entries from left to right, in as many rows as they need. */
function wrapLegend(legend: readonly LegendEntry[]): Placed[][] {
  const rows: Placed[][] = [];
  let x = Number.POSITIVE_INFINITY;
  for (const entry of legend) {
    const width = 26 + LETTER_PX * entry.label.length + 14;
    if (x + width > FIGURE_WIDTH_PX) {
      rows.push([]);
      x = 4;
    }
    rows.at(-1)!.push({ ...entry, x });
    x += width;
  }
  return rows;
}

function legendRow(row: readonly Placed[], y: number): string {
  return row
    .map(({ x, label, color, shape }) => {
      const text = `<text x="${x + 26}" y="${y}" dy="0.33em">${escapeXml(label)}</text>`;
      return `<g class="legend">${swatch(shape, x, y, color)}${text}</g>`;
    })
    .join("");
}

function swatch(shape: LegendEntry["shape"], x: number, y: number, color: string): string {
  const line = `<line x1="${x}" y1="${y}" x2="${x + 20}" y2="${y}" stroke="${color}"`;
  if (shape === "line") return `${line} stroke-width="2.5"/>`;
  if (shape === "dash") return `${line} stroke-width="1.5" stroke-dasharray="4 4"/>`;
  if (shape === "square") return `<rect x="${x + 4}" y="${y - 6}" width="12" height="12" fill="${color}"/>`;
  const circle = `<circle cx="${x + 10}" cy="${y}"`;
  if (shape === "dot") return `${circle} r="5" fill="${color}"/>`;
  return `${circle} r="6" fill="none" stroke="${color}" stroke-width="1.5"/>`;
}
