// The resample of the house without rotation, and the mean of two by two pixels before it where it shrinks much.
// Source and reference: src/pixels/pixels.ts and src/pixels/reduce.ts. Invariant: bit for bit the same.
// Weights have 22 bits after the point, more than a product of 16-bit lanes takes: they are split into 11 and 11.

const PRECISION: i32 = 22;
const LOW_BITS: i32 = 11;
/** Loaded: V8 makes a constant vector anew wherever it is used. */
const HALF = memory.data<i32>([1 << (PRECISION - 1)]);
/** Of two pixels' bytes: their colours as pairs of 16-bit lanes. */
const TWO = memory.data<u8>([0, 255, 3, 255, 1, 255, 4, 255, 2, 255, 5, 255, 255, 255, 255, 255], 16);
/** Of four pixels' bytes: each colour beside that of the next pixel. */
const NEIGHBOURS = memory.data<u8>([0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, 255, 255, 255, 255], 16);

/** Bytes of a pair of weights: their upper halves, then the lower ones. */
const PAIR: usize = 8;

/** One output pixel: red, green and blue as i32. */
@inline
function weighted(from: usize, weights: usize, pairs: usize, two: v128): v128 {
  let high = i64x2.splat(0);
  let low = v128.load32_splat(HALF);
  for (let k: usize = 0; k < pairs; k++, from += 6, weights += PAIR) {
    const colours = i8x16.swizzle(v128.load64_zero(from), two);
    high = i32x4.add(high, i32x4.dot_i16x8_s(colours, v128.load32_splat(weights)));
    low = i32x4.add(low, i32x4.dot_i16x8_s(colours, v128.load32_splat(weights, 4)));
  }
  return i32x4.shr_s(i32x4.add(i32x4.shl(high, LOW_BITS), low), PRECISION);
}

/**
 * Shrinks or enlarges every row.
 *
 * @param rgb - u8 [height, width, 3]; 64 bytes more are read
 * @param row - bytes from row to row
 * @param taps - first bytes u32 [n], then weights [n, pairs] of PAIR bytes; n is a multiple of 4 and at least `widthPx`
 * @param out - u8 [height, widthPx, 3]; up to 16 bytes more are overwritten
 */
export function resampleRows(
  rgb: usize, row: usize, height: usize, taps: usize, n: usize, pairs: usize, widthPx: usize, out: usize,
): void {
  const two = v128.load(TWO);
  const step = pairs * PAIR;
  for (let y: usize = 0; y < height; y++, rgb += row, out += widthPx * 3) {
    let weights = taps + n * 4;
    let to = out;
    for (let x: usize = 0; x < n; x += 4, to += 12, weights += step * 4) {
      const at = taps + x * 4;
      const a = weighted(rgb + load<u32>(at, 0), weights, pairs, two);
      const b = weighted(rgb + load<u32>(at, 4), weights + step, pairs, two);
      const c = weighted(rgb + load<u32>(at, 8), weights + step * 2, pairs, two);
      const d = weighted(rgb + load<u32>(at, 12), weights + step * 3, pairs, two);
      const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
      v128.store(to, i8x16.shuffle(bytes, bytes, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0));
    }
  }
}

/** Sums of the upper and of the lower halves, together and rounded. */
@inline
function total(high: v128, low: v128): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.shl(high, LOW_BITS), low), PRECISION);
}

/** One row of the second pass: rows weighted in pairs, 16 bytes at a time. */
@inline
function sumRows(rows: usize, stride: usize, weights: usize, pairs: usize, to: usize): void {
  for (let i: usize = 0; i < stride; i += 16) {
    let lowA = v128.load32_splat(HALF);
    let lowB = lowA;
    let lowC = lowA;
    let lowD = lowA;
    let highA = i64x2.splat(0);
    let highB = highA;
    let highC = highA;
    let highD = highA;
    let from = rows + i;
    for (let k: usize = 0; k < pairs; k++, from += 2 * stride) {
      const high = v128.load32_splat(weights + k * PAIR);
      const low = v128.load32_splat(weights + k * PAIR, 4);
      const even = v128.load(from);
      const odd = v128.load(from + stride);
      const l = i8x16.shuffle(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const h = i8x16.shuffle(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const a = i16x8.extend_low_i8x16_u(l);
      highA = i32x4.add(highA, i32x4.dot_i16x8_s(a, high));
      lowA = i32x4.add(lowA, i32x4.dot_i16x8_s(a, low));
      const b = i16x8.extend_high_i8x16_u(l);
      highB = i32x4.add(highB, i32x4.dot_i16x8_s(b, high));
      lowB = i32x4.add(lowB, i32x4.dot_i16x8_s(b, low));
      const c = i16x8.extend_low_i8x16_u(h);
      highC = i32x4.add(highC, i32x4.dot_i16x8_s(c, high));
      lowC = i32x4.add(lowC, i32x4.dot_i16x8_s(c, low));
      const d = i16x8.extend_high_i8x16_u(h);
      highD = i32x4.add(highD, i32x4.dot_i16x8_s(d, high));
      lowD = i32x4.add(lowD, i32x4.dot_i16x8_s(d, low));
    }
    v128.store(to + i, i8x16.narrow_i16x8_u(
      i16x8.narrow_i32x4_s(total(highA, lowA), total(highB, lowB)),
      i16x8.narrow_i32x4_s(total(highC, lowC), total(highD, lowD))));
  }
}

/**
 * Shrinks or enlarges every column.
 *
 * @param rows - u8 with `stride` bytes a row; what the last pairs reach behind the last row, and 16 bytes more, are read and do not count
 * @param taps - as for the rows; first rows instead of bytes
 * @param out - u8 [heightPx, stride]; up to 15 bytes more are overwritten
 */
export function resampleColumns(
  rows: usize, stride: usize, taps: usize, n: usize, pairs: usize, heightPx: usize, out: usize,
): void {
  const weights = taps + n * 4;
  for (let y: usize = 0; y < heightPx; y++, out += stride) {
    sumRows(rows + load<u32>(taps + y * 4) * stride, stride, weights + y * pairs * PAIR, pairs, out);
  }
}

/**
 * Means of two by two pixels; an odd last row or column is left out. It may write over what it reads.
 *
 * @param from - RGB u8 [height, width, 3]; 16 bytes more are read
 * @param to - u8 [height / 2, width / 2, 3]; 8 bytes more are overwritten
 */
export function reduce(from: usize, width: usize, height: usize, to: usize): void {
  const row = width * 3;
  const outRow = (width >> 1) * 3;
  const order = v128.load(NEIGHBOURS);
  const two = i16x8.splat(2);
  for (let y: usize = 0; y < height >> 1; y++, from += 2 * row, to += outRow) {
    let at = from;
    for (let i: usize = 0; i < outRow; i += 6, at += 12) {
      const above = i16x8.extadd_pairwise_i8x16_u(i8x16.swizzle(v128.load(at), order));
      const below = i16x8.extadd_pairwise_i8x16_u(i8x16.swizzle(v128.load(at + row), order));
      const mean = i16x8.shr_u(i16x8.add(i16x8.add(above, below), two), 2);
      v128.store64_lane(to + i, i8x16.narrow_i16x8_u(mean, mean), 0);
    }
  }
}
