// ◇ Browser-safe. The frame that a pair was cut from, with the boxes that the ledger has, where HaGRID's frames are given.
// Invariants: boxes are px of the frame as its annotation speaks of it; a frame that EXIF turns is shown in those pixels.
import { useSignal } from "@preact/signals";
import { ROUTES } from "../../server/api.ts";
import { listing, urlOf } from "../app/source.ts";
import { type Desk, idOf } from "../pairs/desk.ts";
import { textAt } from "../table/column.ts";
import type { RowValues } from "./values.tsx";

interface Props {
  readonly desk: Desk;
  readonly row: number;
  readonly values: RowValues | undefined;
}

type Box = readonly [x: number, y: number, width: number, height: number];

/**
 * A box as the ledger writes it.
 *
 * @example parseBox("10 20.5 100 90") // [10, 20.5, 100, 90]
 */
export function parseBox(text: unknown): Box | undefined {
  const numbers = typeof text === "string" && text !== "" ? text.split(" ").map(Number) : [];
  return numbers.length === 4 && numbers.every((one) => Number.isFinite(one))
    ? (numbers as unknown as Box)
    : undefined;
}

/** The frame; nothing where none are given. */
export function Frame({ desk, row, values }: Props) {
  const missing = useSignal("");
  if (listing.value?.frames !== true || values === undefined) return null;
  const id = idOf(desk, row);
  const gesture = textAt(desk.loaded.table.columns.get("gesture"), row);
  const [width, height] = [Number(values["width"]), Number(values["height"])];
  const boxes = [
    { name: "face box", box: parseBox(values["face_box"]) },
    { name: "hand box", box: parseBox(values["hand_box"]) },
  ];
  if (missing.value === id)
    return (
      <p class="soft">
        The folder of --hagrid has no frame {gesture}/{id}.
      </p>
    );
  const stroke = Math.max(2, Math.max(width, height) / 250);
  return (
    <figure class="pair-frame">
      <div class="pair-drawn">
        <img
          src={urlOf(ROUTES.frame(gesture, `${id}.jpg`))}
          alt="frame"
          class={values["annotated_in"] === "stored" ? "pair-stored" : undefined}
          onError={() => {
            missing.value = id;
          }}
        />
        {width > 0 && height > 0 ? (
          <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
            {boxes.map(({ name, box }) =>
              box === undefined ? null : (
                <g key={name} class={`pair-${name.replace(" ", "-")}`}>
                  <rect x={box[0]} y={box[1]} width={box[2]} height={box[3]} stroke-width={stroke} />
                  <text x={box[0]} y={box[1] - 2 * stroke} font-size={10 * stroke}>
                    {name.replace(" box", "")}
                  </text>
                </g>
              ),
            )}
          </svg>
        ) : null}
      </div>
      <figcaption>
        frame, {width} × {height} px, with the boxes that the ledger has
      </figcaption>
    </figure>
  );
}
