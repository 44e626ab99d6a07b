// Curves by epoch as SVG text, from a run's log. Source: plots/curves.ts.
import type { EpochLog } from "../train/runlog.ts";
import { drawFigure } from "./frame.ts";
import { accuracySpec, lossSpec } from "./plots/curves.ts";

/**
 * Loss by epoch: training, and validation by modality.
 *
 * @param epochs - a run's log, at least one
 * @returns a whole SVG document
 * @example lossCurves(await readLog("runs/umcc"))
 */
export const lossCurves = (epochs: readonly EpochLog[]): string => drawFigure(lossSpec(epochs));

/** Validation balanced accuracy by epoch and modality, of modalities with subjects enough. */
export const accuracyCurves = (epochs: readonly EpochLog[]): string => drawFigure(accuracySpec(epochs));
