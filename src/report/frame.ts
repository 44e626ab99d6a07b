// Figures as SVG text: size, title and legend around a plot.
// Source: Observable Plot draws, linkedom stands in for a browser's document. Invariant: nothing lies outside the drawing.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { visibleLines } from "../core/visible.ts";
import { escapeXml } from "./markup.ts";
import {
  FIGURE_WIDTH_PX,
  type FigureSpec,
  FONT,
  FONT_PX,
  heightOf,
  type LegendEntry,
  plotOptions,
} from "./plots/spec.ts";

/** Advance of a letter at FONT_PX, with room for wide fonts. */
const LETTER_PX = 7.2;
const HEAD_PX = 24;
const LEGEND_PX = 22;

/**
 * A figure as a whole SVG document.
 *
 * @param spec - title, legend and what Plot draws
 * @returns SVG text that needs nothing else; it shrinks with its page
 */
export function drawFigure(spec: FigureSpec): string {
  const { title, legend } = spec;
  const heightPx = heightOf(spec);
  const rows = wrapLegend(legend);
  const top = HEAD_PX + LEGEND_PX * rows.length;
  const { document } = parseHTML("<html><body></body></html>");
  const drawn = Plot.plot({ document, ...plotOptions(spec) });
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
    .map(({ x, label, color, shape, dash }) => {
      const text = `<text x="${x + 26}" y="${y}" dy="0.33em">${escapeXml(label)}</text>`;
      return `<g class="legend">${swatch({ shape, color, dash }, x, y)}${text}</g>`;
    })
    .join("");
}

function swatch({ shape, color, dash }: Omit<LegendEntry, "label">, x: number, y: number): string {
  const line = `<line x1="${x}" y1="${y}" x2="${x + 20}" y2="${y}" stroke="${color}"`;
  if (shape === "line")
    return `${line} stroke-width="2.5"${dash === undefined ? "" : ` stroke-dasharray="${dash}"`}/>`;
  if (shape === "dash") return `${line} stroke-width="1.5" stroke-dasharray="4 4"/>`;
  if (shape === "square") return `<rect x="${x + 4}" y="${y - 6}" width="12" height="12" fill="${color}"/>`;
  const circle = `<circle cx="${x + 10}" cy="${y}"`;
  if (shape === "dot") return `${circle} r="5" fill="${color}"/>`;
  return `${circle} r="6" fill="none" stroke="${color}" stroke-width="1.5"/>`;
}
