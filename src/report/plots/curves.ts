// ◇ Browser-safe. Curves by epoch, from a run's log. Invariant: a figure that is not defined leaves a gap, not a zero.
import * as Plot from "@observablehq/plot";
import { MODALITIES } from "../../core/words.ts";
import { type EpochLog, isPartSmall } from "../../train/runlog.ts";
import { COLORS, type FigureSpec, INK } from "./spec.ts";

/** One point of a curve by epoch. */
interface CurvePoint {
  readonly epoch: number;
  readonly value: number;
  readonly series: string;
}

/**
 * Loss by epoch: training, and validation by modality.
 *
 * @param epochs - a run's log, at least one
 * @example lossSpec(await readLog("runs/umcc"))
 */
export function lossSpec(epochs: readonly EpochLog[]): FigureSpec {
  const points = [
    ...epochs.map(({ epoch, trainLoss }) => ({ epoch, value: trainLoss, series: "training" })),
    ...validation(epochs, ({ loss }) => loss),
  ];
  return curves(points, { title: "Loss by epoch", y: "loss, nats an image", zero: true });
}

/**
 * Validation balanced accuracy by epoch and modality, of modalities with subjects enough; a ring marks the epoch that
 * was kept.
 *
 * @param epochs - a run's log, at least one
 */
export function accuracySpec(epochs: readonly EpochLog[]): FigureSpec {
  const points = validation(epochs, ({ balancedAccuracy }) => balancedAccuracy);
  const kept = epochs.findLast(({ best }) => best)?.epoch;
  return curves(points, {
    title: "Balanced accuracy by epoch",
    y: "balanced accuracy, validation",
    domain: [Math.min(0.5, ...points.map(({ value }) => value)), 1],
    kept,
  });
}

type PartLog = EpochLog["val"]["all"];

function validation(epochs: readonly EpochLog[], of: (part: PartLog) => number | null): CurvePoint[] {
  return MODALITIES.flatMap((modality) =>
    epochs.flatMap(({ epoch, val }) => {
      const part = val[modality];
      const value = part === null || isPartSmall(part) ? null : of(part);
      return value === null ? [] : [{ epoch, value, series: `validation, ${modality}` }];
    }),
  );
}

interface CurveOptions {
  readonly title: string;
  readonly y: string;
  readonly zero?: boolean | undefined;
  readonly domain?: readonly [number, number] | undefined;
  readonly kept?: number | undefined;
}

const SERIES = {
  training: INK,
  "validation, hand": COLORS.hand,
  "validation, face": COLORS.face,
} as const;

function curves(points: readonly CurvePoint[], options: CurveOptions): FigureSpec {
  const { title, y, zero, domain, kept } = options;
  const drawn = Object.entries(SERIES).filter(([name]) => points.some(({ series }) => series === name));
  const most = Math.max(1, ...points.map(({ epoch }) => epoch)); // none: every modality rests on too few subjects
  const lines = drawn.map(([label, color]) => ({ label, color, shape: "line" as const }));
  const ring = { label: "best epoch", color: INK, shape: "ring" as const };
  return {
    title,
    legend: kept === undefined ? lines : [...lines, ring],
    plot: {
      x: { label: "epoch", domain: [1, Math.max(2, most)], ticks: wholeTicks(most), tickFormat: "d" },
      y: { label: y, grid: true, ...(zero === true ? { zero: true } : {}), ...(domain ? { domain } : {}) },
      marks: curveMarks(points, drawn, kept),
    },
  };
}

function curveMarks(
  points: readonly CurvePoint[],
  drawn: readonly (readonly [string, string])[],
  kept: number | undefined,
): Plot.Markish[] {
  const channels = { x: "epoch", y: "value", z: "series" } as const;
  const color = ({ series }: CurvePoint) => SERIES[series as keyof typeof SERIES];
  const lines = drawn.map(([name, stroke]) => {
    const own = points.filter(({ series }) => series === name);
    return Plot.line(own, { ...channels, stroke, strokeWidth: 2 });
  });
  const rings = points.filter(({ epoch }) => epoch === kept);
  return [
    ...lines,
    Plot.dot(points, { ...channels, fill: color, r: 3 }),
    Plot.dot(rings, { ...channels, stroke: INK, r: 6, strokeWidth: 1.5 }),
  ];
}

/** About six whole epochs. */
export function wholeTicks(most: number): number[] {
  const step = Math.max(1, Math.ceil(most / 6));
  const ticks = Array.from({ length: Math.floor(most / step) }, (_, i) => (i + 1) * step);
  return step === 1 ? ticks : [1, ...ticks];
}
