// Why bytes are not the text of a table with commas: causes that the first bytes or the header show, each with what to do.
// Invariant: nothing is guessed: a table of another encoding or separator is refused with its cause, never read wrongly.
import { type AppError, unexpected } from "../core/errors.ts";
import { type Cause, HEAD_BYTES, otherThan } from "../core/sniff.ts";

const AS_UTF8 = "save the table again as UTF-8";

const SEPARATORS: readonly (readonly [string, string])[] = [
  [";", "semicolons"],
  ["\t", "tabs"],
  ["|", "vertical bars"],
];

/** Refuses files that their first bytes show to be no text in UTF-8, or text that stands in for a table. */
export function checkFirstBytes(head: Uint8Array, path: string): void {
  const found = otherThan(head.subarray(0, HEAD_BYTES), ["text"]);
  if (found !== undefined) throw encodingError(path, found);
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

/**
 * Refuses a header with a word that every object has already: rows become objects, and there it would not be a column.
 *
 * @throws AppError("data", "CSV_COLUMNS")
 * @example checkReserved(["id", "__proto__"], "a.csv:1") // throws
 */
export function checkReserved(header: readonly string[], where: string): void {
  const found = header.find((column) => column.trim() in Object.prototype || column.trim() === "prototype");
  if (found === undefined) return;
  const e = { code: "CSV_COLUMNS", expected: "another name", name: "a column", got: found, where };
  throw unexpected("data", {
    ...e,
    hint: "rename the column: programs have a meaning of their own for this word",
  });
}
