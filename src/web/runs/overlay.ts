// ◇ Browser-safe. Curves of several configurations over one another, each as the mean of its seeds in a band from the least to the most.
// Invariants: an epoch that one seed has not reached is no mean of the others; lines differ by dashes too, not by colour alone.
import * as Plot from "@observablehq/plot";
import { wholeTicks } from "../../report/plots/curves.ts";
import { COLORS, type FigureSpec } from "../../report/plots/spec.ts";
import type { EpochLog } from "../../train/runlog.ts";

/** A configuration's logs, one a seed. */
export interface Series {
  readonly label: string;
  readonly logs: readonly (readonly EpochLog[])[];
}

/** What is drawn of an epoch. */
export const CURVES = {
  loss: { title: "Validation loss by epoch", y: "loss, nats an image" },
  balancedAccuracy: { title: "Validation balanced accuracy by epoch", y: "balanced accuracy" },
} as const;
export type Curve = keyof typeof CURVES;

/** One epoch of a configuration. */
export interface BandPoint {
  readonly epoch: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Mean and range over seeds, of the epochs that all seeds have reached, on all validation images. */
export function bandOf(logs: Series["logs"], curve: Curve): BandPoint[] {
  const reached = Math.min(...logs.map((log) => log.length));
  return Array.from({ length: Number.isFinite(reached) ? reached : 0 }, (_, i) => i).flatMap((i) => {
    const values = logs.map((log) => log[i]!.val.all[curve]);
    const known = values.filter((value) => value !== null);
    if (known.length < values.length) return [];
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    return [{ epoch: logs[0]![i]!.epoch, mean, low: Math.min(...known), high: Math.max(...known) }];
  });
}

const INKS = [COLORS.face, COLORS.hand, COLORS.male, COLORS.female];
const DASHES = [undefined, "7 3", "2 3", "9 3 2 3"];
/** Less than this between all values is no change that can be seen. */
const FLAT = 0.01;
/** As many can be distinguished. */
export const MOST_SERIES: number = INKS.length;

/** Several configurations, MOST_SERIES at most. */
export function overlaySpec(series: readonly Series[], curve: Curve): FigureSpec {
  const drawn = series.slice(0, MOST_SERIES).map(({ label, logs }, i) => ({
    ...{ label, color: INKS[i]!, dash: DASHES[i] },
    ...{ points: bandOf(logs, curve), seeds: logs.length },
  }));
  const most = Math.max(2, ...drawn.flatMap(({ points }) => points.map(({ epoch }) => epoch)));
  const { title, y } = CURVES[curve];
  const values = drawn.flatMap(({ points }) => points.flatMap(({ low, high }) => [low, high]));
  const [least, top] = [Math.min(...values), Math.max(...values)];
  // A line that stays where it is gets room about it, and ticks that can be read.
  const room = top - least < FLAT ? { domain: [least - FLAT, top + FLAT] } : {};
  return {
    title,
    legend: drawn.map(({ label, color, dash, seeds }) => ({
      label: seeds === 1 ? label : `${label}, ${seeds} seeds`,
      ...{ color, dash, shape: "line" as const },
    })),
    plot: {
      x: { label: "epoch", domain: [1, most], ticks: wholeTicks(most), tickFormat: "d" },
      y: { label: y, grid: true, ...room },
      marks: drawn.flatMap(({ points, color, dash }) => [
        Plot.areaY(points, { x: "epoch", y1: "low", y2: "high", fill: color, fillOpacity: 0.18 }),
        Plot.line(points, {
          x: "epoch",
          y: "mean",
          stroke: color,
          strokeWidth: 2,
          strokeDasharray: dash ?? "none",
        }),
        Plot.dot(points, { x: "epoch", y: "mean", fill: color, r: 2.5 }),
      ]),
    },
  };
}
