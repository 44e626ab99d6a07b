// How pages of Parquet files are compressed: all codecs that pandas, pyarrow, polars and Spark write.
// Source: hyparquet-compressors. Ours are written with Snappy.
import type { Compressors, FileMetaData } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { unexpected } from "../core/errors.ts";

/** A block of nothing is one zero byte, which hyparquet-compressors 1.1.2 takes for a match without an offset. */
const orNothing =
  (decompress: NonNullable<Compressors[keyof Compressors]>) => (input: Uint8Array, length: number) =>
    length === 0 ? new Uint8Array() : decompress(input, length);

/** For hyparquet's readers. */
export const CODECS: Compressors = {
  ...compressors,
  LZ4: orNothing(compressors.LZ4!),
  LZ4_RAW: orNothing(compressors.LZ4_RAW!),
};

/**
 * Refuses a codec that cannot be read, before a page is looked at: its pages would look damaged.
 *
 * @throws AppError("data", "PARQUET_CODEC")
 */
export function checkCodecs({ row_groups: groups }: FileMetaData, path: string): void {
  const known = ["UNCOMPRESSED", ...Object.keys(CODECS)];
  for (const { columns } of groups) {
    const other = columns.find(({ meta_data: meta }) => meta !== undefined && !known.includes(meta.codec));
    if (other === undefined) continue;
    throw unexpected("data", {
      code: "PARQUET_CODEC",
      expected: `pages compressed by ${known.join(", ")}`,
      name: path,
      got: other.meta_data!.codec,
      hint: 'write the file again, e.g. with pandas: to_parquet(..., compression="snappy")',
    });
  }
}
