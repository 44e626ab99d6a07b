// ◇ Browser-safe. The resample in the vectors' memory.
// Source: simd/shrink.ts, simd/planes.ts. Invariant: bit for bit `reduceByTwo` and `resizeBilinear`, but that a decoded
// picture is halved before its colours are made.
import type { RgbImage } from "./pixels.ts";
import { align, type SimdMemory, SLACK } from "./simd-memory.ts";
import { packTaps } from "./simd-taps.ts";
import { tapsFor } from "./taps.ts";

/** Rows of weight 0 that are read behind the last one. */
const ROWS_BEYOND = 1;

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
  const { from, width, height, free } = halved(memory, image, to.halvings);
  const across = packTaps(tapsFor(width, widthPx), 3);
  const down = packTaps(tapsFor(height, heightPx), 1);
  const acrossAt = free;
  const downAt = acrossAt + align(across.words.byteLength);
  const rows = downAt + align(down.words.byteLength);
  const out = rows + align((height + ROWS_BEYOND) * widthPx * 3 + SLACK);
  memory.grow(out + heightPx * widthPx * 3 + SLACK);
  memory.putWords(across.words, acrossAt);
  memory.putWords(down.words, downAt);
  const { code } = memory;
  code.resampleRows(from, width * 3, height, acrossAt, across.n, across.pairs, widthPx, rows);
  code.resampleColumns(rows, widthPx * 3, downAt, down.n, down.pairs, heightPx, out);
  return out;
}

function halved(memory: SimdMemory, image: RgbImage, halvings: number) {
  if (halvings === 0) {
    const from = memory.place(image);
    return { from, width: image.width, height: image.height, free: memory.behind(image) };
  }
  const [width, height] = [image.width >> halvings, image.height >> halvings];
  const from =
    image === memory.held ? halvedPlanes(memory, image, halvings) : reduced(memory, image, halvings);
  return { from, width, height, free: from + align(width * height * 3 + SLACK) };
}

function halvedPlanes(memory: SimdMemory, image: RgbImage, halvings: number): number {
  const { width, height } = image;
  const work = memory.behind(image);
  const to = work + align(memory.code.halvedBytes(width, height) + SLACK);
  memory.grow(to + align((width * height * 3) / 4 + SLACK));
  memory.code.halvedColours(halvings, work, to);
  return to;
}

function reduced(memory: SimdMemory, image: RgbImage, halvings: number): number {
  let { width, height } = image;
  let from = memory.place(image);
  const to = memory.behind(image);
  memory.grow(to + align((width * height * 3) / 4 + SLACK));
  for (let k = 0; k < halvings; k++) {
    memory.code.reduce(from, width, height, to);
    [from, width, height] = [to, width >> 1, height >> 1];
  }
  return to;
}
