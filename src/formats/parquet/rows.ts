// Parquet files that are too large for memory: written and read a group of rows at a time.
// Source: hyparquet; the layout of picture columns is Hugging Face's, a struct of bytes and path.
// Invariants: memory is bounded by one group; the same rows give the same bytes. Files are not sealed (see parquet.ts):
// their readers check their SHA-256 first, and they are decoded in a process of their own (apart.ts).
import type { SchemaElement } from "hyparquet";
import { unexpected } from "../../core/errors.ts";
import { openAtomic } from "../../machine/files.ts";
import { openRanges, type RangeReader } from "../../machine/ranges.ts";
import { explained } from "../../machine/sniff-file.ts";
import { APART } from "./apart.ts";
import { damagedParquet, openParquetFile, type ParquetSource } from "./file.ts";
import { openEncoder, openRows, type ParquetRows, type RowFile } from "./write.ts";

/** A picture as Hugging Face's Image feature stores it. */
export interface ParquetImage {
  readonly bytes: Uint8Array;
  /** File name. */
  readonly path: string;
}
export type RowValue = string | ParquetImage;
/** `string`, or `image` for a struct of bytes and path. */
export type RowSchema = Readonly<Record<string, "string" | "image">>;
export type ParquetRow = Readonly<Record<string, RowValue>>;

/** Rows of one group: what Hugging Face's own writer takes for pictures. */
const GROUP_ROWS = 100;

/**
 * Opens a file for rows; it appears at `close`.
 *
 * @param to - a path, or a file that is open
 * @param metadata - key-value metadata of the file
 * @example const file = await openRowWriter("a.parquet", { id: "string", hand: "image" }, {})
 */
export async function openRowWriter(
  to: string | RowFile,
  schema: RowSchema,
  metadata: Readonly<Record<string, string>>,
): Promise<ParquetRows<ParquetRow>> {
  const width = Object.keys(schema).length;
  const encoder = await openEncoder({ elements: elementsOf(schema), width, statistics: false, metadata });
  const columns = (rows: readonly ParquetRow[]) =>
    Object.entries(schema).map(([name, type]) => ({
      name,
      data: rows.map((row) => row[name]),
      ...(type === "image" ? ({ codec: "UNCOMPRESSED", encoding: "PLAIN" } as const) : {}),
    }));
  const file = typeof to === "string" ? await openAtomic(to) : to;
  return openRows(file, encoder, { columns, groups: [GROUP_ROWS, GROUP_ROWS] });
}

function elementsOf(schema: RowSchema): SchemaElement[] {
  const text = { type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" } as const;
  return Object.entries(schema).flatMap(([name, type]): SchemaElement[] =>
    type === "string"
      ? [{ name, ...text }]
      : [
          { name, num_children: 2, repetition_type: "OPTIONAL" },
          { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
          { name: "path", ...text },
        ],
  );
}

/**
 * The rows of a file in order, one group in memory at a time.
 *
 * @throws AppError("data", "FILE_MISSING" | "PARQUET_DAMAGED" | "PARQUET_CODEC" | "PARQUET_COLUMN")
 */
export async function* readRows<S extends RowSchema>(path: string, schema: S): AsyncGenerator<ParquetRow> {
  const explain = <T>(work: () => Promise<T>) => explained(path, ["parquet"], "a Parquet file", work);
  const file = await explain(async () => openParquetFile(await sourceOf(path), APART, path));
  const columns = Object.keys(schema);
  let row = 0;
  for (const [index, { num_rows: count }] of file.metadata.row_groups.entries()) {
    const rows = (await explain(() => file.group(index, columns, true))) as Record<string, unknown>[];
    if (BigInt(rows.length) !== count) throw damagedParquet(path, `${count} rows in a group`, rows.length);
    for (const one of rows) yield checkRow(one, schema, `${path}, row ${++row}`);
  }
}

/**
 * The number of rows that a file states.
 *
 * @throws AppError("data", "FILE_MISSING" | "PARQUET_DAMAGED")
 */
export async function countRows(path: string): Promise<number> {
  const open = async () => openParquetFile(await sourceOf(path), APART, path);
  const { metadata } = await explained(path, ["parquet"], "a Parquet file", open);
  return Number(metadata.num_rows);
}

/** A file that is open only while a part of it is read: its caller may stop at any row. */
async function sourceOf(path: string): Promise<ParquetSource> {
  const within = async <T>(work: (file: RangeReader) => Promise<T>) => {
    const file = await openRanges(path, "a Parquet file");
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  };
  const sizeBytes = await within(async (file) => file.sizeBytes);
  return { sizeBytes, read: (start, length) => within((file) => file.read(start, length)) };
}

function checkRow(row: Record<string, unknown>, schema: RowSchema, where: string): ParquetRow {
  for (const [name, type] of Object.entries(schema)) {
    const value = row[name];
    if (type === "string" ? typeof value === "string" : isImage(value)) continue;
    const expected = type === "string" ? "text" : "a picture with bytes and path";
    throw unexpected("data", {
      code: "PARQUET_COLUMN",
      expected,
      name: `column ${name}`,
      got: value === null || value === undefined ? undefined : typeof value,
      where,
    });
  }
  return row as ParquetRow;
}

function isImage(value: unknown): value is ParquetImage {
  if (typeof value !== "object" || value === null || !("bytes" in value) || !("path" in value)) return false;
  return value.bytes instanceof Uint8Array && typeof value.path === "string";
}
