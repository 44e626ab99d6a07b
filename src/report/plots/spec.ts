// ◇ Browser-safe. What a figure is before it is drawn: title, legend, what Plot draws; and the one style of all of them.
// Invariant: colours differ visibly on white and on dark pages and by colour-blind readers.
import type { PlotOptions } from "@observablehq/plot";

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
export const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";
export const FONT_PX = 13;

export interface LegendEntry {
  readonly label: string;
  readonly color: string;
  readonly shape: "line" | "dash" | "dot" | "square" | "ring";
  /** Of a line that its colour alone does not distinguish: as `stroke-dasharray`. */
  readonly dash?: string | undefined;
}

export interface FigureSpec {
  /** One line above the plot; also what screen readers say. */
  readonly title: string;
  readonly legend: readonly LegendEntry[];
  /** Height of the plot without title and legend. */
  readonly heightPx?: number | undefined;
  readonly plot: PlotOptions;
}

/** Height of a figure's plot, px. */
export const heightOf = ({ heightPx = FIGURE_HEIGHT_PX }: FigureSpec): number => heightPx;

/** All that Plot gets of a figure, but for the document that it draws in. */
export function plotOptions(spec: FigureSpec): PlotOptions {
  return {
    className: "facehand-figure",
    width: FIGURE_WIDTH_PX,
    height: heightOf(spec),
    marginTop: 30,
    marginBottom: 44,
    marginLeft: 46,
    marginRight: 18,
    style: { fontSize: `${FONT_PX}px`, fontFamily: FONT, background: "none", overflow: "visible" },
    ...spec.plot,
  };
}
