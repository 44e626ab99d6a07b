// ◇ Browser-safe. Rotation about the centre, nearest pixel, black outside, same size.
// Source: Pillow's Image.rotate (matrix rounded to 15 decimals) and Geometry.c (16.16 fixed point), which
// torchvision's RandomRotation calls for PIL images. Invariant: bit for bit what they give.
import type { RgbImage } from "./pixels.ts";

/** Coordinates at or beyond this do not fit 16.16 fixed point; Pillow then steps in doubles. */
const FIXED_LIMIT = 32768;

/** Output -> input: x' = a x + b y + c, y' = d x + e y + f. */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/**
 * Rotate counter-clockwise about the centre.
 *
 * @param image - RGB u8
 * @param degrees - any finite angle, counter-clockwise
 * @returns RGB u8 of the same size; pixels from outside are black; `image` itself for whole turns
 * @source Pillow Image.rotate(NEAREST, expand=False, fillcolor=0)
 * @example rotate(image, -7.5)
 */
export function rotate(image: RgbImage, degrees: number): RgbImage {
  const { width, height } = image;
  const angle = withinTurn(degrees);
  if (angle === 0) return image;
  if (angle === 180) return mapPixels(image, (x, y) => (height - 1 - y) * width + (width - 1 - x));
  if (width === height && angle === 90) return mapPixels(image, (x, y) => x * width + (width - 1 - y));
  if (width === height && angle === 270) return mapPixels(image, (x, y) => (width - 1 - x) * width + y);
  const matrix = rotation(width, height, angle);
  return (fitsFixed(matrix, width, height) ? sampleFixed : sampleFloat)(image, matrix);
}

/** The same angle from 0 to 360. */
function withinTurn(degrees: number): number {
  const remainder = degrees % 360;
  return remainder < 0 ? remainder + 360 : remainder;
}

/** The map of a rotation about the centre, counter-clockwise. @param degrees - 0 to 360 */
export function rotation(width: number, height: number, degrees: number): Matrix {
  const radians = -(degrees * (Math.PI / 180));
  const cos = round15(Math.cos(radians));
  const sin = round15(Math.sin(radians));
  const cx = width / 2;
  const cy = height / 2;
  const c = cos * -cx + sin * -cy + cx;
  const f = round15(-Math.sin(radians)) * -cx + cos * -cy + cy;
  return [cos, sin, c, round15(-Math.sin(radians)), cos, f];
}

function round15(value: number): number {
  return Number(value.toFixed(15));
}

function mapPixels(image: RgbImage, from: (x: number, y: number) => number): RgbImage {
  const { width, height, data } = image;
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to++) copyPixel(data, from(x, y), out, to);
  }
  return { width, height, data: out };
}

/** Positions count pixels. */
function copyPixel(data: RgbImage["data"], from: number, out: Uint8Array, to: number): void {
  out[to * 3] = data[from * 3]!;
  out[to * 3 + 1] = data[from * 3 + 1]!;
  out[to * 3 + 2] = data[from * 3 + 2]!;
}

/** Where output pixels come from, in 16.16 fixed point: position of the first, and steps along rows and columns. */
export interface FixedWalk {
  readonly x: number;
  readonly y: number;
  /** From pixel to pixel of a row. */
  readonly stepXx: number;
  readonly stepXy: number;
  /** From row to row. */
  readonly stepYx: number;
  readonly stepYy: number;
}

/** The walk of `rotate`; undefined for the angles and sizes that it treats in another way. */
export function fixedWalk(width: number, height: number, degrees: number): FixedWalk | undefined {
  const angle = withinTurn(degrees);
  if (angle !== 0 && angle % 90 === 0) return undefined;
  const matrix = rotation(width, height, angle);
  return fitsFixed(matrix, width, height) ? walkOf(matrix) : undefined;
}

function walkOf([a, b, c, d, e, f]: Matrix): FixedWalk {
  return {
    x: fixed(c + a * 0.5 + b * 0.5),
    y: fixed(f + d * 0.5 + e * 0.5),
    stepXx: fixed(a),
    stepXy: fixed(d),
    stepYx: fixed(b),
    stepYy: fixed(e),
  };
}

/** Only the columns of each row that have a source are visited. */
function sampleFixed(image: RgbImage, matrix: Matrix): RgbImage {
  const { width, height, data } = image;
  const { x: x0, y: y0, stepXx, stepXy, stepYx, stepYy } = walkOf(matrix);
  let startX = x0;
  let startY = y0;
  const out = new Uint8Array(data.length);
  for (let row = 0; row < height; row++, startX += stepYx, startY += stepYy) {
    const [firstX, lastX] = inside(startX, stepXx, width);
    const [firstY, lastY] = inside(startY, stepXy, height);
    const first = Math.max(0, firstX, firstY);
    const last = Math.min(width - 1, lastX, lastY);
    if (last < first) continue;
    let x = (startX + first * stepXx) | 0;
    let y = (startY + first * stepXy) | 0;
    const end = row * width + last;
    for (let to = row * width + first; to <= end; to++) {
      copyPixel(data, (y >> 16) * width + (x >> 16), out, to);
      x = (x + stepXx) | 0;
      y = (y + stepXy) | 0;
    }
  }
  return { width, height, data: out };
}

function fixed(value: number): number {
  return Math.floor(value * 65536 + 0.5);
}

/** First and last k for which start + k step, in 16.16 fixed point, lies in [0, size). */
function inside(start: number, step: number, size: number): readonly [first: number, last: number] {
  const most = size * 65536 - 1;
  if (step > 0) return [Math.ceil(-start / step), Math.floor((most - start) / step)];
  if (step < 0) return [Math.ceil((most - start) / step), Math.floor(-start / step)];
  return start >= 0 && start <= most ? [0, Number.POSITIVE_INFINITY] : [0, -1];
}

function sampleFloat(image: RgbImage, [a, b, c, d, e, f]: Matrix): RgbImage {
  const { width, height, data } = image;
  let startX = c + a * 0.5 + b * 0.5;
  let startY = f + d * 0.5 + e * 0.5;
  const out = new Uint8Array(data.length);
  for (let row = 0, to = 0; row < height; row++, startX += b, startY += e) {
    let x = startX;
    let y = startY;
    for (let column = 0; column < width; column++, to++, x += a, y += d) {
      const fromX = Math.floor(x);
      const fromY = Math.floor(y);
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue;
      copyPixel(data, fromY * width + fromX, out, to);
    }
  }
  return { width, height, data: out };
}

function fitsFixed([a, b, c, d, e, f]: Matrix, width: number, height: number): boolean {
  return [
    [0, 0],
    [width, height],
    [0, height],
    [width, 0],
  ].every(
    ([x = 0, y = 0]) =>
      Math.abs(x * a + y * b + c) < FIXED_LIMIT && Math.abs(x * d + y * e + f) < FIXED_LIMIT,
  );
}
