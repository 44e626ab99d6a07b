// ◇ Browser-safe. RGB images as plain arrays, and the one resample of the house (DESIGN rule 2).
// Source: Pillow's Resample.c: triangle filter, weights in 22-bit fixed point, horizontal pass,
// then vertical pass, u8 between them. Invariant: bit for bit what `PIL.Image.resize(size, BILINEAR)` gives.

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

/** For each output position: the first input position and the weights of those that follow. */
interface Taps {
  readonly first: Int32Array; // [out]
  readonly count: Int32Array; // [out]
  /** Fixed point, `PRECISION` bits after the point; row stride `width`. */
  readonly weights: Int32Array; // [out, width]
  readonly width: number;
  /** Each output position has three, some of weight 0: the usual case (shrinking to no less than two thirds). */
  readonly three: boolean;
}

const PRECISION = 22;
const HALF = 1 << (PRECISION - 1);
const CACHED_TAPS = 64;
const tapsBySizes = new Map<string, Taps>();

/**
 * Resample by a triangle filter that widens when shrinking (antialiased), as Pillow and therefore torchvision
 * do to PIL images. The aspect ratio is not kept.
 *
 * @param image - RGB u8
 * @param widthPx - width of the output, px; >= 1
 * @param heightPx - height of the output, px; >= 1
 * @returns RGB u8, [heightPx, widthPx, 3]; `image` itself if it has that size already
 * @source Pillow Resample.c, BILINEAR, 8 bits per channel
 * @example resizeBilinear(image, 224, 224)
 */
export function resizeBilinear(image: RgbImage, widthPx: number, heightPx: number): RgbImage {
  if (image.width === widthPx && image.height === heightPx) return image;
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

export function pack({ width, height, data }: RgbImage): PackedImage {
  const out = new Uint32Array(width * height);
  for (let i = 0, from = 0; i < out.length; i++, from += 3) {
    out[i] = data[from]! | (data[from + 1]! << 8) | (data[from + 2]! << 16);
  }
  return { width, height, data: out };
}

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
  for (let y = 0; y < heightPx; y++) {
    const weights = taps.weights.subarray(y * taps.width, y * taps.width + taps.count[y]!);
    const rows = data.subarray(taps.first[y]! * stride, (taps.first[y]! + weights.length) * stride);
    const row = out.subarray(y * stride, (y + 1) * stride);
    if (taps.three) sumThreeRows(rows, weights, row);
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

function tapsFor(inSize: number, outSize: number): Taps {
  const key = `${inSize}>${outSize}`;
  let taps = tapsBySizes.get(key);
  if (taps === undefined) {
    if (tapsBySizes.size >= CACHED_TAPS) tapsBySizes.clear();
    taps = makeTaps(inSize, outSize);
    tapsBySizes.set(key, taps);
  }
  return taps;
}

function makeTaps(inSize: number, outSize: number): Taps {
  const scale = inSize / outSize;
  const support = Math.max(1, scale); // the triangle reaches one (widened) pixel to each side
  const width = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weights = new Int32Array(outSize * width);
  const exact = new Float64Array(width);
  for (let x = 0; x < outSize; x++) {
    const centre = (x + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(inSize, Math.trunc(centre + support + 0.5));
    let sum = 0;
    for (let k = 0; k < high - low; k++) {
      const weight = Math.max(0, 1 - Math.abs((k + low - centre + 0.5) * (1 / support)));
      exact[k] = weight;
      sum += weight;
    }
    for (let k = 0; k < high - low; k++) {
      const share = sum === 0 ? exact[k]! : exact[k]! / sum;
      weights[x * width + k] = Math.trunc(0.5 + share * (1 << PRECISION));
    }
    first[x] = low;
    count[x] = high - low;
  }
  const taps = { first, count, weights, width, three: false };
  return inSize >= 3 && count.every((n) => n <= 3) ? padToThree(taps, inSize) : taps;
}

/** Weights of 0 before or behind, so that no position beyond the input is read. */
function padToThree({ first, count, weights, width }: Taps, inSize: number): Taps {
  const padded = {
    first: first.map((low) => Math.min(low, inSize - 3)),
    weights: new Int32Array(first.length * 3),
  };
  for (let x = 0; x < first.length; x++) {
    const from = weights.subarray(x * width, x * width + count[x]!);
    padded.weights.set(from, x * 3 + first[x]! - padded.first[x]!);
  }
  return { ...padded, count: count.map(() => 3), width: 3, three: true };
}

/** Mirror left and right. */
export function flipHorizontal(image: RgbImage): RgbImage {
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
