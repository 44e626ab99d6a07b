// ◇ Browser-safe. Columns of a Parquet file, by ranges of its bytes, a group of rows at a time.
// Source: hyparquet, with its own Snappy, in which all our files are written. Invariants: only the columns that are asked for are
// fetched; of what is decoded, one group is in memory; the next group is on its way while one is decoded.
import { type FileMetaData, type ParquetParsers, parquetMetadataAsync, parquetRead } from "hyparquet";
import { AppError } from "../../core/errors.ts";
import { type Column, type Filling, fill } from "./column.ts";
import type { HttpFile } from "./http-file.ts";
import { kindOf } from "./ledger.ts";

/** An opened file. */
export interface ParquetTable {
  readonly rows: number;
  /** Names of its columns. */
  readonly names: readonly string[];
  columns(names: readonly string[], onRows?: (rows: number) => void): Promise<Map<string, Column>>;
  /** All columns of one row. */
  row(row: number): Promise<Readonly<Record<string, unknown>>>;
}

/** Texts that rarely repeat are kept as the file has them: half a million strings would be made only to be taken apart. */
const AS_BYTES: Partial<ParquetParsers> = { stringFromBytes: (bytes) => bytes };

/** Bytes from the end that have the footer, as a rule. */
const FOOTER_BYTES = 1 << 19;

/**
 * Opens a file by its footer.
 *
 * @throws AppError("data", "PARQUET_DAMAGED") for bytes that are none
 */
export async function openParquetTable(file: HttpFile): Promise<ParquetTable> {
  const metadata = await parquetMetadataAsync(file, {
    initialFetchSize: Math.min(FOOTER_BYTES, file.byteLength),
    geoparquet: false,
  }).catch((cause: unknown) => {
    throw cause instanceof AppError ? cause : damaged(cause);
  });
  const names = metadata.schema.slice(1).map(({ name }) => name);
  const rows = Number(metadata.num_rows);
  return {
    rows,
    names,
    columns: (wanted, onRows = () => undefined) => readColumns(file, metadata, wanted, onRows),
    async row(at) {
      const found: Record<string, unknown> = {};
      await readRange(file, metadata, names, at, at + 1, (name, row, value) => {
        if (row === at) found[name] = value ?? undefined;
      });
      return found;
    },
  };
}

async function readColumns(
  file: HttpFile,
  metadata: FileMetaData,
  names: readonly string[],
  onRows: (rows: number) => void,
): Promise<Map<string, Column>> {
  const rows = Number(metadata.num_rows);
  const filling = new Map<string, Filling>(names.map((name) => [name, fill(kindOf(name), rows)]));
  const take = (name: string, row: number, value: unknown) => filling.get(name)?.put(row, value);
  const texts = names.filter((name) => kindOf(name) === "texts");
  const coded = names.filter((name) => kindOf(name) !== "texts");
  let [start, under]: [number, Promise<unknown>] = [0, Promise.resolve()];
  for (const { num_rows: count } of metadata.row_groups) {
    const end = start + Number(count);
    const group = Promise.all([
      readRange(file, metadata, coded, start, end, take),
      readRange(file, metadata, texts, start, end, take, true),
    ]);
    group.catch(() => undefined); // heard below, when it is its turn
    await under;
    onRows(start);
    [start, under] = [end, group];
  }
  await under;
  onRows(rows);
  return new Map(Array.from(filling, ([name, one]) => [name, one.done()]));
}

async function readRange(
  file: HttpFile,
  metadata: FileMetaData,
  names: readonly string[],
  rowStart: number,
  rowEnd: number,
  take: (name: string, row: number, value: unknown) => void,
  asBytes = false,
): Promise<void> {
  if (names.length === 0) return;
  try {
    await parquetRead({
      file,
      metadata,
      columns: [...names],
      rowStart,
      rowEnd,
      geoparquet: false,
      parsers: asBytes ? AS_BYTES : {},
      onChunk: ({ columnName, columnData, rowStart: first }) => {
        for (let i = 0; i < columnData.length; i++) take(columnName, first + i, columnData[i]);
      },
    });
  } catch (cause) {
    throw cause instanceof AppError ? cause : damaged(cause);
  }
}

const damaged = (cause: unknown) =>
  new AppError("data", "PARQUET_DAMAGED", `Expected a whole Parquet file, got ${String(cause)}`, {
    hint: "run `facehand data check` on the dataset; derive it again if the file is damaged",
    cause,
  });
