// The codecs that pages are read in, and the refusal of others: before a page is read, and without what unpacks them.
import type { FileMetaData } from "hyparquet";
import { unexpected } from "../../core/errors.ts";

/** In the order of messages. */
const CODEC_NAMES = ["SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4", "LZ4_RAW"] as const;
/** A codec that codecs.ts unpacks. */
export type Codec = (typeof CODEC_NAMES)[number];

/**
 * Refuses a codec that cannot be read, before a page is read: its pages would seem damaged.
 *
 * @throws AppError("data", "PARQUET_CODEC")
 */
export function checkCodecs({ row_groups: groups }: FileMetaData, path: string): void {
  const known: readonly string[] = ["UNCOMPRESSED", ...CODEC_NAMES];
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
