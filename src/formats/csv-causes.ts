// Why bytes are not the text of a table with commas: causes that the first bytes or the header show, each with what to do.
// Invariant: nothing is guessed: a table of another encoding or separator is refused with its cause, never read wrongly.
import { type AppError, unexpected } from "../core/errors.ts";

interface Cause {
  readonly got: string;
  readonly hint: string;
}

const AS_UTF8 = "save the table again as UTF-8";

/** Files that are often named .csv, by their first bytes. */
const BEGINNINGS: readonly (readonly [readonly number[], Cause])[] = [
  [[0xff, 0xfe], { got: "UTF-16", hint: `${AS_UTF8}; "Unicode text" of spreadsheets is UTF-16` }],
  [[0xfe, 0xff], { got: "UTF-16", hint: `${AS_UTF8}; "Unicode text" of spreadsheets is UTF-16` }],
  [[0x50, 0x4b, 3, 4], { got: "a zip archive or a spreadsheet", hint: "unpack it, or save it as CSV" }],
  [[0xd0, 0xcf, 0x11, 0xe0], { got: "a spreadsheet", hint: "save it as CSV" }],
  [[0x1f, 0x8b], { got: "a gzip file", hint: "unpack it: gunzip FILE" }],
  [[0x28, 0xb5, 0x2f, 0xfd], { got: "a Zstandard file", hint: "unpack it: unzstd FILE" }],
  [[0x50, 0x41, 0x52, 0x31], { got: "a Parquet file", hint: "name it .parquet" }],
];

const SEPARATORS: readonly (readonly [string, string])[] = [
  [";", "semicolons"],
  ["\t", "tabs"],
  ["|", "vertical bars"],
];

/** Refuses files that their first bytes show to be no text in UTF-8. */
export function checkFirstBytes(head: Uint8Array, path: string): void {
  const found = BEGINNINGS.find(([bytes]) => bytes.every((byte, i) => head[i] === byte));
  if (found !== undefined) throw encodingError(path, found[1]);
}

/** For bytes that are no UTF-8. */
export function otherEncoding(path: string, position: number, cause: unknown): AppError {
  const got = `other bytes after byte ${position}`;
  return encodingError(path, { got, hint: `${AS_UTF8}; it may be Latin-1 or Windows-1252` }, cause);
}

function encodingError(path: string, { got, hint }: Cause, cause?: unknown): AppError {
  return unexpected("data", { code: "CSV_ENCODING", expected: "UTF-8 text", name: path, got, hint, cause });
}

/** Refuses a header that other separators or line ends, or another encoding, leave in one piece. */
export function checkHeaderLine(line: string, path: string): void {
  const where = `${path}:1`;
  if (line.includes("\0")) {
    const hint = `${AS_UTF8}; a NUL after every letter is UTF-16`;
    throw encodingError(path, { got: "NUL characters in the header", hint });
  }
  if (/\r[^\r]/.test(line)) {
    const got = "\\r alone";
    const e = { code: "CSV_ROW", expected: "lines that end with \\n or \\r\\n", name: path, got, where };
    throw unexpected("data", { ...e, hint: "save the table with the line ends of Unix or Windows" });
  }
  const declared = /^"?sep=/i.test(line);
  const other = line.includes(",") ? undefined : SEPARATORS.find(([mark]) => line.includes(mark));
  if (other === undefined && !declared) return;
  throw unexpected("data", {
    code: "CSV_SEPARATOR",
    expected: "columns between commas",
    name: path,
    got: declared ? line.trim() : `${other![1]}: ${line.trim()}`,
    where,
    hint: `${declared ? "remove this line, and " : ""}save the table with commas, and with points in its numbers`,
  });
}

/** Refuses characters that no table has on purpose. */
export function checkCells(record: readonly string[], where: string): void {
  const column = record.findIndex((cell) => cell.includes("\0"));
  if (column === -1) return;
  throw unexpected("data", {
    code: "CSV_ROW",
    expected: "text without NUL characters",
    name: `cell ${column + 1}`,
    got: record[column],
    where,
    hint: "write the table again: a NUL comes from a damaged or cut file",
  });
}
