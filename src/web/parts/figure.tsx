// ◇ Browser-safe. A figure: title, legend with shapes beside colours, the plot, and what is said below it.
import { useEffect, useRef } from "preact/hooks";
import type { FigureSpec, LegendEntry } from "../../report/plots/spec.ts";

interface FigureProps {
  readonly spec: FigureSpec;
  readonly caption: string;
  readonly draw: (spec: FigureSpec) => Element;
}

/** One figure. */
export function Figure({ spec, caption, draw }: FigureProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.replaceChildren(draw(spec)), [spec]);
  return (
    <figure>
      <h3>{spec.title}</h3>
      <ul class="legend">
        {spec.legend.map((entry) => (
          <li key={entry.label}>
            <Swatch {...entry} /> {entry.label}
          </li>
        ))}
      </ul>
      <div ref={box} />
      <figcaption>{caption}</figcaption>
    </figure>
  );
}

const DASH = "4 4";

function Swatch({ shape, color, dash }: LegendEntry) {
  const stroke = { stroke: color, "stroke-width": 2, fill: "none" } as const;
  return (
    <svg width="22" height="12" aria-hidden="true">
      {shape === "line" || shape === "dash" ? (
        <path d="M1 6h20" {...stroke} stroke-dasharray={shape === "dash" ? DASH : dash} />
      ) : null}
      {shape === "square" ? <rect x="5" width="12" height="12" fill={color} /> : null}
      {shape === "dot" ? <circle cx="11" cy="6" r="5" fill={color} /> : null}
      {shape === "ring" ? <circle cx="11" cy="6" r="5" {...stroke} /> : null}
    </svg>
  );
}
