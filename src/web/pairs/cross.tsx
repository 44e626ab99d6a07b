// ◇ Browser-safe. Counts by two columns: each cell has pairs and subjects, and filters by both of its words.

import { useSignal } from "@preact/signals";
import { count } from "../../report/figure-text.ts";
import { address, choose } from "../app/address.ts";
import { Scrolled } from "../parts/scrolled.tsx";
import { columnOf, type Words } from "../table/column.ts";
import { type JointCell, jointCounts } from "../table/joint.ts";
import { FACETS } from "../table/ledger.ts";
import type { Desk } from "./desk.ts";
import { codesInOrder, framesOf, titleOf, wordsOf } from "./words.ts";

/** The table, with the two columns that it is by. */
export function CrossTable({ desk }: { readonly desk: Desk }) {
  const { table } = desk.loaded;
  const names = FACETS.map(({ name }) => name).filter((name) => columnOf(table, name, "words") !== undefined);
  const [down = "gender", across = "split"] = address.value.choices["by"] ?? [];
  const pickOf = (value: string, others: string, set: (name: string) => string[], label: string) => (
    <label>
      {label}{" "}
      <select value={value} onChange={({ currentTarget }) => choose({ by: set(currentTarget.value) })}>
        {names
          .filter((name) => name !== others)
          .map((name) => (
            <option key={name} value={name}>
              {titleOf(name)}
            </option>
          ))}
      </select>
    </label>
  );
  return (
    <section class="pairs-panel" aria-label="Counts by two columns">
      <div class="pairs-bar">
        {pickOf(down, across, (name) => [name, across], "Rows")}
        {pickOf(across, down, (name) => [down, name], "Columns")}
        <button type="button" onClick={() => choose({ by: undefined })}>
          Close counts
        </button>
      </div>
      <Cells desk={desk} down={down} across={across} />
    </section>
  );
}

interface CellsProps {
  readonly desk: Desk;
  readonly down: string;
  readonly across: string;
}

function Cells({ desk, down, across }: CellsProps) {
  const { table } = desk.loaded;
  const by = useSignal<"pairs" | "subjects">("pairs");
  const [rows, columns] = [columnOf(table, down, "words"), columnOf(table, across, "words")];
  const people = columnOf(table, "user_id", "words");
  if (rows === undefined || columns === undefined) return <p>The table has no such column.</p>;
  const cells = jointCounts(desk.sifted.value.rows, rows, columns, people);
  const shown = (codes: readonly number[], of: (code: number) => readonly JointCell[]) =>
    codes.filter((code) => of(code).some(({ pairs }) => pairs > 0));
  const apply = ({ words }: Words) => codesInOrder(words);
  const downs = shown(apply(rows), (code) => apply(columns).map((k) => cells[code]![k]!));
  const acrosses = shown(apply(columns), (code) => apply(rows).map((i) => cells[i]![code]!));
  const of = [down, across].filter((name) => framesOf(desk, name) !== "");
  const filter = (i: number, k: number) =>
    choose({ [down]: [rows.words[i]!], [across]: [columns.words[k]!] });
  return (
    <>
      <p class="soft">
        {by.value === "pairs" ? "Pairs" : "Subjects"} among those that are shown; a cell filters by both
        words. {of.map((name) => `${titleOf(name)}: ${framesOf(desk, name)} only. `)}
        <button
          type="button"
          class="plain pairs-all"
          onClick={() => {
            by.value = by.value === "pairs" ? "subjects" : "pairs";
          }}
        >
          count {by.value === "pairs" ? "subjects" : "pairs"}
        </button>
      </p>
      <Scrolled name="Table of counts">
        <table>
          <thead>
            <tr>
              <th scope="col">{titleOf(down)}</th>
              {acrosses.map((k) => (
                <th key={k} scope="col">
                  {wordsOf(across, columns.words[k]!)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {downs.map((i) => (
              <tr key={i}>
                <th scope="row">{wordsOf(down, rows.words[i]!)}</th>
                {acrosses.map((k) => {
                  const cell = cells[i]![k]!;
                  const words = `${wordsOf(down, rows.words[i]!)}, ${wordsOf(across, columns.words[k]!)}: ${cell.pairs} pairs, ${cell.subjects} subjects`;
                  return (
                    <td key={k}>
                      {cell.pairs === 0 ? (
                        <span class="soft">0</span>
                      ) : (
                        <button
                          type="button"
                          class="plain pairs-cell"
                          aria-label={words}
                          title={words}
                          onClick={() => filter(i, k)}
                        >
                          {count(cell[by.value])}
                        </button>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
    </>
  );
}
