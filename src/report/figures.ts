// Figures of stored predictions as SVG text, whole documents that need nothing else; and any of them as PNG.
// Source: plots/figures.ts.
import type { GroupTable } from "../evaluate/metrics/groups.ts";
import type { Prediction } from "../evaluate/stored/prediction-row.ts";
import { encodePng, renderSvg } from "../pixels/image.ts";
import { drawFigure } from "./frame.ts";
import { groupDotsSpec, histogramSpec, reliabilitySpec, rocSpec } from "./plots/figures.ts";

/** How many images got which probability, by recorded label, one panel a modality. */
export const probabilityHistogram = (rows: readonly Prediction[], threshold?: number): string =>
  drawFigure(histogramSpec(rows, threshold));

/** Reliability diagram: share recorded as male against mean probability. */
export const reliabilityDiagram = (rows: readonly Prediction[], bins?: number): string =>
  drawFigure(reliabilitySpec(rows, bins));

/** ROC curve of each modality, with its area. */
export const rocCurve = (rows: readonly Prediction[]): string => drawFigure(rocSpec(rows));

/** Rates of both recorded classes by group, with images and subjects. */
export const groupDots = (table: GroupTable): string => drawFigure(groupDotsSpec(table));

/**
 * A figure as PNG on white, for looking at it or for places that take no SVG. Letters depend on the machine's fonts.
 *
 * @param widthPx - default 960
 */
export async function svgToPng(svg: string, widthPx = 960): Promise<Uint8Array> {
  return await encodePng(await renderSvg(svg, { widthPx }));
}
