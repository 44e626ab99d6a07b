// ◇ Browser-safe. One pair: its crops at full size, all that is recorded of it, what looks like it, what models and people said.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { count } from "../../report/figure-text.ts";
import { choose } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { listing } from "../app/source.ts";
import { type Desk, idOf, pick } from "../pairs/desk.ts";
import { pictureOf } from "../pairs/pictures.ts";
import { recordedOf, whyRemoved } from "../pairs/words.ts";
import { Picture } from "../parts/picture.tsx";
import { textAt } from "../table/column.ts";
import { Frame } from "./frame.tsx";
import { History } from "./history.tsx";
import { Neighbours, Others } from "./others.tsx";
import { Predictions } from "./predictions.tsx";
import { type RowValues, Values } from "./values.tsx";

/** The pair of a row; it lies over the grid. */
export function OnePair({ desk, row }: { readonly desk: Desk; readonly row: number }) {
  const values = useSignal<RowValues | undefined>(undefined);
  const article = useRef<HTMLElement>(null);
  const { rows } = desk.sifted.value;
  const place = rows.indexOf(row);
  const id = idOf(desk, row);
  useEffect(() => {
    let current = true;
    values.value = undefined;
    void desk.dataset.row(row).then(
      (found) => {
        if (current) values.value = found;
      },
      () => undefined, // the table's own fault is shown above the grid
    );
    return () => {
      current = false;
    };
  }, [row]);
  useEffect(() => article.current?.focus(), []);
  useEffect(() => {
    if (place >= 0) desk.cursor.value = place;
  }, [place]);
  const step = (by: number) => {
    const next = rows[place < 0 ? 0 : place + by];
    if (next !== undefined) choose({ pair: [idOf(desk, next)] }, false);
  };
  // The grid's own note of its place waits until it has stood still: whoever closes earlier would stand at the head.
  const close = () => choose({ pair: undefined, ...(place > 0 ? { on: [id] } : {}) });
  const toggle = () => {
    const next = new Set(desk.picked.peek());
    if (!next.delete(row)) next.add(row);
    pick(desk, next);
  };
  useKeys([
    { keys: ["ArrowRight", "ArrowDown", "n"], does: "next pair", run: () => step(1) },
    { keys: ["ArrowLeft", "ArrowUp", "p"], does: "pair before", run: () => step(-1) },
    { keys: ["Escape"], does: "back to the grid", run: close },
    { keys: ["x"], does: "select this pair, or not", run: toggle },
  ]);
  const isPicked = desk.picked.value.has(row);
  const why = whyRemoved(desk, row);
  return (
    <article ref={article} tabIndex={-1} class="pair" aria-label={`Pair ${id}`}>
      <div class="pairs-bar">
        <button type="button" onClick={close}>
          Back to the grid
        </button>
        <button type="button" disabled={place <= 0} onClick={() => step(-1)}>
          ← before
        </button>
        <button type="button" disabled={place < 0 || place === rows.length - 1} onClick={() => step(1)}>
          next →
        </button>
        <span role="status">
          {place < 0
            ? "Not among those that pass the filters"
            : `${count(place + 1)} of ${count(rows.length)}`}
        </span>
        <button type="button" aria-pressed={isPicked} onClick={toggle}>
          {isPicked ? "Selected" : "Select"}
        </button>
      </div>
      <h2 class="pair-title">
        <code>{id}</code>
      </h2>
      <p>
        {recordedOf(desk, row)} · {textAt(desk.loaded.table.columns.get("split"), row)}
        {why === "" ? null : <strong class="trouble"> removed: {why}</strong>}
      </p>
      <div class="pair-crops">
        {(["hand", "face"] as const).map((modality) => (
          <figure key={modality}>
            <Picture url={pictureOf(desk, row, modality)} words={`${modality} crop`} />
            <figcaption>{modality}</figcaption>
          </figure>
        ))}
        <Frame desk={desk} row={row} values={values.value} />
      </div>
      <Values desk={desk} row={row} values={values.value} />
      <Others desk={desk} row={row} />
      <Neighbours desk={desk} row={row} />
      <Predictions id={id} />
      {listing.value?.writes ? <History desk={desk} row={row} /> : null}
    </article>
  );
}
