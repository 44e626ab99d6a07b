// Points and boxes of a picture's stored pixels, carried to the picture as it is seen after EXIF's turn.
// Source: EXIF 2.32, tag 0x0112 (Orientation). Invariant: the same turn as `decodeImage` makes of the pixels.

import type { Box, Point } from "./geometry.ts";
import type { ExifTurn } from "./image.ts";

/** Which pixels an annotation may refer to: those of the picture as it is seen, or those that lie in the file. */
export const REFERENCES = ["upright", "stored"] as const;
export type Reference = (typeof REFERENCES)[number];

/** Fractions of the stored picture to fractions of the upright one. */
const TURNS: { readonly [T in ExifTurn]: (x: number, y: number) => readonly [number, number] } = {
  1: (x, y) => [x, y],
  2: (x, y) => [1 - x, y],
  3: (x, y) => [1 - x, 1 - y],
  4: (x, y) => [x, 1 - y],
  5: (x, y) => [y, x],
  6: (x, y) => [1 - y, x],
  7: (x, y) => [1 - y, 1 - x],
  8: (x, y) => [y, 1 - x],
};

/**
 * A point of the stored picture in the upright one.
 *
 * @example turnPoint(6, { x: 0, y: 0 }) // { x: 1, y: 0 }: stored lying, its first corner is seen at the top right
 */
export function turnPoint(turn: ExifTurn, { x, y }: Point<"rel">): Point<"rel"> {
  const [u, v] = TURNS[turn](x, y);
  return { x: u, y: v };
}

/** A box of the stored picture in the upright one. */
export function turnBox(turn: ExifTurn, { x, y, width, height }: Box<"rel">): Box<"rel"> {
  const a = turnPoint(turn, { x, y });
  const b = turnPoint(turn, { x: x + width, y: y + height });
  const [left, top] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  return { x: left, y: top, width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
}
