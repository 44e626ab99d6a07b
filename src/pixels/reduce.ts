// ◇ Browser-safe. Means of two by two pixels: the quick first part of shrinking a picture much.
// Source: Pillow's Reduce.c (ImagingReduce2x2), for even sides; an odd last row or column is left out here.
import type { RgbImage } from "./pixels.ts";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** After halvings the resample still shrinks by this much; in Pillow's words a gap of 2 is good, one of 3 indistinguishable. */
const LEAST_SCALE = 2.5;

/** How often a picture is halved before it is shrunk to another size. */
export function halvingsFor(from: Size, to: Size): number {
  const scale = Math.min(from.width / to.width, from.height / to.height);
  return Math.max(0, Math.floor(Math.log2(scale / LEAST_SCALE)));
}

/**
 * Halves a picture.
 *
 * @param image - RGB u8, both sides at least 2
 * @returns RGB u8, [floor(H / 2), floor(W / 2), 3]
 */
export function reduceByTwo({ width, height, data }: RgbImage): RgbImage {
  const [w, h] = [width >> 1, height >> 1];
  const out = new Uint8Array(w * h * 3);
  const row = 3 * width;
  for (let y = 0, to = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let k = 2 * y * row + 6 * x, end = k + 3; k < end; k++) {
        out[to++] = (data[k]! + data[k + 3]! + data[k + row]! + data[k + row + 3]! + 2) >> 2;
      }
    }
  }
  return { width: w, height: h, data: out };
}
