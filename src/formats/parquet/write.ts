// Writes Parquet, over hyparquet-writer: tables in memory, tables a row at a time, and rows with pictures (rows.ts).
// Invariants: a file appears when it is complete; of what comes a row at a time, memory holds one group; the same rows give
// the same bytes, and up to 1,000 of them the same by writeParquet and openParquet. Tables carry a seal, a SHA-256 of
// themselves in the key-value metadata (parquet.ts).
import { createHash } from "node:crypto";
import type { SchemaElement } from "hyparquet";
import type { ByteWriter, ColumnSource, ParquetWriter } from "hyparquet-writer";
import { unexpected } from "../../core/errors.ts";
import { type AtomicFile, openAtomic, writeAtomic } from "../../machine/files.ts";
import { library } from "./library.ts";
import {
  type Cell,
  checkValues,
  type ParquetSchema,
  type ParquetTable,
  type ParquetType,
  schemaElements,
} from "./types.ts";

const SEAL_KEY = "facehand.sha256";
export const SEAL_CHARS = 64;
/** Rows of the first group and of later ones: small tables are one small group. */
const TABLE_GROUPS = [1000, 100_000];
/** As many as are gathered before they are written. */
const STREAM_GROUPS = [1000, 20_000] as const;

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
  await writeAtomic(path, await encodeParquet(schema, table));
}

/** The bytes that writeParquet would write. */
export async function encodeParquet<S extends ParquetSchema>(
  schema: S,
  table: ParquetTable<S>,
): Promise<Uint8Array> {
  const encoder = await tableEncoder(schema);
  encoder.add(columnsOf(schema, table), TABLE_GROUPS);
  return encoder.end();
}

/** A file that is being written a row at a time; it appears at `close`. */
export interface ParquetRows<R> {
  /** Bytes in the file so far. */
  readonly sizeBytes: number;
  add(row: R): Promise<void>;
  close(): Promise<void>;
  /** Takes away what was written; nothing happens after `close`. */
  discard(): Promise<void>;
}

/** A row of a table. */
export type TableRow<S extends ParquetSchema> = { readonly [C in keyof S]: Cell<S[C]> };

/**
 * Opens a table for rows that come one at a time: memory holds one group of them. Sealed as writeParquet's files.
 *
 * @throws AppError("internal", "PARQUET_WRITE") for a value of another type
 * @example const table = await openParquet("p.parquet", { id: "string" }); await table.add({ id: "a" }); await table.close();
 */
export async function openParquet<S extends ParquetSchema>(
  path: string,
  schema: S,
): Promise<ParquetRows<TableRow<S>>> {
  const names = Object.keys(schema);
  const columns = (rows: readonly TableRow<S>[]) => {
    const table = Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]));
    return columnsOf(schema, table as unknown as ParquetTable<S>);
  };
  const encoder = await tableEncoder(schema);
  return openRows(await openAtomic(path), encoder, { columns, groups: STREAM_GROUPS });
}

/** How rows become groups. */
export interface Grouping<R> {
  readonly columns: (rows: readonly R[]) => ColumnSource[];
  /** Rows of the first group and of later ones. */
  readonly groups: readonly [number, number];
}

/** What rows are written into: an AtomicFile, or what stands for one. */
export interface RowFile extends Pick<AtomicFile, "commit" | "discard"> {
  write(data: Uint8Array): Promise<void>;
}

/** Takes a file for rows that are written a group at a time. */
export function openRows<R>(
  file: RowFile,
  encoder: ParquetEncoder,
  { columns, groups: [first, later] }: Grouping<R>,
): ParquetRows<R> {
  let group: R[] = [];
  let limit = first;
  const writeGroup = async () => {
    encoder.add(columns(group), group.length);
    [group, limit] = [[], later];
    await file.write(encoder.take());
  };
  return {
    get sizeBytes() {
      return encoder.sizeBytes;
    },
    async add(row) {
      if (group.push(row) === limit) await writeGroup();
    },
    async close() {
      if (group.length > 0) await writeGroup();
      await file.write(encoder.end());
      await file.commit();
    },
    discard: () => file.discard(),
  };
}

