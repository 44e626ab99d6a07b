// Reads Parquet tables of plain typed columns, over hyparquet: predictions and ledgers (write.ts writes them).
// Source: the Apache Parquet format through these libraries; written with Snappy, read with any codec (codecs.ts).
// Invariants: one schema describes both sides; the same table gives the same bytes; no value changes its type.
// Files of ours carry a seal, a SHA-256 of themselves in the key-value metadata, so that damage is found before a page is
// decoded; files of others are decoded in a process of their own (apart.ts).
import type { SchemaElement } from "hyparquet";
import { readBytes, sha256 } from "../../machine/files.ts";
import { explained } from "../../machine/sniff-file.ts";
import { APART, HERE } from "./apart.ts";
import { damagedParquet, guardParquet, openParquetFile, type ParquetFile } from "./file.ts";
import {
  type Cell,
  checkSchema,
  checkValues,
  columnError,
  convertValue,
  type ParquetSchema,
  type ParquetTable,
  type ParquetType,
  textualType,
  topColumns,
} from "./types.ts";
import { findSeal, SEAL_CHARS } from "./write.ts";

/** Type of a further column to read, by its name and what the file states about it. */
type More = (column: string, element: SchemaElement) => ParquetType | undefined;

export type { Cell, ParquetSchema, ParquetTable, ParquetType };

/** True for a whole file of ours, false for one of another program. */
function checkSeal(bytes: Uint8Array, path: string): boolean {
  const at = findSeal(bytes);
  if (at === undefined) return false;
  const found = Uint8Array.from(bytes.subarray(at, at + SEAL_CHARS)); // Buffer.slice would not copy
  bytes.fill("0".charCodeAt(0), at, at + SEAL_CHARS);
  const expected = sha256(bytes);
  bytes.set(found, at);
  if (new TextDecoder().decode(found) === expected) return true;
  throw damagedParquet(path, "contents that match its seal", "other contents");
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
  more: More = () => undefined,
): Promise<ParquetTable<S> & Readonly<Record<string, readonly unknown[]>>> {
  return await explained(path, ["parquet"], "a Parquet file", () => readTable(path, schema, more));
}

/**
 * Reads every column of a table as text, as a CSV file of it would have it: empty where there is no value.
 *
 * @throws AppError("data", "PARQUET_COLUMN") for a column that is no text, number or truth value, and as `readParquet`
 * @example (await readParquetTexts("theirs.parquet")).get("p") // ["0.93", "0.12"]
 */
export async function readParquetTexts(path: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const table = await readParquet(path, {}, (_column, element) => textualType(element, path));
  const text = (value: unknown) => (value === null ? "" : String(value));
  return new Map(Object.entries(table).map(([name, values]) => [name, values.map(text)]));
}

/**
 * Names of a table's columns, in its order.
 *
 * @throws as `readParquet`
 */
export async function parquetColumns(path: string): Promise<readonly string[]> {
  return await explained(path, ["parquet"], "a Parquet file", async () => {
    const { metadata } = await openTable(path);
    return await guardParquet(path, async () => [...topColumns(metadata.schema, path).keys()]);
  });
}

async function openTable(path: string): Promise<ParquetFile> {
  const bytes = await readBytes(path, "a Parquet file");
  const sealed = checkSeal(bytes, path);
  const source = {
    sizeBytes: bytes.byteLength,
    read: async (start: number, length: number) => Uint8Array.from(bytes.subarray(start, start + length)),
  };
  return await openParquetFile(source, sealed ? HERE : APART, path);
}

async function readTable<S extends ParquetSchema>(
  path: string,
  schema: S,
  more: More,
): Promise<ParquetTable<S> & Readonly<Record<string, readonly unknown[]>>> {
  const file = await openTable(path);
  const wanted = await guardParquet(path, async () => {
    const all = { ...schema, ...furtherColumns(topColumns(file.metadata.schema, path), schema, more) };
    checkSchema(file.metadata, all, path);
    return all;
  });
  return (await readColumns(file, wanted, path)) as ParquetTable<S> & Record<string, unknown[]>;
}

async function readColumns(file: ParquetFile, wanted: ParquetSchema, path: string) {
  const columns = Object.keys(wanted);
  const table = new Map<string, unknown[]>(columns.map((name) => [name, []]));
  for (const [index, { num_rows: rows }] of file.metadata.row_groups.entries()) {
    const group = (await file.group(index, columns, false)) as Record<string, unknown[]>;
    for (const [name, out] of table) {
      const values = group[name]!;
      if (BigInt(values.length) !== rows)
        throw damagedParquet(path, `${rows} rows in column ${name}`, values.length);
      for (const value of values) out.push(convertValue(value ?? null, wanted[name]!));
    }
  }
  for (const [name, values] of table) {
    checkValues(values, wanted[name]!, (row, got) => {
      throw columnError(path, wanted[name]!, `row ${row} of column ${name}`, got);
    });
  }
  return Object.fromEntries(table);
}

function furtherColumns(
  columns: ReadonlyMap<string, SchemaElement>,
  schema: ParquetSchema,
  more: More,
): ParquetSchema {
  const further = [...columns].flatMap(([name, element]) => {
    const type = name in schema ? undefined : more(name, element);
    return type === undefined ? [] : [[name, type] as const];
  });
  return Object.fromEntries(further);
}
