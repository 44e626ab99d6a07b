// Reads the three tables leniently: what can be understood is read, and everything that is wrong is a finding.
// Source of the columns: UnifiedGenderNet's CSVs. Both `data check` and `data repair` start from here.
// Invariant: `cells` are what a repair would write; nothing on disk is changed.

import { open } from "node:fs/promises";
import { basename, extname } from "node:path";
import { AppError } from "../../core/errors.ts";
import { nameTrouble } from "../../core/file-names.ts";
import { nameFault } from "../../core/spelling.ts";
import { visible } from "../../core/visible.ts";
import { faultOf, parseSex } from "../../core/vocabulary.ts";
import { COLUMNS, SPLITS, type Split } from "../../core/words.ts";
import { readRecords } from "../../formats/csv.ts";
import type { Layout } from "../layout.ts";
import { readCell } from "../pair-cells.ts";
import { FILLED } from "../store.ts";
import { type Finding, type FindingCode, finding, type Place } from "./findings.ts";

/** A column of a dataset's tables. */
export type Column = (typeof COLUMNS)[number];
/** A row's cells by column. */
export type Cells = Readonly<Record<Column, string>>;

/** One row as it would be after repair. */
export interface ScannedRow {
  readonly split: Split;
  /** `train.csv`, and the line in it. */
  readonly place: Required<Place>;
  readonly cells: Cells;
  /** True if the very same row stands before it in its table. */
  readonly repeated: boolean;
}

export interface TableScan {
  readonly rows: readonly ScannedRow[];
  readonly findings: readonly Finding[];
  /** Tables that a repair has to write anew, apart from rows that it takes out. */
  readonly untidy: ReadonlySet<Split>;
  /** Tables whose header could not be understood; they have no rows here and are left alone. */
  readonly unread: ReadonlySet<Split>;
}

/**
 * Scans train.csv, val.csv and test.csv.
 *
 * @throws AppError only for files that cannot be opened; faults of their contents are findings
 */
export async function scanTables(layout: Layout): Promise<TableScan> {
  const findings: Finding[] = [];
  const rows: ScannedRow[] = [];
  const untidy = new Set<Split>();
  const unread = new Set<Split>();
  for (const split of SPLITS) {
    const table = await scanTable(layout.csv[split], split);
    rows.push(...table.rows);
    findings.push(...table.findings);
    if (table.unread) unread.add(split);
    else if (table.untidy) untidy.add(split);
  }
  return { rows, findings, untidy, unread };
}

interface ScannedTable {
  readonly rows: ScannedRow[];
  readonly findings: Finding[];
  untidy: boolean;
  unread: boolean;
}

async function scanTable(path: string, split: Split): Promise<ScannedTable> {
  const file = basename(path);
  const out: ScannedTable = { rows: [], findings: [], untidy: false, unread: false };
  if (await hasByteOrderMark(path)) {
    const e = { expected: "plain UTF-8", name: "the table's first bytes", got: "a byte order mark" };
    out.findings.push(finding("TABLE_BOM", { file, row: 1 }, e, { before: "EF BB BF", after: "" }));
    out.untidy = true;
  }
  let columns: readonly (Column | undefined)[] | undefined;
  const seen = new Set<string>();
  try {
    for await (const { record, row } of readRecords(path)) {
      if (columns !== undefined) scanRow(out, { record, row, columns, split, file, seen });
      else {
        columns = scanHeader(out, record, file);
        if (out.unread) return out;
      }
    }
  } catch (error) {
    if (!(error instanceof AppError) || !error.code.startsWith("CSV_")) throw error;
    unreadable(out, file, wordsOf(error, path, file));
    return out;
  }
  if (columns === undefined) unreadable(out, file, `no header with ${COLUMNS.join(", ")}`);
  return out;
}

function unreadable(out: ScannedTable, file: string, got: string): void {
  const row = /\(\S+:(\d+)\)/.exec(got)?.[1];
  out.findings.push({
    // Not in the wording of `unexpected`, which would shorten the reader's own to the half.
    ...finding(
      "TABLE_UNREADABLE",
      { file },
      { expected: "a complete CSV table", name: file, got: undefined },
    ),
    message: visible(`Expected a complete CSV table for ${file}, got: ${got}`),
    row: row === undefined ? undefined : Number(row),
  });
  out.rows.length = 0;
  out.unread = true;
}

/** The reader's message, with its place as findings name it, and its hint: both name the cause. */
function wordsOf({ message, hint }: AppError, path: string, file: string): string {
  return message.replaceAll(visible(path), visible(file)) + (hint === undefined ? "" : `; try: ${hint}`);
}

async function hasByteOrderMark(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(3), 0, 3, 0);
    return buffer.equals(Buffer.from([0xef, 0xbb, 0xbf]));
  } finally {
    await file.close();
  }
}

