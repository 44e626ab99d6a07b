// ◇ Browser-safe. What a ledger knows of a frame's places, drawn over it: boxes, the squares that the crops show, landmarks.
// Invariant: all is px of the frame as it is seen; what sticks out of the frame is drawn too, since crops are black there.
import { parseBox, parsePoints, parseSquare } from "../../derive/tables/places.ts";
import type { RowValues } from "./values.tsx";

const MARKED = ["face", "hand"] as const;

/** Places of one frame. */
export interface Places {
  readonly width: number;
  readonly height: number;
  readonly marks: readonly Mark[];
}

interface Mark {
  readonly name: (typeof MARKED)[number];
  readonly box: ReturnType<typeof parseBox>;
  readonly square: ReturnType<typeof parseSquare>;
  readonly points: ReturnType<typeof parsePoints>;
}

/** The places that a row has; undefined where its frame was not read. */
export function placesOf(values: RowValues): Places | undefined {
  const [width, height] = [Number(values["width"]), Number(values["height"])];
  if (!(width > 0 && height > 0)) return undefined;
  const marks = MARKED.map((name) => ({
    name,
    box: parseBox(values[`${name}_box`]),
    square: parseSquare(values[`${name}_square`]),
    points: parsePoints(values[`${name}_points`]),
  }));
  return { width, height, marks };
}

/** The part of the plane that has the frame and all squares. */
export function boundsOf({ width, height, marks }: Places) {
  let [left, top, right, bottom] = [0, 0, width, height];
  for (const { square } of marks) {
    if (square === undefined) continue;
    const { centre, sidePx, angle } = square;
    const reach = (sidePx / 2) * (Math.abs(Math.cos(angle)) + Math.abs(Math.sin(angle)));
    [left, right] = [Math.min(left, centre.x - reach), Math.max(right, centre.x + reach)];
    [top, bottom] = [Math.min(top, centre.y - reach), Math.max(bottom, centre.y + reach)];
  }
  return { left, top, width: right - left, height: bottom - top };
}

/** The drawing; `bounds` fill it. */
export function Marks({
  places,
  bounds,
}: {
  readonly places: Places;
  readonly bounds: ReturnType<typeof boundsOf>;
}) {
  const stroke = Math.max(bounds.width, bounds.height) / 250;
  return (
    <svg viewBox={`${bounds.left} ${bounds.top} ${bounds.width} ${bounds.height}`} aria-hidden="true">
      {places.marks.map((mark) => (
        <g key={mark.name} class={`pair-mark pair-mark-${mark.name}`} stroke-width={stroke}>
          <OneMark mark={mark} stroke={stroke} />
        </g>
      ))}
    </svg>
  );
}

function OneMark({ mark, stroke }: { readonly mark: Mark; readonly stroke: number }) {
  const { name, box, square, points } = mark;
  return (
    <>
      {box === undefined ? null : (
        <>
          <rect class="pair-mark-box" {...box} stroke-dasharray={`${3 * stroke} ${2 * stroke}`} />
          <text x={box.x} y={box.y - 2 * stroke} font-size={9 * stroke} stroke-width={stroke}>
            {name}
          </text>
        </>
      )}
      {square === undefined ? null : <TurnedSquare square={square} stroke={stroke} />}
      {points.map(({ x, y }, i) => (
        <circle key={i} cx={x} cy={y} r={1.2 * stroke} />
      ))}
    </>
  );
}

/** With a tick at the side that is up in the crop. */
function TurnedSquare({
  square: { centre, sidePx, angle },
  stroke,
}: {
  readonly square: NonNullable<Mark["square"]>;
  readonly stroke: number;
}) {
  const half = sidePx / 2;
  return (
    <g transform={`translate(${centre.x} ${centre.y}) rotate(${(angle * 180) / Math.PI})`}>
      <rect class="pair-mark-square" x={-half} y={-half} width={sidePx} height={sidePx} />
      <line x1={0} x2={0} y1={-half} y2={-half + 6 * stroke} />
    </g>
  );
}
