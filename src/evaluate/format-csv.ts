// A table of figures as CSV text, for spreadsheets; the numbers in it are unrounded where their maker leaves them so.
import { csvText } from "../formats/csv.ts";

/**
 * A small table as CSV.
 *
 * @example tableCsv(["group", "accuracy"], [["20-29", "0.93"]])
 */
export function tableCsv(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return csvText(columns, rows);
}
