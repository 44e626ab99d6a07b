// ◇ Browser-safe. Squares and rectangles cut out of a picture, in plain code.
// Source: dlib extract_image_chips with pyramid_down<2> and interpolate_bilinear. Invariant: outside the picture is black.
import type { Part, SquareWalk } from "./fast/shapes.ts";
import type { RgbImage } from "./pixels.ts";
import { halve } from "./pyramid.ts";

/**
 * Halves a picture and samples a square of what comes out: see `Picture.sampled` (fast/picture.ts).
 *
 * @returns RGB u8, [sizePx, sizePx, 3]
 */
export function samplePlain(image: RgbImage, halvings: number, walk: SquareWalk, sizePx: number): RgbImage {
  let level = image;
  for (let k = 0; k < halvings; k++) level = halve(level);
  return sample(level, walk, sizePx);
}

/** Bilinear samples, truncated to u8; black where one of the four neighbours is missing. */
function sample(
  { width, height, data }: RgbImage,
  { x: x0, y: y0, ux, uy, vx, vy }: SquareWalk,
  sizePx: number,
): RgbImage {
  const out = new Uint8Array(sizePx * sizePx * 3); // [sizePx, sizePx, 3]
  for (let r = 0, to = 0; r < sizePx; r++) {
    for (let c = 0; c < sizePx; c++, to += 3) {
      const x = x0 + ux * c + vx * r;
      const y = y0 + uy * c + vy * r;
      const left = Math.floor(x);
      const top = Math.floor(y);
      if (!(left >= 0 && top >= 0 && left + 1 < width && top + 1 < height)) continue;
      const [fx, fy] = [x - left, y - top];
      const from = (top * width + left) * 3;
      const below = from + width * 3;
      for (let k = 0; k < 3; k++) {
        const upper = (1 - fx) * data[from + k]! + fx * data[from + 3 + k]!;
        const lower = (1 - fx) * data[below + k]! + fx * data[below + 3 + k]!;
        out[to + k] = (1 - fy) * upper + fy * lower;
      }
    }
  }
  return { width: sizePx, height: sizePx, data: out };
}

/** Whole pixels of a rectangle, inclusive of its corners; black outside the image. */
export function cropPlain(image: RgbImage, { left, top, right, bottom }: Part): RgbImage {
  const width = Math.max(0, right - left + 1);
  const height = Math.max(0, bottom - top + 1);
  const data = new Uint8Array(width * height * 3); // [height, width, 3]
  const x0 = Math.max(left, 0);
  const x1 = Math.min(right + 1, image.width);
  for (let y = Math.max(top, 0); y < Math.min(bottom + 1, image.height) && x0 < x1; y++) {
    const row = image.data.subarray((y * image.width + x0) * 3, (y * image.width + x1) * 3);
    data.set(row, ((y - top) * width + (x0 - left)) * 3);
  }
  return { width, height, data };
}
