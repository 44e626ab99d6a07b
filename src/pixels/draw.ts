// Lines on a picture: the outline of what was found or cut.
// Invariant: a line is as wide on small pictures as on large ones, seen at the same size; what lies outside is not drawn.
import type { RgbImage } from "./pixels.ts";

/** A colour, 0 to 255 each. */
export type Colour = readonly [number, number, number];

/**
 * Draws a closed outline into a picture.
 *
 * @param image - changed in place
 * @param corners - px
 */
export function drawOutline(
  { width, height, data }: RgbImage,
  corners: readonly { readonly x: number; readonly y: number }[],
  colour: Colour,
): void {
  const half = Math.max(1, Math.round(Math.max(width, height) / 400));
  const dot = (x: number, y: number) => {
    for (let row = Math.max(0, y - half); row <= Math.min(height - 1, y + half); row++)
      for (let column = Math.max(0, x - half); column <= Math.min(width - 1, x + half); column++)
        for (let c = 0; c < 3; c++) data[3 * (row * width + column) + c] = colour[c]!;
  };
  corners.forEach((from, i) => {
    const to = corners[(i + 1) % corners.length]!;
    const steps = Math.ceil(Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1));
    for (let k = 0; k <= steps; k++)
      dot(
        Math.round(from.x + ((to.x - from.x) * k) / steps),
        Math.round(from.y + ((to.y - from.y) * k) / steps),
      );
  });
}
