// Parquet tables of plain typed columns, over hyparquet and hyparquet-writer: predictions and ledgers.
// Source: the Apache Parquet format through these libraries; written with Snappy, read with any codec (parquet-codecs.ts).
// Invariants: one schema describes both sides; the same table gives the same bytes; no value changes its type.
// Files of ours carry a seal, a SHA-256 of themselves in the key-value metadata: hyparquet may loop without end on
// damaged pages (seen in 1.31.5), so that damage must be found before it starts.
import { type FileMetaData, parquetMetadata, parquetRead } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { type AppError, unexpected } from "../core/errors.ts";
import { readBytes, sha256, writeAtomic } from "../core/files.ts";
import { explained } from "../core/sniff-file.ts";
import { CODECS, checkCodecs } from "./parquet-codecs.ts";
import {
  type Cell,
  checkSchema,
  checkValues,
  columnError,
  convertValue,
  type ParquetSchema,
  type ParquetTable,
  type ParquetType,
  schemaElements,
} from "./parquet-types.ts";

export type { Cell, ParquetSchema, ParquetTable, ParquetType };

const SEAL_KEY = "facehand.sha256";
const SEAL_CHARS = 64;
const OPEN_SEAL = "0".repeat(SEAL_CHARS);
/**
 * Writes a table, atomically.
 *
 * @throws AppError("internal", "PARQUET_WRITE") for a value of another type or a column of another length
 * @example await writeParquet("p.parquet", { id: "string", logit: "double" }, { id: ["a"], logit: [0.3] })
 */
export async function writeParquet<S extends ParquetSchema>(
  path: string,
  schema: S,
  table: ParquetTable<S>,
): Promise<void> {
  await writeAtomic(path, encodeParquet(schema, table));
}

/** The bytes that writeParquet would write. */
export function encodeParquet<S extends ParquetSchema>(schema: S, table: ParquetTable<S>): Uint8Array {
  const bytes = parquetWriteBuffer({ columnData: columnsOf(schema, table), ...fileOptions(schema) });
  return seal(new Uint8Array(bytes));
}

/** A table as columns to write, each value of its type. */
export function columnsOf<S extends ParquetSchema>(schema: S, table: ParquetTable<S>) {
  const names = Object.keys(schema);
  const rows = table[names[0] ?? ""]?.length ?? 0;
  return names.map((name) => {
    const data = checkColumn(name, schema[name]!, table[name]!, rows);
    // A dictionary would make one value of 0 and -0.
    return { name, data, ...(schema[name]!.startsWith("double") ? { encoding: "PLAIN" as const } : {}) };
  });
}

/** What a file of ours says of itself, with a seal to be filled. */
export function fileOptions(schema: ParquetSchema) {
  const elements = schemaElements(schema);
  return {
    schema: [{ name: "root", num_children: elements.length }, ...elements],
    createdBy: "facehand",
    kvMetadata: [{ key: SEAL_KEY, value: OPEN_SEAL }],
  };
}

/** Fills the seal in place. */
function seal(bytes: Uint8Array): Uint8Array {
  const at = findSeal(bytes)!;
  new TextEncoder().encodeInto(sha256(bytes), bytes.subarray(at));
  return bytes;
}

/** Offset of the seal's characters in a file or its end: after the key stand a field header and a length, one byte each. */
export function findSeal(bytes: Uint8Array): number | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const key = buffer.lastIndexOf(SEAL_KEY);
  const at = key + SEAL_KEY.length + 2;
  return key < 0 || at + SEAL_CHARS > bytes.byteLength ? undefined : at;
}

function checkSeal(bytes: Uint8Array, path: string): void {
  const at = findSeal(bytes);
  if (at === undefined) return; // written by another program
  const found = Uint8Array.from(bytes.subarray(at, at + SEAL_CHARS)); // Buffer.slice would not copy
  bytes.fill("0".charCodeAt(0), at, at + SEAL_CHARS);
  const expected = sha256(bytes);
  bytes.set(found, at);
  if (new TextDecoder().decode(found) !== expected) {
    throw damaged(path, "contents as its seal says", "other contents");
  }
}

function checkColumn(name: string, type: ParquetType, values: readonly unknown[], rows: number): unknown[] {
  const code = "PARQUET_WRITE";
  if (values.length !== rows) {
    throw unexpected("internal", {
      code,
      expected: `${rows} rows`,
      name: `column ${name}`,
      got: values.length,
    });
  }
  checkValues(values, type, (row, got) => {
    throw unexpected("internal", { code, expected: type, name: `row ${row} of column ${name}`, got });
  });
  return values as unknown[];
}

/**
 * Reads columns of a table; the file's other columns are not read.
 *
 * @param more - type of a further column to read where the file has it, in the file's order
 * @throws AppError("data", "FILE_MISSING" | "PARQUET_COLUMN" | "PARQUET_CODEC" | "PARQUET_DAMAGED")
 * @example const { id, logit } = await readParquet("p.parquet", { id: "string", logit: "double" })
 */
export async function readParquet<S extends ParquetSchema>(
  path: string,
  schema: S,
  more: (column: string) => ParquetType | undefined = () => undefined,
): Promise<ParquetTable<S> & Readonly<Record<string, readonly unknown[]>>> {
  return await explained(path, ["parquet"], "a Parquet file", () => readTable(path, schema, more));
}

async function readTable<S extends ParquetSchema>(
  path: string,
  schema: S,
  more: (column: string) => ParquetType | undefined,
): Promise<ParquetTable<S> & Readonly<Record<string, readonly unknown[]>>> {
  const bytes = await readBytes(path, "a Parquet file");
  checkSeal(bytes, path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const metadata = await guard(path, async () => parquetMetadata(file));
  const wanted = { ...schema, ...furtherColumns(metadata, schema, more) };
  checkSchema(metadata, wanted, path);
  checkCodecs(metadata, path);
  const columns = Object.keys(wanted);
  const table: Record<string, unknown[]> = Object.fromEntries(columns.map((name) => [name, []]));
  await guard(path, () =>
    parquetRead({
      file,
      metadata,
      columns,
      compressors: CODECS,
      onChunk: ({ columnName, columnData, rowStart }) => {
        const out = table[columnName]!;
        for (let i = 0; i < columnData.length; i++)
          out[rowStart + i] = convertValue(columnData[i] ?? null, wanted[columnName]!);
      },
    }),
  );
  for (const [name, values] of Object.entries(table)) {
    if (BigInt(values.length) !== metadata.num_rows) {
      throw damaged(path, `${metadata.num_rows} rows in column ${name}`, values.length);
    }
    checkValues(values, wanted[name]!, (row, got) => {
      throw columnError(path, wanted[name]!, `row ${row} of column ${name}`, got);
    });
  }
  return table as unknown as ParquetTable<S> & Record<string, unknown[]>;
}

function furtherColumns(
  metadata: FileMetaData,
  schema: ParquetSchema,
  more: (column: string) => ParquetType | undefined,
): ParquetSchema {
  const further = metadata.schema.slice(1).flatMap(({ name }) => {
    const type = name in schema ? undefined : more(name);
    return type === undefined ? [] : [[name, type] as const];
  });
  return Object.fromEntries(further);
}

/** Any error of the library means that the bytes are not a table it can read. */
async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw damaged(path, "a complete Parquet file", cause);
  }
}

function damaged(path: string, expected: string, got: unknown): AppError {
  const hint = "make or fetch the file again; it may be cut off";
  return unexpected("data", { code: "PARQUET_DAMAGED", expected, name: path, got, hint, cause: got });
}
