// Tables for people as CSV, for spreadsheets; the numbers in it are unrounded where their maker leaves them so. Data files, which
// programs read, are written by formats/csv and hold every value as it is.
// Source: OWASP, CSV injection. Invariant: no cell is a formula; a figure, negative or with its interval, stays as it is.
import { csvText } from "../formats/csv.ts";

/**
 * A small table as CSV.
 *
 * @example tableCsv(["group", "accuracy"], [["20-29", "0.93"]])
 */
export function tableCsv(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return csvText(
    columns.map(plainCell),
    rows.map((row) => row.map(plainCell)),
  );
}

/** What a spreadsheet takes for a formula, wide letters of East Asia among them. */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
/** `-`, `-0.021`, `-2e-5`, `-0.021 ± 0.003`, `-0.021 [-0.030, ?]`, each perhaps with a star. */
const FIGURE = /^[-+]?(?:\d[\d.,]*(?:e[-+]?\d+)?)?(?: ± [\d.]+)?(?: ?\[[-\d.,? ]+\])?\*?$/i;

/**
 * A cell that no spreadsheet calculates: an apostrophe stands before what would be a formula.
 *
 * @example plainCell("=HYPERLINK(0)") // "'=HYPERLINK(0)"
 */
export function plainCell<V extends string | number>(value: V): V | string {
  return typeof value === "string" && FORMULA.test(value) && !FIGURE.test(value) ? `'${value}` : value;
}

/** The same of every cell of a row. */
export function plainRow<R extends Readonly<Record<string, string | number>>>(row: R) {
  const cells = Object.entries(row).map(([name, value]) => [name, plainCell(value)]);
  return Object.fromEntries(cells) as { readonly [K in keyof R]: string | number };
}
