// How pages of Parquet files are compressed: all codecs that pandas, pyarrow, polars and Spark write.
// Source: zlib for gzip and Brotli, hyparquet-compressors for the others; RFC 8878 for Zstandard's frames. Ours are
// written with Snappy. Invariant: a page unpacks to its declared size or is refused, and all pages to what was allowed.
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import type { Compressors } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Codec } from "./codec-names.ts";

type Decompress = NonNullable<Compressors[keyof Compressors]>;

/** A block of nothing is one zero byte, which hyparquet-compressors 1.1.2 takes for a match without an offset. */
const orNothing =
  (decompress: Decompress): Decompress =>
  (input, length) =>
    length === 0 ? new Uint8Array() : decompress(input, length);

/** What zlib gives, and no byte more. */
const within =
  (decompress: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array): Decompress =>
  (input, length) =>
    decompress(input, { maxOutputLength: Math.max(1, length) });

const CODECS: Readonly<Record<Codec, Decompress>> = {
  SNAPPY: compressors.SNAPPY!,
  GZIP: within(gunzipSync),
  BROTLI: within(brotliDecompressSync),
  LZ4: orNothing(compressors.LZ4!),
  LZ4_RAW: orNothing(compressors.LZ4_RAW!),
  ZSTD: (input, length) => {
    checkZstandard(input, length);
    return compressors.ZSTD!(input, length);
  },
};

/**
 * For hyparquet's readers.
 *
 * @param unpackedBytes - what all pages may unpack to
 */
export function codecsWithin(unpackedBytes: number): Compressors {
  let left = unpackedBytes;
  const paid =
    (decompress: Decompress): Decompress =>
    (input, length) => {
      left -= length;
      if (!(length >= 0 && left >= 0))
        throw new Error(`pages that unpack to more than ${unpackedBytes} bytes`);
      return decompress(input, length);
    };
  return Object.fromEntries(Object.entries(CODECS).map(([name, decompress]) => [name, paid(decompress)]));
}

const ZSTD = { frame: 0xfd2fb528, skippable: 0x184d2a50, blockBytes: 1 << 17, windowBytes: 8 << 20 } as const;

/** Walks the frames: a block of 4 bytes may stand for 128 KiB, and a window be of gigabytes, which fzstd would take. */
function checkZstandard(input: Uint8Array, length: number): void {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let most = 4 * length + (1 << 20);
  for (let at = 0; at < input.length; ) {
    const magic = view.getUint32(at, true);
    if ((magic & ~15) >>> 0 === ZSTD.skippable) {
      at += 8 + view.getUint32(at + 4, true);
      continue;
    }
    if (magic !== ZSTD.frame) throw new Error("other bytes in the place of a Zstandard frame");
    const flags = view.getUint8(at + 4);
    const single = (flags & 32) !== 0;
    if (!single) {
      const window = view.getUint8(at + 5);
      const bytes = 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8);
      if (bytes > Math.max(ZSTD.windowBytes, 2 * length)) throw new Error(`a window of ${bytes} bytes`);
    }
    const size = flags >> 6;
    const [dictionaryBytes, sizeBytes] = [[0, 1, 2, 4][flags & 3]!, size === 0 ? +single : 2 ** size];
    const begin = at + 5 + (single ? 0 : 1) + dictionaryBytes;
    const declared = contentSize(view, begin, sizeBytes);
    if (declared !== undefined && declared > length) throw new Error(`a frame of ${declared} bytes`);
    at = begin + sizeBytes;
    for (let last = false; !last; ) {
      const head = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
      const [kind, bytes] = [(head >> 1) & 3, head >> 3];
      last = (head & 1) === 1;
      most -= kind === 2 ? ZSTD.blockBytes : bytes;
      if (most < 0) throw new Error(`blocks of much more than ${length} bytes`);
      at += 3 + (kind === 1 ? 1 : bytes);
    }
    at += (flags & 4) === 0 ? 0 : 4;
  }
}

function contentSize(view: DataView, at: number, bytes: number): number | undefined {
  if (bytes === 0) return undefined;
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
