// ◇ Browser-safe. Columns that follow from others: copies of frames and their groups, subjects with two recorded genders, facets whose
// missing values are distinguished from those that cannot be there.
import { columnOf, fill, rowsOfTexts, type Table, textAt, type Words } from "./column.ts";
import { facetOf } from "./ledger.ts";

/**
 * A facet in which frames that cannot have a value are set apart from those of which none was recorded: a kept frame has no reason
 * why it was removed.
 *
 * @returns the column itself where every frame can have one
 */
export function applied(column: Words, name: string, status: Words | undefined): Words {
  const of = status?.words.indexOf(facetOf(name)?.of ?? "") ?? 0;
  if (status === undefined || of <= 0) return column;
  const apart = column.words.length;
  const codes = apart > 0xff ? Uint32Array.from(column.codes) : Uint8Array.from(column.codes);
  for (let row = 0; row < codes.length; row++)
    if (codes[row] === 0 && status.codes[row] !== of) codes[row] = apart;
  return { ...column, codes, words: [...column.words, ""] };
}

const COPY = {
  bytes: "the same bytes as an earlier frame",
  alike: "looks like an earlier frame",
  first: "has later copies",
};

/** Groups of frames that repeat each other. */
export interface Copies {
  readonly column: Words;
  /** Group of each row: the row of its first frame. */
  readonly groups: Uint32Array;
}

/** Copies of a ledger; undefined where nothing is known of them. */
export function findCopies(table: Table): Copies | undefined {
  const [ids, twins] = [columnOf(table, "image_id", "texts"), columnOf(table, "twin", "texts")];
  if (ids === undefined || twins === undefined) return undefined;
  const bits = columnOf(table, "twin_bits", "numbers")?.values;
  const repeats: (readonly [row: number, twin: string])[] = [];
  for (let row = 0, start = 0; row < table.rows; start = twins.ends[row++]!)
    if (twins.ends[row]! > start) repeats.push([row, textAt(twins, row)]);
  const rows = rowsOfTexts(ids, new Set(repeats.map(([, twin]) => twin)));
  const groups = new Uint32Array(table.rows);
  for (let row = 0; row < groups.length; row++) groups[row] = row;
  const words = fill("words", table.rows);
  for (const [row, twin] of repeats) {
    const first = rows.get(twin);
    if (first !== undefined) {
      groups[row] = groups[first]!;
      words.put(first, COPY.first);
    }
    words.put(row, Number.isNaN(bits?.[row] ?? Number.NaN) ? COPY.bytes : COPY.alike);
  }
  return { column: words.done() as Words, groups };
}

/** Whether what was recorded of a subject's gender agrees: by the ledger's votes, or by the rows that there are. */
export function findVotes(table: Table): Words | undefined {
  const agreement = columnOf(table, "gender_agreement", "numbers")?.values;
  const words = fill("words", table.rows);
  if (agreement !== undefined) {
    for (let row = 0; row < table.rows; row++)
      if (!Number.isNaN(agreement[row]!)) words.put(row, agreement[row] === 1 ? "agree" : "differ");
    return words.done() as Words;
  }
  const [people, genders] = [columnOf(table, "user_id", "words"), columnOf(table, "gender", "words")];
  if (people === undefined || genders === undefined) return undefined;
  const first = new Uint8Array(people.words.length);
  const differ = new Uint8Array(people.words.length);
  for (let row = 0; row < table.rows; row++) {
    const [person, gender] = [people.codes[row]!, genders.codes[row]!];
    if (gender === 0) continue;
    if (first[person] === 0) first[person] = gender;
    else if (first[person] !== gender) differ[person] = 1;
  }
  for (let row = 0; row < table.rows; row++)
    if (first[people.codes[row]!] !== 0)
      words.put(row, differ[people.codes[row]!] === 1 ? "differ" : "agree");
  return words.done() as Words;
}