/** What a file states about itself. */
export interface FileFacts {
  readonly elements: readonly SchemaElement[];
  /** Columns of the top level. */
  readonly width: number;
  readonly statistics: boolean;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly sealed?: boolean | undefined;
}

/** Begins a file. */
export async function openEncoder(facts: FileFacts): Promise<ParquetEncoder> {
  return new ParquetEncoder(await library(() => import("hyparquet-writer")), facts);
}

/** The bytes of a file, group by group. */
export class ParquetEncoder {
  readonly #writer: ByteWriter;
  readonly #parquet: ParquetWriter;
  readonly #digest = createHash("sha256");
  readonly #sealed: boolean;

  constructor(from: typeof import("hyparquet-writer"), facts: FileFacts) {
    const { elements, width, statistics, metadata = {}, sealed = false } = facts;
    const entries = sealed ? { ...metadata, [SEAL_KEY]: "0".repeat(SEAL_CHARS) } : metadata;
    this.#sealed = sealed;
    this.#writer = new from.ByteWriter();
    this.#parquet = new from.ParquetWriter({
      writer: this.#writer,
      schema: [{ name: "root", num_children: width }, ...elements],
      statistics,
      createdBy: "facehand",
      kvMetadata: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
  }

  /** Bytes so far. */
  get sizeBytes(): number {
    return this.#writer.offset;
  }

  add(columnData: ColumnSource[], rowGroupSize: number | number[]): void {
    this.#parquet.write({ columnData, rowGroupSize });
  }

  /** What was not taken before; to be used before anything is added. */
  take(): Uint8Array {
    const bytes = this.#pending();
    if (this.#sealed) this.#digest.update(bytes);
    return bytes;
  }

  /** The rest, with the end of the file. */
  end(): Uint8Array {
    this.#parquet.finish();
    const bytes = this.#pending();
    if (this.#sealed) {
      const seal = this.#digest.update(bytes).digest("hex");
      new TextEncoder().encodeInto(seal, bytes.subarray(findSeal(bytes)!));
    }
    return bytes;
  }

  #pending(): Uint8Array {
    const bytes = this.#writer.getBytes();
    this.#writer.index = 0;
    return bytes;
  }
}

function tableEncoder(schema: ParquetSchema): Promise<ParquetEncoder> {
  const elements = schemaElements(schema);
  return openEncoder({ elements, width: elements.length, statistics: true, sealed: true });
}

/** Offset of the seal's characters in a file or its end: after the key stand a field header and a length, one byte each. */
export function findSeal(bytes: Uint8Array): number | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const key = buffer.lastIndexOf(SEAL_KEY);
  const at = key + SEAL_KEY.length + 2;
  return key < 0 || at + SEAL_CHARS > bytes.byteLength ? undefined : at;
}

/** A table as columns to write, each value of its type. */
function columnsOf<S extends ParquetSchema>(schema: S, table: ParquetTable<S>): ColumnSource[] {
  const names = Object.keys(schema);
  const rows = table[names[0] ?? ""]?.length ?? 0;
  return names.map((name) => {
    const data = checkColumn(name, schema[name]!, table[name]!, rows);
    // A dictionary would make one value of 0 and -0.
    return { name, data, ...(schema[name]!.startsWith("double") ? { encoding: "PLAIN" as const } : {}) };
  });
}

function checkColumn(name: string, type: ParquetType, values: readonly unknown[], rows: number): unknown[] {
  const code = "PARQUET_WRITE";
  if (values.length !== rows) {
    const e = { code, expected: `${rows} rows`, name: `column ${name}`, got: values.length };
    throw unexpected("internal", e);
  }
  checkValues(values, type, (row, got) => {
    throw unexpected("internal", { code, expected: type, name: `row ${row} of column ${name}`, got });
  });
  return values as unknown[];
}
