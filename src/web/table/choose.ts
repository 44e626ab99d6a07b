// ◇ Browser-safe. Filters as the address has them, and the tests that they mean: `gender=male`, `face_px=28..60`, `q=8f3a`.
// Invariants: what an address says that the table does not have filters nothing out but is named; the same choice is the same test.
import { columnOf, rowsOfTexts, rowsWithPart, type Table } from "./column.ts";
import { FACETS, HISTOGRAMS } from "./ledger.ts";
import { amongCodes, between, marked, type Test } from "./sieve.ts";

/** From and to, both included; a missing one is open. */
export type Interval = readonly [low: number, high: number];

/**
 * The interval that a choice means.
 *
 * @example parseInterval("28..60") // [28, 60]
 */
export function parseInterval(text: string | undefined): Interval | undefined {
  const [, low, high] = /^(-?[\d.eE+-]*?)\.\.(-?[\d.eE+-]*)$/.exec(text ?? "") ?? [];
  if (low === undefined || high === undefined || (low === "" && high === "")) return undefined;
  const from = low === "" ? Number.NEGATIVE_INFINITY : Number(low);
  const to = high === "" ? Number.POSITIVE_INFINITY : Number(high);
  return Number.isNaN(from) || Number.isNaN(to) ? undefined : [from, to];
}

/** An interval as a choice; undefined for what is open at both ends. */
export function formatInterval([low, high]: Interval): string | undefined {
  const text = (value: number) => (Number.isFinite(value) ? String(value) : "");
  const both = `${text(low)}..${text(high)}`;
  return both === ".." ? undefined : both;
}

/** What filters beside facets and histograms may look at. */
export interface Beside {
  /** Group of each row among copies. */
  readonly copies?: Uint32Array | undefined;
  /** Rows that are picked. */
  readonly picked: ReadonlySet<number>;
  /** What other thresholds do to each row. */
  readonly changes?: Uint8Array | undefined;
}

/** Names that filter, in the order of the page. */
export const FILTERS: readonly string[] = [
  ...FACETS.map(({ name }) => name),
  ...HISTOGRAMS,
  ...["q", "user_id", "copies_of", "picked", "change"],
];

/** The test that a choice means; undefined if it means none of this table. */
export function testOf(
  table: Table,
  name: string,
  values: readonly string[],
  beside: Beside,
): Test | undefined {
  const special = SPECIAL[name];
  if (special !== undefined) return special(table, values[0] ?? "", beside);
  const numbers = columnOf(table, name, "numbers");
  if (numbers !== undefined) {
    const interval = parseInterval(values[0]);
    return interval && between(numbers.values, ...interval);
  }
  const words = columnOf(table, name, "words");
  if (words === undefined) return undefined;
  const codes = values.map((value) => words.words.indexOf(value));
  return amongCodes(
    words.codes,
    words.words.length,
    codes.filter((code) => code >= 0),
  );
}

const SPECIAL: Readonly<Record<string, (table: Table, value: string, beside: Beside) => Test | undefined>> = {
  q: searched,
  user_id(table, value) {
    const people = columnOf(table, "user_id", "words");
    return (
      people &&
      amongCodes(
        people.codes,
        people.words.length,
        [people.words.indexOf(value)].filter((i) => i > 0),
      )
    );
  },
  copies_of(table, value, { copies }) {
    const ids = columnOf(table, "image_id", "texts");
    const row = ids && rowsOfTexts(ids, [value]).get(value);
    if (copies === undefined || row === undefined) return undefined;
    const group = copies[row]!;
    return (fails) => {
      for (let i = 0; i < fails.length; i++) fails[i] = copies[i] === group ? 0 : 1;
    };
  },
  picked:
    (_, __, { picked }) =>
    (fails) => {
      fails.fill(1);
      for (const row of picked) fails[row] = 0;
    },
  change(_, value, { changes }) {
    const wanted = { taken: 1, back: 2 }[value];
    if (changes === undefined || wanted === undefined) return undefined;
    return (fails) => {
      for (let i = 0; i < fails.length; i++) fails[i] = changes[i] === wanted ? 0 : 1;
    };
  },
};

/** Ids of pictures and of subjects that have a part. */
function searched(table: Table, value: string): Test | undefined {
  const part = value.trim().toLowerCase();
  if (part === "") return undefined;
  const [ids, people] = [columnOf(table, "image_id", "texts"), columnOf(table, "user_id", "words")];
  const marks = ids === undefined ? new Uint8Array(table.rows) : rowsWithPart(ids, part);
  if (people !== undefined) {
    const has = people.words.map((word) => word.toLowerCase().includes(part));
    for (let i = 0; i < marks.length; i++) if (has[people.codes[i]!]) marks[i] = 1;
  }
  return marked(marks);
}
