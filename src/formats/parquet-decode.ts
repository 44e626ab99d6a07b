// What hyparquet makes of a footer and of one group of rows. Runs in a thread of its own for files that may be damaged on
// purpose (parquet-apart.ts), in place for files that are known to be whole.
// Invariant: an error inside of one of its callbacks is the call's own; pages unpack to no more than the group may.
import { type FileMetaData, parquetMetadata, parquetRead, parquetReadObjects } from "hyparquet";
import { codecsWithin } from "./parquet-codecs.ts";

/** A group of rows, and where it is. */
export interface GroupOrder {
  /** Part of the file that holds the group's wanted columns. */
  readonly bytes: ArrayBuffer;
  /** Where it begins in the file. */
  readonly start: number;
  /** The file's, with this group alone. */
  readonly metadata: FileMetaData;
  readonly columns: readonly string[];
  /** Whether rows are wanted in the place of columns, for structs. */
  readonly rows: boolean;
  /** What its pages may unpack to, in all. */
  readonly unpackedBytes: number;
}

/** Columns by name, or rows. */
export type Group = Record<string, unknown[]> | Record<string, unknown>[];

/** Code of what the decoder throws in a thread, which goes on after it. */
export const DECODE = "PARQUET_DECODE";

/** What the thread is asked for; nothing, to hear that it runs. */
export type ParquetTask = { readonly footer: ArrayBuffer } | { readonly group: GroupOrder } | "ready";
export type ParquetAnswer = FileMetaData | Group | "ready";

/** @param footer - the end of a file from its footer on */
export function decodeFooter(footer: ArrayBuffer): FileMetaData {
  return parquetMetadata(footer, { geoparquet: false });
}

/** Columns in plain arrays, with null for what is missing; or rows as objects. */
export async function decodeGroup(order: GroupOrder): Promise<Group> {
  const { bytes, start, metadata, columns } = order;
  const file = {
    byteLength: start + bytes.byteLength,
    slice: (from: number, to?: number) => bytes.slice(from - start, (to ?? start + bytes.byteLength) - start),
  };
  const compressors = codecsWithin(order.unpackedBytes);
  const options = { file, metadata, columns: [...columns], compressors };
  if (order.rows) return parquetReadObjects({ ...options, utf8: false });
  const table = new Map<string, unknown[]>(columns.map((name) => [name, []]));
  const faults: unknown[] = [];
  const onChunk = ({ columnName, columnData, rowStart }: Chunk) => {
    const out = table.get(columnName)!;
    for (let i = 0; i < columnData.length; i++) out[rowStart + i] = columnData[i] ?? null;
  };
  await parquetRead({
    ...options,
    onChunk: (chunk) => {
      try {
        onChunk(chunk);
      } catch (error) {
        faults.push(error);
      }
    },
  });
  if (faults.length > 0) throw faults[0];
  return Object.fromEntries(table);
}

interface Chunk {
  readonly columnName: string;
  readonly columnData: ArrayLike<unknown>;
  readonly rowStart: number;
}