/** The column that each cell belongs to. */
function scanHeader(out: ScannedTable, header: readonly string[], file: string) {
  const place = { file, row: 1 };
  const tidy = header.map((name) => name.trim().toLowerCase().replace(/\s+/g, "_"));
  const columns = tidy.map((name) => COLUMNS.find((column) => column === name));
  for (const [index, name] of header.entries()) {
    const column = columns[index];
    if (column === undefined || tidy.indexOf(column) !== index) {
      const e = { expected: `only ${COLUMNS.join(", ")}, each once`, name: "a column", got: name };
      out.findings.push(finding("COLUMN_UNKNOWN", place, e));
      out.unread = true;
    } else if (column !== name) {
      const e = { expected: column, name: "the column's name", got: name };
      out.findings.push(finding("COLUMN_NAME", place, e, { before: name, after: column }));
      out.untidy = true;
    }
  }
  for (const column of COLUMNS) {
    if (columns.includes(column)) continue;
    const e = { expected: `column ${column}`, name: "the header", got: header.join(",") };
    out.findings.push(finding("COLUMN_MISSING", place, e));
    out.unread = true;
  }
  return columns;
}

interface RawRow {
  readonly record: readonly string[];
  readonly row: number;
  readonly columns: readonly (Column | undefined)[];
  readonly split: Split;
  readonly file: string;
  readonly seen: Set<string>;
}

function scanRow(out: ScannedTable, { record, row, columns, split, file, seen }: RawRow): void {
  const place = { file, row };
  const cells = {} as Record<Column, string>;
  for (const [index, column] of columns.entries()) {
    if (column === undefined) continue;
    const { value, found } = mendCell(column, record[index]!, place);
    cells[column] = value;
    if (value !== record[index]) out.untidy = true;
    out.findings.push(...found, ...cellFindings(column, value, place));
  }
  if (stemOf(cells.hand_image_name) !== stemOf(cells.face_image_name)) {
    const e = { expected: `F_${stemOf(cells.hand_image_name)}`, name: "the face of the pair" };
    out.findings.push(finding("PAIR_MISMATCH", place, { ...e, got: cells.face_image_name }));
  }
  const whole = JSON.stringify(COLUMNS.map((column) => cells[column]));
  const repeated = seen.has(whole);
  if (repeated) {
    const e = { expected: "each row once", name: `${file}'s rows`, got: cells.id };
    out.findings.push(finding("ROW_DUPLICATE", place, e));
  }
  seen.add(whole);
  out.rows.push({ split, place, cells, repeated });
}

/** What is mended without a decision: blanks, the case of labels and of hexadecimal ids, folders before a file name. */
function mendCell(column: Column, text: string, place: Place): { value: string; found: Finding[] } {
  const found: Finding[] = [];
  const name = `column ${column}`;
  let value = text;
  const mend = (code: FindingCode, expected: string, after: string) => {
    if (after === value) return;
    found.push(finding(code, place, { expected, name, got: value }, { before: value, after }));
    value = after;
  };
  mend("FIELD_BLANKS", "no blanks around the value", text.trim());
  const sex = column === "gender" ? parseSex(value) : undefined;
  if (sex !== undefined) {
    const tidy = sex === "male" ? "Male" : "Female";
    mend("GENDER_CASE", tidy, tidy);
  }
  const reading = readCell(column, value);
  if (reading !== undefined && "value" in reading) {
    mend(column === "user_id" ? "SUBJECT_CASE" : "LABEL_CASE", reading.value, reading.value);
  }
  if (isImageColumn(column)) {
    const bare = value.split(/[\\/]/).at(-1)!;
    if (bare !== "") mend("IMAGE_FOLDER", "a file name without folders", bare);
  }
  return { value, found };
}

const isImageColumn = (column: Column) => column === "hand_image_name" || column === "face_image_name";
/** Columns whose texts are compared or counted as they stand. */
const isWord = (column: Column) => column !== "gender" && !isImageColumn(column);

function cellFindings(column: Column, value: string, place: Place): Finding[] {
  const name = `column ${column}`;
  if (FILLED.includes(column) && value === "") {
    return [finding("FIELD_EMPTY", place, { expected: "a value", name, got: value })];
  }
  if (column === "gender" && parseSex(value) === undefined) {
    return [finding("GENDER_VALUE", place, { expected: "Male or Female", name, got: value })];
  }
  const reading = readCell(column, value);
  const fault = reading === undefined ? nameFault(value) : faultOf(reading);
  if (fault !== undefined && isWord(column)) {
    const expected = `${fault.expected} (${fault.hint})`;
    return [finding(fault.code, place, { expected, name, got: value })];
  }
  if (isImageColumn(column) && !isImageName(column, value)) {
    const prefix = column === "hand_image_name" ? "H_" : "F_";
    const expected = `a file name ${prefix}<id>.jpg without folders`;
    return [finding("IMAGE_NAME", place, { expected, name, got: value })];
  }
  return [];
}

/** True for `H_<id>.jpg` and `F_<id>.jpg` (or .jpeg, .png) that every system takes as they are. */
export function isImageName(column: Column, value: string): boolean {
  const prefix = column === "hand_image_name" ? "H_" : "F_";
  return value.startsWith(prefix) && /^.{3,}\.(jpe?g|png)$/i.test(value) && nameTrouble(value) === undefined;
}

/** `H_<id>.jpg` as `<id>`. */
export function stemOf(image: string): string {
  return image.slice(2, image.length - extname(image).length);
}
