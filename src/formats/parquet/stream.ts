// Parquet tables (parquet.ts) that are too large for memory, written a row at a time.
// Invariants: memory is bounded by one group of rows; the same rows give the same bytes, and up to 1,000 of them the bytes
// of writeParquet; the file is sealed.
import { createHash } from "node:crypto";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { openAtomic } from "../../machine/files.ts";
import {
  type Cell,
  columnsOf,
  fileOptions,
  findSeal,
  type ParquetSchema,
  type ParquetTable,
} from "./parquet.ts";

/** Rows of the first group and of later ones: small tables are one small group, as parquetWriteBuffer makes them. */
const FIRST_GROUP = 1000;
const LATER_GROUPS = 20_000;

/** A table that is being written a row at a time; its file appears at `close`. */
export interface ParquetRows<S extends ParquetSchema> {
  add(row: { readonly [C in keyof S]: Cell<S[C]> }): Promise<void>;
  close(): Promise<void>;
  /** Takes away what was written; nothing happens after `close`. */
  discard(): Promise<void>;
}

/**
 * Opens a table for rows that come one at a time: memory holds one group of them. Sealed as writeParquet's files.
 *
 * @throws AppError("internal", "PARQUET_WRITE") for a value of another type
 * @example const table = await openParquet("p.parquet", { id: "string" }); await table.add({ id: "a" }); await table.close();
 */
export async function openParquet<S extends ParquetSchema>(path: string, schema: S): Promise<ParquetRows<S>> {
  const file = await openAtomic(path);
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({ writer, ...fileOptions(schema) });
  const names = Object.keys(schema);
  const digest = createHash("sha256");
  const empty = () => Object.fromEntries(names.map((name) => [name, [] as unknown[]]));
  let columns = empty();
  let [rows, limit] = [0, FIRST_GROUP];
  const taken = () => {
    const bytes = writer.getBytes();
    writer.index = 0;
    return bytes; // to be used before the writer is
  };
  const writeGroup = async () => {
    const columnData = columnsOf(schema, columns as unknown as ParquetTable<S>);
    parquet.write({ columnData, rowGroupSize: Math.max(1, rows) });
    [columns, rows, limit] = [empty(), 0, LATER_GROUPS];
    const bytes = taken();
    digest.update(bytes);
    await file.write(bytes);
  };
  return {
    async add(row) {
      for (const name of names) columns[name]!.push(row[name]);
      if (++rows === limit) await writeGroup();
    },
    async close() {
      if (rows > 0) await writeGroup();
      parquet.finish();
      const end = taken(); // holds the seal
      const at = findSeal(end)!;
      new TextEncoder().encodeInto(digest.update(end).digest("hex"), end.subarray(at));
      await file.write(end);
      await file.commit();
    },
    discard: () => file.discard(),
  };
}
