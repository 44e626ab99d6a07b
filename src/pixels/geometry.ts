// ◇ Browser-safe. Points and boxes whose type names the coordinates they are in: pixels of one image, or fractions of it.
// The space is a phantom: literals `{ x, y }` fit both, but a value of one space is refused for the other.
// Origin top-left, x to the right, y down; a pixel's centre is at (column + 0.5, row + 0.5).

/** `px`: pixels of the image at hand; `rel`: fractions of its width and height (HaGRID's annotations). */
export type Space = "px" | "rel";

declare const SPACE: unique symbol;

/** A point of an image. */
export interface Point<S extends Space = "px"> {
  readonly x: number;
  readonly y: number;
  readonly [SPACE]?: S;
}

/** Axis-parallel box; (x, y) is its top-left corner. It may reach outside the image. */
export interface Box<S extends Space = "px"> {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly [SPACE]?: S;
}

export const HAND_POINTS = 21;

/**
 * Area of a box.
 *
 * @param box - any space
 * @returns width times height, 0 for a degenerate box
 */
export function boxArea<S extends Space>(box: Box<S>): number {
  return Math.max(0, box.width) * Math.max(0, box.height);
}

/**
 * Intersection over union of two boxes of the same space.
 *
 * @param a - first box
 * @param b - second box
 * @returns 0 (disjoint) to 1 (equal); 0 if both are degenerate
 */
export function boxIou<S extends Space>(a: Box<S>, b: Box<NoInfer<S>>): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (boxArea(a) + boxArea(b) - both);
}

/**
 * Fractions of an image to its pixels.
 *
 * @param box - fractions of width and height
 * @param widthPx - the image's width
 * @param heightPx - the image's height
 * @returns the same box in pixels, not rounded
 */
export function boxToPx(box: Box<"rel">, widthPx: number, heightPx: number): Box<"px"> {
  return {
    x: box.x * widthPx,
    y: box.y * heightPx,
    width: box.width * widthPx,
    height: box.height * heightPx,
  };
}

/**
 * Pixels of an image to fractions of it.
 *
 * @param box - pixels
 * @param widthPx - the image's width
 * @param heightPx - the image's height
 * @returns the same box in fractions, not rounded
 */
export function boxToRel(box: Box<"px">, widthPx: number, heightPx: number): Box<"rel"> {
  return {
    x: box.x / widthPx,
    y: box.y / heightPx,
    width: box.width / widthPx,
    height: box.height / heightPx,
  };
}

/**
 * Euclidean distance of two points of the same space.
 *
 * @param a - first point
 * @param b - second point
 * @returns the distance, in the unit of the space
 */
export function distance<S extends Space>(a: Point<S>, b: Point<NoInfer<S>>): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
