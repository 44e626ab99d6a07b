// ◇ Browser-safe. Other pairs beside one: those of its subject, and those whose frame looks alike.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { count } from "../../report/figure-text.ts";
import { choose } from "../app/address.ts";
import { type Desk, idOf } from "../pairs/desk.ts";
import { pictureOf } from "../pairs/pictures.ts";
import { recordedOf, whyRemoved } from "../pairs/words.ts";
import { Picture } from "../parts/picture.tsx";
import { columnOf, type Hashes } from "../table/column.ts";
import { nearestRows } from "../table/near.ts";

/** As many are shown; the grid has all. */
const SHOWN = 12;
const SIDE_PX = 64;

interface Props {
  readonly desk: Desk;
  readonly row: number;
}

/** The subject's other pairs. */
export function Others({ desk, row }: Props) {
  const people = columnOf(desk.loaded.table, "user_id", "words");
  const person = people?.codes[row] ?? 0;
  const rows = useMemo(() => {
    const found: number[] = [];
    if (people === undefined || person === 0) return found;
    for (let other = 0; other < people.codes.length; other++)
      if (people.codes[other] === person && other !== row) found.push(other);
    return found;
  }, [people, person, row]);
  if (people === undefined || person === 0) return null;
  return (
    <section class="pair-part" aria-label="The subject's other pairs">
      <h3>The subject's other pairs ({count(rows.length)})</h3>
      {rows.length === 0 ? <p class="soft">There is no other.</p> : null}
      <Strip
        desk={desk}
        rows={rows.slice(0, SHOWN)}
        wordsOf={(other) => whyRemoved(desk, other) || recordedOf(desk, other)}
      />
      {rows.length === 0 ? null : (
        <button type="button" onClick={() => choose({ user_id: [people.words[person]!], pair: undefined })}>
          Show all {count(rows.length + 1)} in the grid
        </button>
      )}
    </section>
  );
}

/** Frames that look alike, nearest first. */
export function Neighbours({ desk, row }: Props) {
  const hashes = useSignal<Hashes | undefined>(undefined);
  const state = useSignal<"reading" | "none" | "there">("reading");
  useEffect(() => {
    let current = true;
    void desk.dataset.more(["look"]).then((columns) => {
      if (!current) return;
      const found = columns.get("look");
      hashes.value = found?.kind === "hashes" ? found : undefined;
      state.value = hashes.value === undefined ? "none" : "there";
    });
    return () => {
      current = false;
    };
  }, [desk.dataset]);
  const known = hashes.value;
  const near = useMemo(() => (known === undefined ? [] : nearestRows(known, row, SHOWN)), [known, row]);
  if (state.value === "none") return null;
  const bitsOf = new Map(near.map((one) => [one.row, one.bits]));
  return (
    <section class="pair-part" aria-label="Frames that look alike">
      <h3>Frames that look alike</h3>
      {state.value === "reading" ? <p class="soft">Reading the frames' hashes …</p> : null}
      {state.value === "there" && near.length === 0 ? <p class="soft">This frame has no hash.</p> : null}
      <Strip
        desk={desk}
        rows={near.map((one) => one.row)}
        wordsOf={(other) => `${bitsOf.get(other)} of 255 bits differ`}
      />
    </section>
  );
}

interface StripProps {
  readonly desk: Desk;
  readonly rows: readonly number[];
  readonly wordsOf: (row: number) => string;
}

/** Small pairs in a line, each a way to itself. */
function Strip({ desk, rows, wordsOf }: StripProps) {
  return (
    <ul class="pair-strip">
      {rows.map((other) => (
        <li key={other}>
          <button type="button" class="plain" onClick={() => choose({ pair: [idOf(desk, other)] })}>
            <span class="pairs-pictures" style={{ height: `${SIDE_PX}px` }}>
              <Picture url={pictureOf(desk, other, "hand")} words="hand" sizePx={SIDE_PX} />
              <Picture url={pictureOf(desk, other, "face")} words="face" sizePx={SIDE_PX} />
            </span>
            <span class="pair-words">{wordsOf(other)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
