// Figures that only studies have: curves with a band over seeds, precision and recall, confusion.
// Invariants as in report/figures: one style, every axis named, nothing fetched.
import * as Plot from "@observablehq/plot";
import { MODALITIES, type Modality } from "../../core/words.ts";
import { figure } from "../../report/figure-text.ts";
import { drawFigure } from "../../report/frame.ts";
import { COLORS, INK } from "../../report/plots/spec.ts";
import { decided } from "./result-tables.ts";
import type { Labelled, RunResult } from "./results.ts";

interface BandPoint {
  readonly epoch: number;
  readonly low: number;
  readonly high: number;
  readonly mean: number;
  readonly modality: Modality;
}

/**
 * Validation balanced accuracy by epoch: mean over seeds as a line, smallest to largest as a band.
 *
 * @param runs - of one cell, at least one; seeds that stopped early end early
 */
export function seedCurves(runs: readonly RunResult[], title: string): string {
  const epochs = Math.max(...runs.map(({ log }) => log.length));
  const points = MODALITIES.flatMap((modality) =>
    Array.from({ length: epochs }, (_, k): BandPoint[] => {
      const values = runs.flatMap(({ log }) => log[k]?.val[modality]?.balancedAccuracy ?? []);
      if (values.length === 0) return [];
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return [{ epoch: k + 1, low: Math.min(...values), high: Math.max(...values), mean, modality }];
    }).flat(),
  );
  const lowest = Math.min(0.5, ...points.map(({ low }) => low));
  return drawFigure({
    title,
    legend: present(points).map((label) => ({
      label: `${label}, mean and range of ${runs.length} seeds`,
      color: COLORS[label],
      shape: "line",
    })),
    plot: {
      x: {
        label: "epoch",
        domain: [1, Math.max(2, epochs)],
        ticks: wholeTicks(epochs),
        tickFormat: "d",
        inset: 6,
      },
      y: { label: "balanced accuracy, validation", domain: [lowest, 1], grid: true },
      marks: present(points).flatMap((modality) => {
        const own = points.filter((point) => point.modality === modality);
        const color = COLORS[modality];
        return [
          Plot.areaY(own, { x: "epoch", y1: "low", y2: "high", fill: color, fillOpacity: 0.2 }),
          Plot.line(own, { x: "epoch", y: "mean", stroke: color, strokeWidth: 2 }),
        ];
      }),
    },
  });
}

/** At most ten whole numbers from 1 on. */
function wholeTicks(last: number): number[] {
  const step = Math.ceil(last / 10);
  return Array.from({ length: Math.floor((last - 1) / step) + 1 }, (_, k) => 1 + k * step);
}

const present = (data: readonly { readonly modality: Modality }[]) =>
  MODALITIES.filter((m) => data.some(({ modality }) => modality === m));

/** Precision against recall with male as positive, by modality. */
export function precisionRecallCurve(rows: readonly Labelled[]): string {
  const points = MODALITIES.flatMap((modality) => {
    const own = rows.filter((row) => row.modality === modality).sort((a, b) => b.probability - a.probability);
    const males = own.filter(({ target }) => target === 1).length;
    let right = 0;
    let before = 0;
    const steps = own.flatMap((row, k) => {
      right += row.target;
      const tied = own[k + 1]?.probability === row.probability;
      if (tied || right === before) return []; // only where recall grows, as average precision counts
      before = right;
      return [{ modality, recall: right / males, precision: right / (k + 1) }];
    });
    return steps.length === 0 ? [] : [{ ...steps[0]!, recall: 0 }, ...steps];
  });
  return drawFigure({
    title: "Precision and recall, male as positive",
    legend: present(points).map((label) => ({ label, color: COLORS[label], shape: "line" })),
    plot: {
      x: { label: "share of recorded males decided male", domain: [0, 1], inset: 6 },
      y: { label: "recorded males among decided males", domain: [0, 1], grid: true, inset: 6 },
      marks: present(points).map((modality) =>
        Plot.line(
          points.filter((point) => point.modality === modality),
          { x: "recall", y: "precision", stroke: COLORS[modality], strokeWidth: 2, curve: "step-before" },
        ),
      ),
    },
  });
}

/** Decisions by recorded label, one panel a modality, as shares of the recorded label with counts. */
export function confusionPanels(rows: readonly Labelled[]): string {
  const label = (value: number) => (value === 1 ? "male" : "female");
  const cells = MODALITIES.flatMap((modality) =>
    [0, 1].flatMap((target) => {
      const own = rows.filter((row) => row.modality === modality && row.target === target);
      return own.length === 0
        ? []
        : [0, 1].map((decision) => {
            const n = own.filter((row) => decided(row) === decision).length;
            return { modality, recorded: label(target), decided: label(decision), share: n / own.length, n };
          });
    }),
  );
  const tone = ({ recorded, decided: decision }: (typeof cells)[number]) =>
    recorded === decision ? COLORS.male : COLORS.hand;
  return drawFigure({
    title: "Decisions by recorded label",
    legend: [
      { label: "as recorded", color: COLORS.male, shape: "square" },
      { label: "otherwise", color: COLORS.hand, shape: "square" },
    ],
    plot: {
      marginLeft: 72,
      padding: 0.04,
      fx: { label: null, domain: present(cells) },
      x: { label: "decided", domain: ["female", "male"], tickSize: 0 },
      y: { label: "recorded", domain: ["female", "male"], tickSize: 0 },
      marks: [
        Plot.cell(cells, {
          fx: "modality",
          x: "decided",
          y: "recorded",
          fill: tone,
          fillOpacity: ({ share }: { share: number }) => 0.08 + 0.6 * share,
        }),
        Plot.text(cells, {
          fx: "modality",
          x: "decided",
          y: "recorded",
          fill: INK,
          text: ({ share, n }: { share: number; n: number }) => `${figure(share)}\n${n} images`,
        }),
      ],
    },
  });
}
