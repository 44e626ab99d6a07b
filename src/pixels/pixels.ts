// ◇ Browser-safe. RGB images as plain arrays, and the one resample of the house.
// Source: Pillow's Resample.c: triangle filter, weights in 22-bit fixed point, horizontal pass,
// then vertical pass, u8 between them. Invariant: bit for bit what `PIL.Image.resize(size, BILINEAR)` gives in Pillow 11
// and 12; Pillow 13 takes columns first where more than twice as many rows as columns go (decision 2).
import { unexpected } from "../core/errors.ts";
import { PRECISION, type Taps, tapsFor } from "./taps.ts";

/** An RGB picture; u8, row-major, origin top-left, no row padding. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A square of this side is 3.2 GB. */
const MAX_SIDE_PX = 2 ** 15;
const BYTES = ["[object Uint8Array]", "[object Uint8ClampedArray]"];

/**
 * Refuses what is no picture: sides that are no whole numbers from 1 on, other than three bytes a pixel, memory that other
 * threads may write to.
 *
 * @throws AppError("input", "NOT_AN_IMAGE")
 * @example checkImage({ width: 2, height: 2, data: new Uint8Array(12) })
 */
export function checkImage(image: RgbImage): void {
  const bad = (expected: string, name: string, got: unknown) =>
    unexpected("input", { code: "NOT_AN_IMAGE", expected, name, got });
  if (typeof image !== "object" || image === null) throw bad("width, height and data", "the image", image);
  const { width, height, data } = image;
  checkSide(width, "the image's width");
  checkSide(height, "the image's height");
  const kind = Object.prototype.toString.call(data);
  if (!BYTES.includes(kind)) throw bad("a Uint8Array", "the image's data", kind);
  const memory = Object.prototype.toString.call(data.buffer);
  if (memory !== "[object ArrayBuffer]")
    throw bad("memory that no other thread shares", "the image's data", memory);
  const bytes = width * height * 3;
  if (data.length !== bytes)
    throw bad(`${bytes} bytes (${width} x ${height} x 3)`, "the image's data", data.length);
}

function checkSide(side: number, name: string): void {
  if (Number.isInteger(side) && side >= 1 && side <= MAX_SIDE_PX) return;
  const expected = `an integer from 1 to ${MAX_SIDE_PX}`;
  throw unexpected("input", { code: "NOT_AN_IMAGE", expected, name, got: side });
}

const HALF = 1 << (PRECISION - 1);
/**
 * Resample by a triangle filter that widens when shrinking (antialiased), as Pillow and therefore torchvision
 * do to PIL images. The aspect ratio may change.
 *
 * @param image - RGB u8
 * @param widthPx - width of the output, px; >= 1
 * @param heightPx - height of the output, px; >= 1
 * @returns RGB u8, [heightPx, widthPx, 3]; `image` itself if it has that size already
 * @throws AppError("input", "NOT_AN_IMAGE") for what is no picture, or no size of one
 * @source Pillow Resample.c, BILINEAR, 8 bits per channel
 * @example resizeBilinear(image, 224, 224)
 */
export function resizeBilinear(image: RgbImage, widthPx: number, heightPx: number): RgbImage {
  checkImage(image);
  if (image.width === widthPx && image.height === heightPx) return image;
  checkSide(widthPx, "the width to resize to");
  checkSide(heightPx, "the height to resize to");
  const wide = widthPx === image.width ? image.data : resampleRows(image, widthPx);
  const data = heightPx === image.height ? wide : resampleColumns(wide, widthPx, image.height, heightPx);
  return { width: widthPx, height: heightPx, data };
}

/** Horizontal pass: every row to `widthPx`. */
function resampleRows(image: RgbImage, widthPx: number): Uint8Array {
  const { width, height, data } = image;
  const taps = tapsFor(width, widthPx);
  const out = new Uint8Array(height * widthPx * 3); // [height, widthPx, 3]
  for (let y = 0; y < height; y++) resampleRow(data, y * width * 3, taps, out, y * widthPx * 3);
  return out;
}

function resampleRow(data: RgbImage["data"], at: number, taps: Taps, out: Uint8Array, start: number): void {
  const { first, count, weights, width } = taps;
  for (let x = 0, to = start; x < first.length; x++, to += 3) {
    let from = at + first[x]! * 3;
    let r = HALF;
    let g = HALF;
    let b = HALF;
    for (let k = x * width, end = k + count[x]!; k < end; k++, from += 3) {
      const weight = weights[k]!;
      r = (r + Math.imul(weight, data[from]!)) | 0;
      g = (g + Math.imul(weight, data[from + 1]!)) | 0;
      b = (b + Math.imul(weight, data[from + 2]!)) | 0;
    }
    out[to] = clip(r >> PRECISION);
    out[to + 1] = clip(g >> PRECISION);
    out[to + 2] = clip(b >> PRECISION);
  }
}

/** Vertical pass: whole rows are weighted, so that memory is read in order. */
function resampleColumns(data: RgbImage["data"], width: number, height: number, heightPx: number) {
  const taps = tapsFor(height, heightPx);
  const stride = width * 3;
  const out = new Uint8Array(heightPx * stride); // [heightPx, width, 3]
  for (let y = 0; y < heightPx; y++) {
    const weights = taps.weights.subarray(y * taps.width, y * taps.width + taps.count[y]!);
    const rows = data.subarray(taps.first[y]! * stride, (taps.first[y]! + weights.length) * stride);
    sumRows(rows, weights, out.subarray(y * stride, (y + 1) * stride));
  }
  return out;
}

function sumRows(rows: RgbImage["data"], weights: Int32Array, out: Uint8Array): void {
  const stride = out.length;
  const sums = new Int32Array(stride).fill(HALF);
  for (let k = 0, from = 0; k < weights.length; k++, from += stride) {
    const weight = weights[k]!;
    for (let i = 0; i < stride; i++) sums[i] = (sums[i]! + Math.imul(weight, rows[from + i]!)) | 0;
  }
  for (let i = 0; i < stride; i++) out[i] = clip(sums[i]! >> PRECISION);
}

/** Weights are never negative, but rounding can let their sum pass one. */
function clip(value: number): number {
  return Math.min(value, 255);
}

/**
 * Mirror left and right.
 *
 * @throws AppError("input", "NOT_AN_IMAGE")
 */
export function flipHorizontal(image: RgbImage): RgbImage {
  checkImage(image);
  const { width, height, data } = image;
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    let from = (y + 1) * width * 3 - 3;
    for (let to = y * width * 3, end = to + width * 3; to < end; to += 3, from -= 3) {
      out[to] = data[from]!;
      out[to + 1] = data[from + 1]!;
      out[to + 2] = data[from + 2]!;
    }
  }
  return { width, height, data: out };
}
