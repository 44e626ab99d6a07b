// The curves of `npm run bench -- learning`: balanced accuracy by epoch, every seed, both sides in one figure a part.
import * as Plot from "@observablehq/plot";
import { drawFigure } from "../src/report/frame.ts";
import { COLORS } from "../src/report/plots/spec.ts";

export const PARTS = ["all", "hand", "face"] as const;
export type Part = (typeof PARTS)[number];

/** Validation balanced accuracies of one seed by epoch. */
export interface Curve {
  readonly side: "here" | "PyTorch";
  readonly seed: number;
  readonly values: readonly Readonly<Record<Part, number>>[];
}

const SIDES = { here: COLORS.face, PyTorch: COLORS.hand } as const;

/**
 * Curves of both sides over all images of validation: thin lines are seeds, thick ones their means.
 *
 * @param title - what was trained
 * @returns a whole SVG document
 */
export function learningCurves(curves: readonly Curve[], title: string): string {
  const points = curves.flatMap(({ side, seed, values }) =>
    values.map((value, i) => ({ side, line: `${side} ${seed}`, epoch: i + 1, value: value.all })),
  );
  const means = Object.keys(SIDES).flatMap((side) =>
    [...new Set(points.map(({ epoch }) => epoch))].map((epoch) => {
      const own = points.filter((point) => point.side === side && point.epoch === epoch);
      return { side, epoch, value: own.reduce((sum, { value }) => sum + value, 0) / own.length };
    }),
  );
  const stroke = ({ side }: { readonly side: string }) => SIDES[side as Curve["side"]];
  const most = Math.max(...points.map(({ epoch }) => epoch));
  return drawFigure({
    title: `Balanced accuracy by epoch, ${title}`,
    legend: Object.entries(SIDES).map(([label, color]) => ({ label, color, shape: "line" as const })),
    plot: {
      x: { label: "epoch", domain: [1, most], ticks: most, tickFormat: "d" },
      y: { label: "balanced accuracy, validation", grid: true },
      marks: [
        Plot.line(points, { x: "epoch", y: "value", z: "line", stroke, strokeWidth: 1, strokeOpacity: 0.45 }),
        Plot.line(means, { x: "epoch", y: "value", z: "side", stroke, strokeWidth: 3 }),
      ],
    },
  });
}
