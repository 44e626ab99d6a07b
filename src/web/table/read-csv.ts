// ◇ Browser-safe. Columns of CSV files: a ledger as text, or the tables of pairs of a dataset without a ledger.
// Source: csv-parse's build for browsers. Invariants: a row that has another number of cells is refused with its place; rows are not kept.
import { parse } from "csv-parse/browser/esm/sync";
import { AppError } from "../../core/errors.ts";
import { parseSex } from "../../core/vocabulary.ts";
import { type Column, type Filling, fill } from "./column.ts";
import { isLedgerColumn, kindOf, PAIR_COLUMNS } from "./ledger.ts";

/** A file's text. */
export interface CsvText {
  readonly name: string;
  readonly text: string;
  /** The split that all of its rows are in; none in a ledger. */
  readonly split?: string | undefined;
}

/** All columns of some files, one below the other. */
export function readCsvTable(files: readonly CsvText[]): { rows: number; columns: Map<string, Column> } {
  const rows = files.reduce((sum, { text }) => sum + countLines(text), 0);
  const filling = new Map<string, Filling>();
  const columnFor = (name: string) => {
    const known = filling.get(name) ?? fill(kindOf(name), rows);
    filling.set(name, known);
    return known;
  };
  let row = 0;
  for (const file of files) row = readFile(file, row, columnFor);
  const columns = new Map(Array.from(filling, ([name, one]) => [name, cut(one.done(), row)]));
  return { rows: row, columns };
}

/** Reads one file from a row on; gives the row behind its last. */
function readFile(
  { name, text, split }: CsvText,
  from: number,
  columnFor: (name: string) => Filling,
): number {
  let row = from;
  let columns: readonly (Filling | undefined)[] | undefined;
  const gender: { at?: number } = {};
  const splits = split === undefined ? undefined : columnFor("split");
  const status = split === undefined ? undefined : columnFor("status");
  const take = (cells: readonly string[]) => {
    if (columns === undefined) {
      gender.at = split === undefined ? -1 : cells.indexOf("gender");
      columns = cells.map((cell) => {
        const own = split === undefined ? (isLedgerColumn(cell) ? cell : undefined) : PAIR_COLUMNS[cell];
        return own === undefined ? undefined : columnFor(own);
      });
      return null;
    }
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]!;
      columns[i]?.put(row, i === gender.at ? (parseSex(cell) ?? cell) : cell);
    }
    splits?.put(row, split);
    status?.put(row, "kept");
    row++;
    return null;
  };
  try {
    parse(text, { bom: true, skip_empty_lines: true, on_record: take as never });
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new AppError("data", "CSV_SYNTAX", `Expected a table as CSV in ${name}, got: ${got}`, {
      hint: "run `facehand data check` on the dataset",
      cause,
    });
  }
  return row;
}

/** At least as many as there are rows. */
function countLines(text: string): number {
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}

/** A column without the room that lines inside of cells made. */
function cut(column: Column, rows: number): Column {
  if (column.kind === "words") return { ...column, codes: column.codes.slice(0, rows) };
  if (column.kind === "numbers") return { ...column, values: column.values.slice(0, rows) };
  if (column.kind === "texts") return { ...column, ends: column.ends.slice(0, rows) };
  return { ...column, bits: column.bits.slice(0, 8 * rows) };
}
