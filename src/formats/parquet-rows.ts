// Parquet files that are too large for memory: written and read a group of rows at a time.
// Source: hyparquet and hyparquet-writer; the layout of picture columns is Hugging Face's, a struct of bytes and path.
// Invariants: memory is bounded by one group; the same rows give the same bytes. Files are not sealed (see parquet.ts):
// whoever reads them checks their SHA-256 first.
import { open } from "node:fs/promises";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, type SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { AppError, isNotFound, missingFile, unexpected } from "../core/errors.ts";
import { withCause } from "../core/sniff.ts";
import { causeIn } from "../core/sniff-file.ts";
import { CODECS, checkCodecs } from "./parquet-codecs.ts";

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
  const file = await open(path, "w");
  const writer = new ByteWriter();
  const flush = async () => {
    const bytes = new Uint8Array(writer.buffer, 0, writer.index);
    for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes.subarray(at))).bytesWritten;
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
      try {
        await writeGroup();
        await parquet.finish();
        await flush();
        await file.sync();
      } finally {
        await file.close();
      }
    },
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
  const file = await guard(path, () => asyncBufferFromFile(path));
  const metadata = await guard(path, () => parquetMetadataAsync(file));
  checkCodecs(metadata, path);
  const columns = Object.keys(schema);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const options = { file, metadata, columns, rowStart, rowEnd, utf8: false, compressors: CODECS };
    const rows = await guard(path, () => parquetReadObjects(options));
    for (const [index, row] of rows.entries())
      yield checkRow(row, schema, `${path}, row ${rowStart + index + 1}`);
    rowStart = rowEnd;
  }
}

/**
 * How many rows a file says that it has.
 *
 * @throws AppError("data", "FILE_MISSING" | "PARQUET_DAMAGED")
 */
export async function countRows(path: string): Promise<number> {
  const file = await guard(path, () => asyncBufferFromFile(path));
  const { row_groups: groups } = await guard(path, () => parquetMetadataAsync(file));
  return groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
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

async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isNotFound(cause)) throw missingFile(path, "a Parquet file");
    if (cause instanceof AppError) throw cause;
    const e = { code: "PARQUET_DAMAGED", expected: "a complete Parquet file", name: path, got: cause };
    const error = unexpected("data", {
      ...e,
      hint: "make or fetch the file again; it may be cut off",
      cause,
    });
    throw withCause(error, causeIn(path, ["parquet"]), "a Parquet file", path);
  }
}
