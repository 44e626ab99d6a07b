// What hyparquet makes of a footer and of one group of rows. Runs in a process of its own for files that may be damaged on
// purpose (apart.ts), in place for files that are known to be whole.
// Invariant: an error inside of one of its callbacks is the call's own; pages unpack to no more than the group may.
import { type FileMetaData, parquetMetadata, parquetRead, parquetReadObjects } from "hyparquet";
import { codecsWithin } from "./codecs.ts";
import { checkFooter, checkPages, type Pages } from "./thrift.ts";

/** A group of rows, and where it is. */
export interface GroupOrder {
  /** Part of the file that holds the group's wanted columns. */
  readonly bytes: ArrayBuffer;
  /** Where it begins in the file. */
  readonly start: number;
  /** The file's, with this group alone. */
  readonly metadata: FileMetaData;
  readonly columns: readonly string[];
  /** Where the pages of each of them are in the file. */
  readonly pages: readonly Pages[];
  /** Whether rows are wanted in the place of columns, for structs. */
  readonly rows: boolean;
  /** What its pages may unpack to, in all. */
  readonly unpackedBytes: number;
}

/** Columns by name, or rows. */
export type Group = Record<string, unknown[]> | Record<string, unknown>[];

/** What the decoding process is asked for. */
export type ParquetTask = { readonly footer: ArrayBuffer } | { readonly group: GroupOrder };
/** What it answers: the value, or why there is none. It begins with a word of its own. */
export type ParquetAnswer = { readonly ok: FileMetaData | Group | "ready" } | { readonly error: string };

/** @param footer - the end of a file from its footer on */
export function decodeFooter(footer: ArrayBuffer): FileMetaData {
  checkFooter(new Uint8Array(footer));
  return parquetMetadata(footer, { geoparquet: false });
}

/** Columns in plain arrays, with null for what is missing; or rows as objects. */
export async function decodeGroup(order: GroupOrder): Promise<Group> {
  const { bytes, start, metadata, columns } = order;
  for (const pages of order.pages) {
    checkPages(new Uint8Array(bytes), { ...pages, start: pages.start - start, end: pages.end - start });
  }
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
