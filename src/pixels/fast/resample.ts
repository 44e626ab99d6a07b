// ◇ Browser-safe. The resample in the vectors' memory.
// Source: simd/shrink.ts, simd/planes.ts. Invariant: bit for bit `reduceByTwo` and `resizeBilinear`, but that a decoded
// picture is halved before its colours are made.
import type { RgbImage } from "../pixels.ts";
import { tapsFor } from "../taps.ts";
import { align, type SimdMemory, SLACK } from "./memory.ts";
import { packTaps } from "./taps.ts";

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
 * @returns where the output lies, u8 [heightPx, widthPx, 3]: behind the picture
 */
export function resampled(memory: SimdMemory, image: RgbImage, to: Resample): number {
  const { widthPx, heightPx } = to;
  const out = memory.behind(image);
  const { from, width, height, free } = halved(
    memory,
    image,
    to.halvings,
    out + align(heightPx * widthPx * 3 + SLACK),
  );
  const across = packTaps(tapsFor(width, widthPx), 3);
  const down = packTaps(tapsFor(height, heightPx), 1);
  const acrossAt = free;
  const downAt = acrossAt + align(across.words.byteLength);
  const rows = downAt + align(down.words.byteLength);
  memory.grow(rows + (height + ROWS_BEYOND) * widthPx * 3 + SLACK);
  memory.putWords(across.words, acrossAt);
  memory.putWords(down.words, downAt);
  const { code } = memory;
  code.resampleRows(from, width * 3, height, acrossAt, across.n, across.pairs, widthPx, rows);
  code.resampleColumns(rows, widthPx * 3, downAt, down.n, down.pairs, heightPx, out);
  return out;
}

/** Halves a picture; `work` is free, and what it leaves free comes back. */
function halved(memory: SimdMemory, image: RgbImage, halvings: number, work: number) {
  if (halvings === 0) {
    return { from: memory.place(image), width: image.width, height: image.height, free: work };
  }
  const [width, height] = [image.width >> halvings, image.height >> halvings];
  const from = (image === memory.held ? halvedPlanes : reduced)(memory, image, halvings, work);
  return { from, width, height, free: from + align(width * height * 3 + SLACK) };
}

function halvedPlanes(memory: SimdMemory, { width, height }: RgbImage, halvings: number, work: number) {
  const to = work + align(memory.code.halvedBytes(width, height) + SLACK);
  memory.grow(to + align((width * height * 3) / 4 + SLACK));
  memory.code.halvedColours(halvings, work, to);
  return to;
}

function reduced(memory: SimdMemory, image: RgbImage, halvings: number, to: number): number {
  let { width, height } = image;
  let from = memory.place(image);
  memory.grow(to + align((width * height * 3) / 4 + SLACK));
  for (let k = 0; k < halvings; k++) {
    memory.code.reduce(from, width, height, to);
    [from, width, height] = [to, width >> 1, height >> 1];
  }
  return to;
}
