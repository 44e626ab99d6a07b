// Parquet files that are too large for memory: written and read a group of rows at a time.
// Source: hyparquet and hyparquet-writer; the layout of picture columns is Hugging Face's, a struct of bytes and path.
// Invariants: memory is bounded by one group; the same rows give the same bytes. Files are not sealed (see parquet.ts):
// whoever reads them checks their SHA-256 first, and they are decoded in a process of their own (apart.ts).
import { open } from "node:fs/promises";
import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { unexpected } from "../../core/errors.ts";
import { writing } from "../../machine/files.ts";
import { openRanges, type RangeReader } from "../../machine/ranges.ts";
import { explained } from "../../machine/sniff-file.ts";
import { APART } from "./apart.ts";
import { damagedParquet, openParquetFile, type ParquetSource } from "./file.ts";

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

export interface RowWriter {
  /** Bytes in the file so far. */
  readonly sizeBytes: number;
  add(row: ParquetRow): Promise<void>;
  close(): Promise<void>;
  /** Lets go of a file that will not be completed; nothing happens after `close`. */
  discard(): Promise<void>;
}

/**
 * Opens a file for rows, over whatever is at `path`; close it, or the file is not complete.
 *
 * @param metadata - key-value metadata of the file
 * @example const file = await openRowWriter("a.parquet", { id: "string", hand: "image" }, {})
 */
export async function openRowWriter(
  path: string,
  schema: RowSchema,
  metadata: Readonly<Record<string, string>>,
): Promise<RowWriter> {
  const file = await writing(path, () => open(path, "w"));
  const writer = new ByteWriter();
  const flush = async () => {
    const bytes = new Uint8Array(writer.buffer, 0, writer.index);
    await writing(path, () => file.writeFile(bytes));
    writer.index = 0;
  };
  const parquet = new ParquetWriter({
    writer,
    schema: elementsOf(schema),
    statistics: false,
    createdBy: "facehand",
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  let group: ParquetRow[] = [];
  const writeGroup = async () => {
    if (group.length === 0) return;
    const columnData = Object.entries(schema).map(([name, type]) => ({
      name,
      data: group.map((row) => row[name]),
      ...(type === "image" ? ({ codec: "UNCOMPRESSED", encoding: "PLAIN" } as const) : {}),
    }));
    await parquet.write({ columnData, rowGroupSize: GROUP_ROWS });
    group = [];
    await flush();
  };
  return {
    get sizeBytes() {
      return writer.offset;
    },
    async add(row) {
      group.push(row);
      if (group.length === GROUP_ROWS) await writeGroup();
    },
    async close() {
      await writeGroup();
      await parquet.finish();
      await flush();
      await writing(path, async () => {
        await file.sync();
        await file.close();
      });
    },
    discard: () => file.close(), // a closed one once more is no fault
  };
}

function elementsOf(schema: RowSchema): SchemaElement[] {
  const text = { type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" } as const;
  const columns = Object.entries(schema).flatMap(([name, type]): SchemaElement[] =>
    type === "string"
      ? [{ name, ...text }]
      : [
          { name, num_children: 2, repetition_type: "OPTIONAL" },
          { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
          { name: "path", ...text },
        ],
  );
  return [{ name: "root", num_children: Object.keys(schema).length }, ...columns];
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
 * How many rows a file says that it has.
 *
 * @throws AppError("data", "FILE_MISSING" | "PARQUET_DAMAGED")
 */
export async function countRows(path: string): Promise<number> {
  const open = async () => openParquetFile(await sourceOf(path), APART, path);
  const { metadata } = await explained(path, ["parquet"], "a Parquet file", open);
  return Number(metadata.num_rows);
}

/** A file that is open only while a part of it is read: whoever takes rows may stop at any. */
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
