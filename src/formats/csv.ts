// CSV tables with a header, over csv-parse and csv-stringify: strict about columns, streamed both ways.
// Source: RFC 4180; both line ends, a byte order mark and quoted fields are read, "\n" is written.
// Invariants: every row has the header's width; text is UTF-8; a row's number is its line in the file.
import { createReadStream } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { CsvError, type Info, parse } from "csv-parse";
import { stringify } from "csv-stringify/sync";
import { AppError, isNotFound, missingFile, show, unexpected } from "../core/errors.ts";
import { openAtomic, writeAtomic } from "../machine/files.ts";
import { causeIn } from "../machine/sniff-file.ts";
import { checkCells, checkFirstBytes, checkHeaderLine, checkReserved, otherEncoding } from "./csv-causes.ts";

/** An unclosed quote would otherwise take the rest of the file into memory as one field. */
const MAX_ROW_CHARS = 1 << 20;
const ROWS_PER_WRITE = 1000;

export interface CsvOptions<Optional extends string = never> {
  /** Columns that may be absent; their values are then absent too. */
  readonly optional?: readonly Optional[] | undefined;
  /** Lets other columns be there (they are not read). Default: they are refused. */
  readonly allowOthers?: boolean | undefined;
}

/** One row: its line in the file (the header is line 1, as in a spreadsheet) and its values by column. */
export interface CsvRow<Column extends string, Optional extends string = never> {
  readonly row: number;
  readonly values: Readonly<Record<Column, string> & Partial<Record<Optional, string>>>;
}

/**
 * Streams the rows of a CSV file. Empty lines are passed over; values are not trimmed.
 *
 * @param columns - columns that must be there, in any order
 * @throws AppError("data", "FILE_MISSING" | "CSV_EMPTY" | "CSV_COLUMNS" | "CSV_ROW" | "CSV_ENCODING" | "CSV_SEPARATOR")
 * @example for await (const { row, values } of readCsv("train.csv", ["id", "gender"])) console.log(values.id);
 */
export async function* readCsv<Column extends string, Optional extends string = never>(
  path: string,
  columns: readonly Column[],
  options: CsvOptions<Optional> = {},
): AsyncGenerator<CsvRow<Column, Optional>> {
  let wanted: Map<number, string> | undefined;
  for await (const { record, row } of readRecords(path)) {
    if (wanted === undefined) {
      wanted = checkHeader(record, columns, options, path);
      continue;
    }
    const values: Record<string, string> = {};
    for (const [index, column] of wanted) values[column] = record[index]!;
    yield { row, values: values as CsvRow<Column, Optional>["values"] };
  }
  if (wanted !== undefined) return;
  throw unexpected("data", {
    code: "CSV_EMPTY",
    expected: `a header with ${columns.join(", ")}`,
    name: path,
    got: undefined,
    ...causeIn(path, ["text"]),
  });
}

/**
 * The columns of a CSV file, in their order.
 *
 * @throws AppError("data", "FILE_MISSING" | "CSV_EMPTY" | "CSV_ROW" | "CSV_ENCODING" | "CSV_SEPARATOR")
 * @example await readCsvHeader("predictions.csv") // ["id", "y", "p"]
 */
export async function readCsvHeader(path: string): Promise<readonly string[]> {
  for await (const { record } of readRecords(path)) return record;
  const found = causeIn(path, ["text"]);
  throw unexpected("data", { code: "CSV_EMPTY", expected: "a header", name: path, got: undefined, ...found });
}

/**
 * The records of a CSV file as they are, the header among them: for tables whose columns are not yet trusted.
 *
 * @throws AppError("data", "FILE_MISSING" | "CSV_COLUMNS" | "CSV_ROW" | "CSV_ENCODING" | "CSV_SEPARATOR")
 */
export async function* readRecords(path: string): AsyncGenerator<{ record: string[]; row: number }> {
  const parser = parse({
    info: true,
    skip_empty_lines: true,
    record_delimiter: ["\r\n", "\n"],
    max_record_size: MAX_ROW_CHARS,
  });
  pipeline(Readable.from(decoded(path)), parser, () => undefined); // errors arrive at the loop below
  let excess = 0; // csv-parse counts a quoted "\r\n" as two lines
  let isHeader = true;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      const text = record.join("");
      const marks = text.match(/[\r\n]/g)?.length ?? 0;
      const row = info.lines - marks - excess;
      checkCells(record, `${path}:${row}`);
      if (isHeader) checkReserved(record, `${path}:${row}`);
      isHeader = false;
      yield { record, row };
      excess += text.match(/\r\n/g)?.length ?? 0;
    }
  } catch (error) {
    throw error instanceof CsvError ? rowError(error, path, excess) : error;
  }
}

