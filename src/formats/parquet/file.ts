// A Parquet file as its footer and its groups of rows, of which one at a time is decoded.
// Invariants: only bytes inside the file are read; what its counts claim is bounded by its size, before anything is decoded.
import type { FileMetaData, RowGroup } from "hyparquet";
import { AppError, isNotFound, missingFile, unexpected } from "../../core/errors.ts";
import type { Decoder } from "./apart.ts";
import { checkCodecs } from "./codec-names.ts";
import type { Group } from "./decode.ts";
import type { Pages } from "./thrift.ts";

/** Bytes of a file by position. */
export interface ParquetSource {
  readonly sizeBytes: number;
  read(start: number, length: number): Promise<Uint8Array>;
}

/** An opened file. */
export interface ParquetFile {
  readonly metadata: FileMetaData;
  /** Columns of a group, each of so many values; `rows` gives rows as objects. */
  group(index: number, columns: readonly string[], rows: boolean): Promise<Group>;
}

const MAGIC = 0x31524150;
const END_BYTES = 8;
/** Values of a file's wanted columns, and so many more for each of its bytes. */
const FREE_VALUES = 4_000_000;
const VALUES_PER_BYTE = 8;
/** Bytes that the pages of a group unpack to. */
const FREE_UNPACKED = 64 << 20;
const UNPACKED_PER_BYTE = 32;

/**
 * Opens a file by its footer.
 *
 * @throws AppError("data", "PARQUET_DAMAGED" | "PARQUET_CODEC")
 */
export async function openParquetFile(
  source: ParquetSource,
  decoder: Decoder,
  path: string,
): Promise<ParquetFile> {
  const metadata = await guardParquet(path, async () => decoder.footer(await readFooter(source, path)));
  await guardParquet(path, async () => checkCounts(metadata, path));
  checkCodecs(metadata, path);
  let values = FREE_VALUES + VALUES_PER_BYTE * source.sizeBytes;
  return {
    metadata,
    group: (index, columns, rows) =>
      guardParquet(path, async () => {
        const group = metadata.row_groups[index]!;
        const { start, end, unpackedBytes, pages } = extentOf(group, columns, source.sizeBytes, path);
        const inPages = pages.reduce((sum, { values: count }) => sum + count, 0);
        values -= Math.max(Number(group.num_rows) * columns.length, inPages);
        if (!(values >= 0)) throw damagedParquet(path, "values in keeping with its size", "many more");
        const bytes = ownBuffer(await source.read(start, end - start));
        const alone = { ...metadata, row_groups: [group], num_rows: group.num_rows };
        return decoder.group({ bytes, start, metadata: alone, columns, pages, rows, unpackedBytes });
      }),
  };
}

async function readFooter(source: ParquetSource, path: string): Promise<ArrayBuffer> {
  const { sizeBytes } = source;
  if (sizeBytes < END_BYTES) throw damagedParquet(path, `at least ${END_BYTES} bytes`, sizeBytes);
  const end = new DataView(ownBuffer(await source.read(sizeBytes - END_BYTES, END_BYTES)));
  if (end.getUint32(4, true) !== MAGIC) throw damagedParquet(path, "PAR1 at its end", "other bytes");
  const length = end.getUint32(0, true) + END_BYTES;
  if (length > sizeBytes) throw damagedParquet(path, `a footer of at most ${sizeBytes} bytes`, length);
  return ownBuffer(await source.read(sizeBytes - length, length));
}

/** The same bytes, alone in their memory, to be handed over. */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  return (whole ? bytes : new Uint8Array(bytes)).buffer as ArrayBuffer;
}

/** Counts are 64 bits of any value: those that are used have to be numbers of rows, and to agree. */
function checkCounts({ num_rows: all, row_groups: groups }: FileMetaData, path: string): void {
  let sum = 0n;
  for (const { num_rows: rows } of groups) {
    if (typeof rows !== "bigint" || rows < 0n) throw damagedParquet(path, "a number of rows", String(rows));
    sum += rows;
  }
  if (sum !== all) throw damagedParquet(path, `${sum} rows, as its groups have`, String(all));
}

/** Where a group's wanted columns lie, and what their pages may unpack to. */
function extentOf(group: RowGroup, columns: readonly string[], fileBytes: number, path: string) {
  const metas = group.columns.map(({ meta_data: meta }) => meta!);
  const wanted = metas.filter(({ path_in_schema: [name] }) => columns.includes(name!));
  let [start, end, declared] = [fileBytes, 0, 0];
  const pages: Pages[] = [];
  for (const meta of wanted) {
    const first = Number(meta.dictionary_page_offset || meta.data_page_offset);
    const last = first + Number(meta.total_compressed_size);
    if (!(first >= 0 && last >= first && last <= fileBytes)) {
      throw damagedParquet(path, `pages within ${fileBytes} bytes`, `${first} to ${last}`);
    }
    [start, end] = [Math.min(start, first), Math.max(end, last)];
    pages.push({ start: first, end: last, values: Math.max(0, Number(meta.num_values)) });
    declared += Math.max(0, Number(meta.total_uncompressed_size));
  }
  if (start > end) start = end;
  const limit = FREE_UNPACKED + UNPACKED_PER_BYTE * (end - start);
  // A margin: page headers are not counted by all writers.
  return { start, end, pages, unpackedBytes: Math.min(limit, 2 * declared + (1 << 20)) };
}

/** Any error of the library means that the bytes are not a table that it can read. */
export async function guardParquet<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof AppError && cause.kind !== "internal") throw cause;
    if (isNotFound(cause)) throw missingFile(path, "a Parquet file");
    throw damagedParquet(path, "a complete Parquet file", cause);
  }
}

/** Bytes that are no whole Parquet file. */
export function damagedParquet(path: string, expected: string, got: unknown): AppError {
  const hint = "make or fetch the file again; it may be cut off";
  return unexpected("data", { code: "PARQUET_DAMAGED", expected, name: path, got, hint, cause: got });
}
