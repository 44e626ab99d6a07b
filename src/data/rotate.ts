// ◇ Browser-safe. Rotation about the centre, nearest pixel, black outside, same size.
// Source: Pillow's Image.rotate (matrix rounded to 15 decimals) and Geometry.c (16.16 fixed point), which
// torchvision's RandomRotation calls for PIL images. Invariant: bit for bit what they give.
import type { RgbImage } from "./pixels.ts";

/** Coordinates at or beyond this do not fit 16.16 fixed point; Pillow then steps in doubles. */
const FIXED_LIMIT = 32768;

/** Output -> input: x' = a x + b y + c, y' = d x + e y + f. */
type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

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
  const remainder = degrees % 360;
  const angle = remainder < 0 ? remainder + 360 : remainder;
  if (angle === 0) return image;
  if (angle === 180) return mapPixels(image, (x, y) => (height - 1 - y) * width + (width - 1 - x));
  if (width === height && angle === 90) return mapPixels(image, (x, y) => x * width + (width - 1 - y));
  if (width === height && angle === 270) return mapPixels(image, (x, y) => (width - 1 - x) * width + y);
  return sampleNearest(image, rotation(width, height, angle));
}

function rotation(width: number, height: number, degrees: number): Matrix {
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
    for (let x = 0; x < width; x++, to += 3) copyPixel(data, from(x, y) * 3, out, to);
  }
  return { width, height, data: out };
}

function sampleNearest(image: RgbImage, matrix: Matrix): RgbImage {
  const { width, height, data } = image;
  const [a, b, c, d, e, f] = matrix;
  const fixed = fitsFixed(matrix, width, height);
  const unit = fixed ? 65536 : 1;
  const grid = fixed ? (v: number) => Math.floor(v * 65536 + 0.5) : (v: number) => v;
  const [stepXx, stepXy, stepYx, stepYy] = [grid(a), grid(d), grid(b), grid(e)];
  let startX = grid(c + a * 0.5 + b * 0.5);
  let startY = grid(f + d * 0.5 + e * 0.5);
  const out = new Uint8Array(data.length);
  for (let row = 0, to = 0; row < height; row++, startX += stepYx, startY += stepYy) {
    let x = startX;
    let y = startY;
    for (let column = 0; column < width; column++, to += 3, x += stepXx, y += stepXy) {
      const fromX = Math.floor(x / unit);
      const fromY = Math.floor(y / unit);
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue;
      copyPixel(data, (fromY * width + fromX) * 3, out, to);
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

function copyPixel(from: RgbImage["data"], at: number, out: Uint8Array, to: number): void {
  out[to] = from[at]!;
  out[to + 1] = from[at + 1]!;
  out[to + 2] = from[at + 2]!;
}
