// ◇ Browser-safe. The resample in the vectors' memory.
// Source: simd/shrink.ts. Invariant: bit for bit `reduceByTwo` and `resizeBilinear`.
import type { RgbImage } from "./pixels.ts";
import { align, room, type SimdMemory, SLACK } from "./simd-memory.ts";
import { packTaps } from "./simd-taps.ts";
import { tapsFor } from "./taps.ts";

/** Rows of weight 0 that are read behind the last one. */
const ROWS_BEYOND = 3;

/** What a picture becomes. */
export interface Resample {
  readonly widthPx: number;
  readonly heightPx: number;
  /** How often it is halved before. */
  readonly halvings: number;
}

/**
 * Resamples a picture.
 *
 * @returns where the output lies, u8 [heightPx, widthPx, 3]; what is behind it is free
 */
export function resampled(memory: SimdMemory, image: RgbImage, to: Resample): number {
  const { widthPx, heightPx } = to;
  const { from, width, height } = halved(memory, image, to.halvings);
  const across = packTaps(tapsFor(width, widthPx), 3);
  const down = packTaps(tapsFor(height, heightPx), 1);
  const acrossAt = from + align(width * height * 3 + SLACK);
  const downAt = acrossAt + align(across.words.byteLength);
  const rows = downAt + align(down.words.byteLength);
  const out = rows + align((height + ROWS_BEYOND) * widthPx * 3 + SLACK);
  memory.grow(out + heightPx * widthPx * 3 + SLACK);
  memory.putWords(across.words, acrossAt);
  memory.putWords(down.words, downAt);
  const { code } = memory;
  code.resampleRows(from, width * 3, height, acrossAt, across.n, across.groups, widthPx, rows);
  code.resampleColumns(rows, widthPx * 3, downAt, down.n, down.groups, heightPx, out);
  return out;
}

function halved(memory: SimdMemory, image: RgbImage, halvings: number) {
  let { width, height } = image;
  let from = memory.place(image);
  if (halvings === 0) return { from, width, height };
  const small = from + room(image);
  memory.grow(small + align((width * height * 3) / 4 + SLACK));
  for (let k = 0; k < halvings; k++) {
    memory.code.reduce(from, width, height, small);
    [from, width, height] = [small, width >> 1, height >> 1];
  }
  return { from, width, height };
}
