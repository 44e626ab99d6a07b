// ◇ Browser-safe. RGB images as plain arrays, and the one resample of the house (DESIGN rule 2).
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

/** The same with a pixel in one number, red lowest: a third of the reads and writes where pixels move whole. */
export interface PackedImage {
  readonly width: number;
  readonly height: number;
  /** [height, width] */
  readonly data: Uint32Array;
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
 * do to PIL images. The aspect ratio is not kept.
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

/**
 * `resizeBilinear` of a packed picture, to the same bytes.
 *
 * @returns RGB u8, [heightPx, widthPx, 3]
 */
export function resizePacked(image: PackedImage, widthPx: number, heightPx: number): RgbImage {
  const { width, height, data } = image;
  const taps = tapsFor(width, widthPx);
  if (width === widthPx || !taps.three) return resizeBilinear(unpack(image), widthPx, heightPx);
  const wide = new Uint8Array(height * widthPx * 3); // [height, widthPx, 3]
  for (let y = 0; y < height; y++) resamplePackedRow(data, y * width, taps, wide, y * widthPx * 3);
  return resizeBilinear({ width: widthPx, height, data: wide }, widthPx, heightPx);
}

/** Pixels kept for the next picture, since fresh memory costs as much as a pass over it: up to 4 million each. */
const SCRATCH_PIXELS = 2 ** 22;
const scratch = [new Uint32Array(0), new Uint32Array(0)];

/**
 * Memory for a packed picture that is used up before the next one is begun; what it holds is undefined.
 *
 * @param slot - 0 for what jitter makes, 1 for what rotation makes of that
 */
export function packedScratch(slot: 0 | 1, pixels: number): Uint32Array {
  if (pixels > SCRATCH_PIXELS) return new Uint32Array(pixels);
  if (scratch[slot]!.length < pixels) scratch[slot] = new Uint32Array(pixels);
  return scratch[slot]!.subarray(0, pixels);
}

/** Each pixel's three bytes as one word, red lowest, in scratch memory: valid until the next picture is packed. */
export function pack({ width, height, data }: RgbImage): PackedImage {
  const out = packedScratch(0, width * height);
  for (let i = 0, from = 0; i < out.length; i++, from += 3) {
    out[i] = data[from]! | (data[from + 1]! << 8) | (data[from + 2]! << 16);
  }
  return { width, height, data: out };
}

/** Packed pixels as a new picture of three bytes each. */
export function unpack({ width, height, data }: PackedImage): RgbImage {
  const out = new Uint8Array(data.length * 3);
  for (let i = 0, to = 0; i < data.length; i++, to += 3) {
    const pixel = data[i]!;
    out[to] = pixel;
    out[to + 1] = pixel >> 8;
    out[to + 2] = pixel >> 16;
  }
  return { width, height, data: out };
}

/** Horizontal pass: every row to `widthPx`. */
function resampleRows(image: RgbImage, widthPx: number): Uint8Array {
  const { width, height, data } = image;
  const taps = tapsFor(width, widthPx);
  const out = new Uint8Array(height * widthPx * 3); // [height, widthPx, 3]
  const row = taps.three ? resampleRowOfThree : resampleRow;
  for (let y = 0; y < height; y++) row(data, y * width * 3, taps, out, y * widthPx * 3);
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

function resampleRowOfThree(
  data: RgbImage["data"],
  at: number,
  { first, weights }: Taps,
  out: Uint8Array,
  start: number,
): void {
  for (let x = 0, k = 0, to = start; x < first.length; x++, k += 3, to += 3) {
    const i = at + first[x]! * 3;
    const u = weights[k]!;
    const v = weights[k + 1]!;
    const w = weights[k + 2]!;
    const r = Math.imul(u, data[i]!) + Math.imul(v, data[i + 3]!) + Math.imul(w, data[i + 6]!) + HALF;
    const g = Math.imul(u, data[i + 1]!) + Math.imul(v, data[i + 4]!) + Math.imul(w, data[i + 7]!) + HALF;
    const b = Math.imul(u, data[i + 2]!) + Math.imul(v, data[i + 5]!) + Math.imul(w, data[i + 8]!) + HALF;
    out[to] = clip(r >> PRECISION);
    out[to + 1] = clip(g >> PRECISION);
    out[to + 2] = clip(b >> PRECISION);
  }
}

function resamplePackedRow(data: Uint32Array, at: number, taps: Taps, out: Uint8Array, start: number): void {
  const { first, weights } = taps;
  for (let x = 0, k = 0, to = start; x < first.length; x++, k += 3, to += 3) {
    const i = at + first[x]!;
    const u = weights[k]!;
    const v = weights[k + 1]!;
    const w = weights[k + 2]!;
    const p = data[i]! | 0;
    const q = data[i + 1]! | 0;
    const s = data[i + 2]! | 0;
    const r = Math.imul(u, p & 255) + Math.imul(v, q & 255) + Math.imul(w, s & 255) + HALF;
    const g =
      Math.imul(u, (p >> 8) & 255) + Math.imul(v, (q >> 8) & 255) + Math.imul(w, (s >> 8) & 255) + HALF;
    const b = Math.imul(u, p >> 16) + Math.imul(v, q >> 16) + Math.imul(w, s >> 16) + HALF;
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
  const words = stride % 4 === 0 && data.byteOffset % 4 === 0;
  for (let y = 0; y < heightPx; y++) {
    const weights = taps.weights.subarray(y * taps.width, y * taps.width + taps.count[y]!);
    const rows = data.subarray(taps.first[y]! * stride, (taps.first[y]! + weights.length) * stride);
    const row = out.subarray(y * stride, (y + 1) * stride);
    if (taps.three && words) sumThreeRowsByWords(rows, weights, row);
    else if (taps.three) sumThreeRows(rows, weights, row);
    else sumRows(rows, weights, row);
  }
  return out;
}

function sumThreeRows(rows: RgbImage["data"], weights: Int32Array, out: Uint8Array): void {
  const stride = out.length;
  const [u = 0, v = 0, w = 0] = weights;
  for (let i = 0; i < stride; i++) {
    const sum =
      Math.imul(u, rows[i]!) + Math.imul(v, rows[i + stride]!) + Math.imul(w, rows[i + 2 * stride]!);
    out[i] = clip((sum + HALF) >> PRECISION);
  }
}

/** The same four bytes at a time; which of them is the lowest in a word makes no difference. */
function sumThreeRowsByWords(rows: RgbImage["data"], weights: Int32Array, out: Uint8Array): void {
  const from = new Int32Array(rows.buffer, rows.byteOffset, rows.length / 4);
  const to = new Int32Array(out.buffer, out.byteOffset, out.length / 4);
  const stride = to.length;
  const [u = 0, v = 0, w = 0] = weights;
  for (let i = 0; i < stride; i++) {
    const p = from[i]!;
    const q = from[i + stride]!;
    const s = from[i + 2 * stride]!;
    const a = Math.imul(u, p & 255) + Math.imul(v, q & 255) + Math.imul(w, s & 255) + HALF;
    const b =
      Math.imul(u, (p >> 8) & 255) + Math.imul(v, (q >> 8) & 255) + Math.imul(w, (s >> 8) & 255) + HALF;
    const c =
      Math.imul(u, (p >> 16) & 255) + Math.imul(v, (q >> 16) & 255) + Math.imul(w, (s >> 16) & 255) + HALF;
    const d = Math.imul(u, p >>> 24) + Math.imul(v, q >>> 24) + Math.imul(w, s >>> 24) + HALF;
    to[i] =
      clip(a >> PRECISION) |
      (clip(b >> PRECISION) << 8) |
      (clip(c >> PRECISION) << 16) |
      (clip(d >> PRECISION) << 24);
  }
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