async function* decoded(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true }); // drops a byte order mark
  let position = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      if (position === 0) checkFirstBytes(chunk as Uint8Array, path);
      const text = decoder.decode(chunk as Uint8Array, { stream: true });
      if (position === 0) checkHeaderLine(text.trimStart().split("\n", 1)[0]!, path);
      position += (chunk as Uint8Array).byteLength;
      if (text !== "") yield text;
    }
    decoder.decode();
  } catch (cause) {
    if (isNotFound(cause)) throw missingFile(path, "a CSV file");
    if (cause instanceof AppError) throw cause;
    if (!(cause instanceof TypeError)) {
      throw new AppError("data", "READ_FAILED", `Expected to read ${path}, got ${show(cause)}`, { cause });
    }
    throw otherEncoding(path, position, cause);
  }
}

function rowError(error: CsvError, path: string, excess: number): AppError {
  const lines = (error as CsvError & Partial<Info>).lines;
  return unexpected("data", {
    code: "CSV_ROW",
    expected: "a row as wide as the header, with closed quotes",
    name: path,
    got: error.message.replace(/(at|on) line \d+/, "here"),
    where: `${path}:${(lines ?? 0) - excess}`,
    cause: error,
  });
}

/** Index of each wanted column in the rows. */
function checkHeader<Column extends string, Optional extends string>(
  header: readonly string[],
  columns: readonly Column[],
  { optional = [], allowOthers = false }: CsvOptions<Optional>,
  path: string,
): Map<number, string> {
  const bad = (expected: string, hint: string) =>
    new AppError(
      "data",
      "CSV_COLUMNS",
      `Expected ${expected} in ${path}, got the columns ${header.join(", ")} (${path}:1)`,
      { hint },
    );
  const known = new Set<string>([...columns, ...optional]);
  const wanted = new Map<number, string>();
  for (const [index, column] of header.entries()) {
    if (known.has(column)) {
      if (header.indexOf(column) !== index) throw bad(`column ${column} once`, `remove one ${column}`);
      wanted.set(index, column);
    } else if (!allowOthers) {
      throw bad(`only ${[...known].join(", ")}`, `remove or rename the column ${show(column)}`);
    }
  }
  for (const column of columns) {
    if (header.includes(column)) continue;
    const near = header.find((found) => found.trim().toLowerCase() === column.toLowerCase());
    const hint = near === undefined ? `add the column ${column}` : `rename the column ${show(near)}`;
    throw bad(`column ${column}`, hint);
  }
  return wanted;
}

/**
 * Writes a CSV file atomically; rows are taken one by one, so a generator of millions is fine.
 *
 * @param columns - the header, in file order; other keys of a row are not written
 * @example await writeCsv("val.csv", ["id", "age"], [{ id: "a", age: "20-29" }]);
 */
export async function writeCsv<Column extends string>(
  path: string,
  columns: readonly Column[],
  rows:
    | Iterable<Readonly<Record<Column, string | number>>>
    | AsyncIterable<Readonly<Record<Column, string | number>>>,
): Promise<void> {
  await writeAtomic(path, encodeRows(columns, rows));
}

/** A table that is being written; its file appears at `close`. */
export interface CsvWriter<Column extends string> {
  add(row: Readonly<Record<Column, string | number>>): Promise<void>;
  close(): Promise<void>;
  /** Takes away what was written; nothing happens after `close`. */
  discard(): Promise<void>;
}

/**
 * Opens a CSV file for rows that come one at a time; the bytes are those of writeCsv.
 *
 * @example const table = await openCsv("a.csv", ["id"]); await table.add({ id: "x" }); await table.close();
 */
export async function openCsv<Column extends string>(
  path: string,
  columns: readonly Column[],
): Promise<CsvWriter<Column>> {
  const file = await openAtomic(path);
  let batch: string[][] = [[...columns]];
  return {
    async add(row) {
      batch.push(columns.map((column) => String(row[column])));
      if (batch.length < ROWS_PER_WRITE) return;
      await file.write(encodeBatch(batch));
      batch = [];
    },
    async close() {
      await file.write(encodeBatch(batch));
      await file.commit();
    },
    discard: () => file.discard(),
  };
}

async function* encodeRows<Column extends string>(
  columns: readonly Column[],
  rows:
    | Iterable<Readonly<Record<Column, string | number>>>
    | AsyncIterable<Readonly<Record<Column, string | number>>>,
): AsyncGenerator<Uint8Array> {
  let batch: string[][] = [[...columns]];
  for await (const row of rows) {
    batch.push(columns.map((column) => String(row[column])));
    if (batch.length < ROWS_PER_WRITE) continue;
    yield encodeBatch(batch);
    batch = [];
  }
  yield encodeBatch(batch);
}

/**
 * A small table as CSV text, in one piece.
 *
 * @example csvText(["a"], [["1"]]) // "a\n1\n"
 */
export function csvText(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return batchText([columns, ...rows]);
}

function encodeBatch(batch: readonly (readonly string[])[]): Uint8Array {
  return new TextEncoder().encode(batchText(batch));
}

function batchText(batch: readonly (readonly string[])[]): string {
  // "\r" is quoted because some readers take it for a line end; a lone empty field because its line would be empty.
  return stringify([...batch] as string[][], {
    record_delimiter: "\n",
    quoted_match: /\r/,
    quoted_empty: batch[0]?.length === 1,
  });
}
