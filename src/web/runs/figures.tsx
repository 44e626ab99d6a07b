// ◇ Browser-safe. Figures of a view, drawn once what draws them is loaded.
import { useEffect, useState } from "preact/hooks";
import { Figure } from "../parts/figure.tsx";
import type { Captioned } from "./plots.ts";

type Plots = typeof import("./plots.ts");

interface FiguresProps {
  /** What is drawn. */
  readonly make: (plots: Plots) => readonly Captioned[];
  /** Values that it follows from. */
  readonly of: readonly unknown[];
}

/** The figures, side by side where there is room. */
export function Figures({ make, of }: FiguresProps) {
  const [drawn, setDrawn] = useState<{ readonly plots: Plots; readonly figures: readonly Captioned[] }>();
  useEffect(() => {
    let isShown = true;
    void import("./plots.ts").then((plots) => {
      if (isShown) setDrawn({ plots, figures: make(plots) });
    });
    return () => {
      isShown = false;
    };
  }, of);
  if (drawn === undefined) return <p class="soft">Drawing …</p>;
  return (
    <div class="figures">
      {drawn.figures.map(({ spec, caption }) => (
        <Figure key={spec.title} spec={spec} caption={caption} draw={drawn.plots.draw} />
      ))}
    </div>
  );
}
