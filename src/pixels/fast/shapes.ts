// ◇ Browser-safe. Which part of a picture the SIMD code works on, and where it puts it.
// Source: our own; dlib's chips for squares. Invariant: pixels count from the picture's corner, as everywhere.

/** A part of a picture: whole pixels, the corners included. */
export interface Part {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The first sample of a square, and the ways to the next one of its row and to the next row; px. */
export interface SquareWalk {
  readonly x: number;
  readonly y: number;
  readonly ux: number;
  readonly uy: number;
  readonly vx: number;
  readonly vy: number;
}

/** How a square is sampled; see `SimdPictures.sample`. */
export type Sampling = readonly [part: Part, halvings: number, walk: SquareWalk, sizePx: number];

/** Where a picture lies on its ground, whose value is that of black. */
export interface Ground {
  readonly left: number;
  readonly top: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Blue first. */
  readonly reversed: boolean;
}
