// RGB to planes of luma and halved chroma, exactly as libjpeg-turbo: BT.601 with 16 bits after the point, then means
// of four whose rounding alternates. Source: jccolor.c, jcsample.c (h2v2_downsample), jcprepct.c. Invariant: bit for bit.
import { high, low } from "./dct";

/** Pairs of factors: red and green of Y, blue and green of Y (green's is split to fit), red and green of Cb, green and blue of Cr. */
const FACTORS = memory.data<i16>([19595, 22086, 7471, 16384, -11059, -21709, -27439, -5329]);

// Loaded once a row: V8 makes a constant vector anew wherever it is used.
const HALF = memory.data<i32>([0x8000]);
const MIDDLE = memory.data<i32>([(128 << 16) + 0x7fff]);
/** Of 16 pixels in 48 bytes, where their reds are in each third; greens and blues come after them. */
const REDS = memory.data<u8>([
  0, 3, 6, 9, 12, 15, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 2, 5, 8, 11, 14, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 4, 7, 10, 13,
], 16);
const GREENS = memory.data<u8>([
  1, 4, 7, 10, 13, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 0, 3, 6, 9, 12, 15, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2, 5, 8, 11, 14,
], 16);
const BLUES = memory.data<u8>([
  2, 5, 8, 11, 14, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 1, 4, 7, 10, 13, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 3, 6, 9, 12, 15,
], 16);

@inline
function weigh(pairs: v128, k: usize): v128 {
  return i32x4.dot_i16x8_s(pairs, v128.load32_splat(FACTORS + k * 4));
}

/** The upper halves of two times four sums. */
@inline
function upper(l: v128, h: v128): v128 {
  return i8x16.shuffle(l, h, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31);
}

/** Luma and chroma of eight pixels, i16. */
let yEight: v128 = i64x2.splat(0);
let cbEight: v128 = i64x2.splat(0);
let crEight: v128 = i64x2.splat(0);

@inline
function convert(r: v128, g: v128, b: v128, half: v128, middle: v128): void {
  const rgl = low(r, g);
  const rgh = high(r, g);
  const bgl = low(b, g);
  const bgh = high(b, g);
  yEight = upper(
    i32x4.add(i32x4.add(weigh(rgl, 0), weigh(bgl, 1)), half),
    i32x4.add(i32x4.add(weigh(rgh, 0), weigh(bgh, 1)), half),
  );
  cbEight = upper(
    i32x4.add(i32x4.add(weigh(rgl, 2), i32x4.shl(i32x4.extend_low_i16x8_u(b), 15)), middle),
    i32x4.add(i32x4.add(weigh(rgh, 2), i32x4.shl(i32x4.extend_high_i16x8_u(b), 15)), middle),
  );
  crEight = upper(
    i32x4.add(i32x4.add(weigh(low(g, b), 3), i32x4.shl(i32x4.extend_low_i16x8_u(r), 15)), middle),
    i32x4.add(i32x4.add(weigh(high(g, b), 3), i32x4.shl(i32x4.extend_high_i16x8_u(r), 15)), middle),
  );
}

@inline
function gathered(p: v128, q: v128, s: v128, from: usize): v128 {
  return v128.or(
    v128.or(i8x16.swizzle(p, v128.load(from)), i8x16.swizzle(q, v128.load(from, 16))),
    i8x16.swizzle(s, v128.load(from, 32)),
  );
}

/** One row of RGB u8 [count, 3] to three of u8 [count], each with 16 more, which repeat the last; 48 bytes more are read. */
function convertRow(rgb: usize, count: usize, y: usize, cb: usize, cr: usize): void {
  const half = v128.load32_splat(HALF);
  const middle = v128.load32_splat(MIDDLE);
  for (let i: usize = 0; i < count; i += 16, rgb += 48) {
    const p = v128.load(rgb, 0);
    const q = v128.load(rgb, 16);
    const s = v128.load(rgb, 32);
    const r = gathered(p, q, s, REDS);
    const g = gathered(p, q, s, GREENS);
    const b = gathered(p, q, s, BLUES);
    convert(i16x8.extend_low_i8x16_u(r), i16x8.extend_low_i8x16_u(g), i16x8.extend_low_i8x16_u(b), half, middle);
    const yl = yEight;
    const bl = cbEight;
    const rl = crEight;
    convert(i16x8.extend_high_i8x16_u(r), i16x8.extend_high_i8x16_u(g), i16x8.extend_high_i8x16_u(b), half, middle);
    v128.store(y + i, i8x16.narrow_i16x8_u(yl, yEight));
    v128.store(cb + i, i8x16.narrow_i16x8_u(bl, cbEight));
    v128.store(cr + i, i8x16.narrow_i16x8_u(rl, crEight));
  }
  repeatLast(y, count);
  repeatLast(cb, count);
  repeatLast(cr, count);
}

@inline
function repeatLast(row: usize, count: usize): void {
  memory.fill(row + count, load<u8>(row + count - 1), 16);
}

/** Means of two rows' pairs. */
function halve(a: usize, b: usize, count: usize, to: usize): void {
  const bias = i16x8(1, 2, 1, 2, 1, 2, 1, 2);
  for (let i: usize = 0; i < count; i += 8) {
    const above = i16x8.extadd_pairwise_i8x16_u(v128.load(a + 2 * i));
    const below = i16x8.extadd_pairwise_i8x16_u(v128.load(b + 2 * i));
    const mean = i16x8.shr_u(i16x8.add(i16x8.add(above, below), bias), 2);
    v128.store64_lane(to + i, i8x16.narrow_i16x8_u(mean, mean), 0);
  }
}

/**
 * Planes of a picture, filled to whole blocks of 16.
 *
 * @param rgb - u8 [height, width, 3]; 48 bytes more are read
 * @param stride - width rounded up to 16
 * @param y - u8 [stride high, stride]; 32 bytes more are overwritten
 * @param cb - u8 [half of that, half of that], as `cr`
 * @param rows - memory for four rows of `stride` + 32
 */
export function toPlanes(
  rgb: usize, width: usize, height: usize, stride: usize, y: usize, cb: usize, cr: usize, rows: usize,
): void {
  const line = stride + 32;
  const half = stride >> 1;
  const tall = (height + 15) & ~15;
  const near = rows + 2 * line;
  for (let k: usize = 0; k < height; k += 2) {
    convertRow(rgb + k * width * 3, width, y + k * stride, rows, near);
    const next = min(k + 1, height - 1);
    // The row that is written last has its right edge overwritten by none after it.
    convertRow(rgb + next * width * 3, width, y + (k + 1) * stride, rows + line, near + line);
    halve(rows, rows + line, half, cb + (k >> 1) * half);
    halve(near, near + line, half, cr + (k >> 1) * half);
  }
  for (let k = height; k < tall; k++) memory.copy(y + k * stride, y + (height - 1) * stride, stride);
  const last = ((height + 1) >> 1) - 1;
  for (let k = last + 1; k < tall >> 1; k++) {
    memory.copy(cb + k * half, cb + last * half, half);
    memory.copy(cr + k * half, cr + last * half, half);
  }
}
