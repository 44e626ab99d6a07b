// ◇ Browser-safe. Pictures as a network takes them: planes of floats, on a ground.
// Source: our own. Invariant: bit for bit what simd/floats.ts gives.
import type { Ground } from "./fast/shapes.ts";
import type { RgbImage } from "./pixels.ts";

export const RGB = [0, 1, 2] as const;
export const BGR = [2, 1, 0] as const;

/** What a network takes of a picture. */
export interface PlaneShape {
  /** Which source channel becomes each plane. */
  readonly channels: typeof RGB | typeof BGR;
  /** Factor on each value. */
  readonly scale: number;
  /** Added after the factor. */
  readonly offset: number;
}

/**
 * Planes of a picture and its ground, in plain code; see `Picture.planes` (fast/picture.ts).
 *
 * @param out - float32, [3, heightPx, widthPx], where they are written
 */
export function planesPlain(
  { data, width, height }: RgbImage,
  { left, top, widthPx, heightPx, reversed }: Ground,
  scale: number,
  offset: number,
  out: Float32Array,
): void {
  const [a, b, c] = reversed ? BGR : RGB;
  const size = widthPx * heightPx;
  out.fill(offset);
  for (let y = 0, from = 0; y < height; y++) {
    const row = (top + y) * widthPx + left;
    for (let i = row; i < row + width; i++, from += 3) {
      out[i] = data[from + a]! * scale + offset;
      out[size + i] = data[from + b]! * scale + offset;
      out[2 * size + i] = data[from + c]! * scale + offset;
    }
  }
}
