// Inverse DCT of one block, exactly as libjpeg's "islow", the default of libjpeg-turbo, Pillow and sharp.
// Source: jidctint.c (Loeffler, Ligtenberg and Moschytz 1989, 13-bit constants), with the 16-bit saturation that the
// SIMD versions of libjpeg-turbo have between the passes. Invariants: bit for bit what they give; a block in which 16 bits
// could be left, where versions for other processors give other samples, is refused.
import { factors, high, low, ROWS, transpose } from "./dct";

/** Factors of odd inputs 1 and 3 alone, with all that comes together: of outputs 0 and 7, 1 and 6, 2 and 5, 3 and 4. */
const FEW = memory.data<i16>([11363, 9633, 9633, -2259, 6437, -11362, 2260, -6436]);
/** Halves of the last bit that remains, after the first pass and after the second. */
const HALVES = memory.data<i32>([1 << 10, 1 << 17]);

/** One pass down the columns of the rows in memory, in place. */
@inline
function pass(shift: i32, half: v128): void {
  const in0 = v128.load(ROWS, 0);
  const in1 = v128.load(ROWS, 16);
  const in2 = v128.load(ROWS, 32);
  const in3 = v128.load(ROWS, 48);
  const in4 = v128.load(ROWS, 64);
  const in5 = v128.load(ROWS, 80);
  const in6 = v128.load(ROWS, 96);
  const in7 = v128.load(ROWS, 112);
  // Even part.
  const e26l = low(in2, in6);
  const e26h = high(in2, in6);
  const even3 = factors(0);
  const even2 = factors(1);
  const t3l = i32x4.dot_i16x8_s(e26l, even3);
  const t3h = i32x4.dot_i16x8_s(e26h, even3);
  const t2l = i32x4.dot_i16x8_s(e26l, even2);
  const t2h = i32x4.dot_i16x8_s(e26h, even2);
  const plus = i16x8.add(in0, in4);
  const minus = i16x8.sub(in0, in4);
  const t0l = i32x4.add(i32x4.shl(i32x4.extend_low_i16x8_s(plus), 13), half);
  const t0h = i32x4.add(i32x4.shl(i32x4.extend_high_i16x8_s(plus), 13), half);
  const t1l = i32x4.add(i32x4.shl(i32x4.extend_low_i16x8_s(minus), 13), half);
  const t1h = i32x4.add(i32x4.shl(i32x4.extend_high_i16x8_s(minus), 13), half);
  // Odd part.
  const z3 = i16x8.add(in7, in3);
  const z4 = i16x8.add(in5, in1);
  const z34l = low(z3, z4);
  const z34h = high(z3, z4);
  const to3 = factors(2);
  const to4 = factors(3);
  const z3l = i32x4.dot_i16x8_s(z34l, to3);
  const z3h = i32x4.dot_i16x8_s(z34h, to3);
  const z4l = i32x4.dot_i16x8_s(z34l, to4);
  const z4h = i32x4.dot_i16x8_s(z34h, to4);
  const o71l = low(in7, in1);
  const o71h = high(in7, in1);
  const o53l = low(in5, in3);
  const o53h = high(in5, in3);
  const odd0 = factors(4);
  const odd3 = factors(5);
  const odd1 = factors(6);
  const odd2 = factors(7);
  finish(0, 7, i32x4.add(t0l, t3l), i32x4.add(t0h, t3h),
    i32x4.add(i32x4.dot_i16x8_s(o71l, odd3), z4l), i32x4.add(i32x4.dot_i16x8_s(o71h, odd3), z4h), shift);
  finish(1, 6, i32x4.add(t1l, t2l), i32x4.add(t1h, t2h),
    i32x4.add(i32x4.dot_i16x8_s(o53l, odd2), z3l), i32x4.add(i32x4.dot_i16x8_s(o53h, odd2), z3h), shift);
  finish(2, 5, i32x4.sub(t1l, t2l), i32x4.sub(t1h, t2h),
    i32x4.add(i32x4.dot_i16x8_s(o53l, odd1), z4l), i32x4.add(i32x4.dot_i16x8_s(o53h, odd1), z4h), shift);
  finish(3, 4, i32x4.sub(t0l, t3l), i32x4.sub(t0h, t3h),
    i32x4.add(i32x4.dot_i16x8_s(o71l, odd0), z3l), i32x4.add(i32x4.dot_i16x8_s(o71h, odd0), z3h), shift);
}

/** The second pass where inputs 4 to 7 are zero. */
@inline
function secondFew(half: v128): void {
  const in0 = v128.load(ROWS, 0);
  const in1 = v128.load(ROWS, 16);
  const in2 = v128.load(ROWS, 32);
  const in3 = v128.load(ROWS, 48);
  const none = i64x2.splat(0);
  const e2l = low(in2, none);
  const e2h = high(in2, none);
  const t3l = i32x4.dot_i16x8_s(e2l, factors(0));
  const t3h = i32x4.dot_i16x8_s(e2h, factors(0));
  const t2l = i32x4.dot_i16x8_s(e2l, factors(1));
  const t2h = i32x4.dot_i16x8_s(e2h, factors(1));
  const t0l = i32x4.add(i32x4.shl(i32x4.extend_low_i16x8_s(in0), 13), half);
  const t0h = i32x4.add(i32x4.shl(i32x4.extend_high_i16x8_s(in0), 13), half);
  const o13l = low(in1, in3);
  const o13h = high(in1, in3);
  finish(0, 7, i32x4.add(t0l, t3l), i32x4.add(t0h, t3h), few(o13l, 0), few(o13h, 0), 18);
  finish(1, 6, i32x4.add(t0l, t2l), i32x4.add(t0h, t2h), few(o13l, 4), few(o13h, 4), 18);
  finish(2, 5, i32x4.sub(t0l, t2l), i32x4.sub(t0h, t2h), few(o13l, 8), few(o13h, 8), 18);
  finish(3, 4, i32x4.sub(t0l, t3l), i32x4.sub(t0h, t3h), few(o13l, 12), few(o13h, 12), 18);
}

/** The first pass where only four rows of four are not zero, and the transposition after it: to inputs 0 to 3 of the second. */
@inline
function firstFew(half: v128): void {
  const none = i64x2.splat(0);
  const in0 = v128.load64_zero(ROWS, 0);
  const in2 = low(v128.load64_zero(ROWS, 32), none);
  const o13 = low(v128.load64_zero(ROWS, 16), v128.load64_zero(ROWS, 48));
  const t0 = i32x4.add(i32x4.shl(i32x4.extend_low_i16x8_s(in0), 13), half);
  const t3 = i32x4.dot_i16x8_s(in2, factors(0));
  const t2 = i32x4.dot_i16x8_s(in2, factors(1));
  const e0 = i32x4.add(t0, t3);
  const e1 = i32x4.add(t0, t2);
  const e2 = i32x4.sub(t0, t2);
  const e3 = i32x4.sub(t0, t3);
  const o0 = few(o13, 0);
  const o1 = few(o13, 4);
  const o2 = few(o13, 8);
  const o3 = few(o13, 12);
  const a0 = low(four(i32x4.add(e0, o0)), four(i32x4.sub(e3, o3)));
  const a1 = low(four(i32x4.add(e1, o1)), four(i32x4.sub(e2, o2)));
  const a2 = low(four(i32x4.add(e2, o2)), four(i32x4.sub(e1, o1)));
  const a3 = low(four(i32x4.add(e3, o3)), four(i32x4.sub(e0, o0)));
  const b0 = low(a0, a2);
  const b1 = high(a0, a2);
  const b2 = low(a1, a3);
  const b3 = high(a1, a3);
  v128.store(ROWS, low(b0, b2), 0);
  v128.store(ROWS, high(b0, b2), 16);
  v128.store(ROWS, low(b1, b3), 32);
  v128.store(ROWS, high(b1, b3), 48);
}

/** Four results of the first pass, i16, in the low half. */
@inline
function four(sum: v128): v128 {
  const shifted = i32x4.shr_s(sum, 11);
  return i16x8.narrow_i32x4_s(shifted, shifted);
}

@inline
function few(odd: v128, at: usize): v128 {
  return i32x4.dot_i16x8_s(odd, v128.load32_splat(FEW + at));
}

/** Sum and difference of an even and an odd part, as rows `a` and `b`; half of the last bit is in the even part. */
@inline
function finish(a: usize, b: usize, evenL: v128, evenH: v128, oddL: v128, oddH: v128, shift: i32): void {
  v128.store(
    ROWS + a * 16,
    i16x8.narrow_i32x4_s(
      i32x4.shr_s(i32x4.add(evenL, oddL), shift), i32x4.shr_s(i32x4.add(evenH, oddH), shift)),
  );
  v128.store(
    ROWS + b * 16,
    i16x8.narrow_i32x4_s(
      i32x4.shr_s(i32x4.sub(evenL, oddL), shift), i32x4.shr_s(i32x4.sub(evenH, oddH), shift)),
  );
}

/**
 * Sum of absolute dequantised coefficients in two columns, up to which nothing leaves 16 bits: the first pass gives at most
 * 4 * sqrt(2) * cos(pi / 16) of it, 5.549, and the second adds columns k and k + 4. Blocks of real samples stay below: by
 * Parseval's equation their coefficients' root sum of squares is at most 1024, so 16 of them sum to 4096 but for rounding.
 */
export const MOST: i32 = 5900;

/** Up to here in the zigzag, coefficients lie in the first four rows and columns. */
const LAST_FEW: i32 = 9;

/**
 * Samples of a block.
 *
 * @param last - position of its last coefficient in the zigzag
 * @param block - coefficients i16 [8, 8], row-major; left zeroed for the next block
 * @param quant - i16 [8, 8], row-major
 * @param to - u8 [8, 8] with `stride` bytes from row to row
 * @returns false if 16 bits could be left; then nothing is written
 */
export function inverse(last: i32, block: usize, quant: usize, to: usize, stride: usize): bool {
  const end: usize = last <= LAST_FEW ? 64 : 128;
  let sums = i64x2.splat(0);
  for (let at: usize = 0; at < end; at += 16) {
    const values = v128.load(block + at);
    const steps = v128.load(quant + at);
    const product = i16x8.narrow_i32x4_s(
      i32x4.extmul_low_i16x8_s(values, steps), i32x4.extmul_high_i16x8_s(values, steps));
    sums = i16x8.add_sat_s(sums, i16x8.abs(i16x8.max_s(product, i16x8.splat(-0x7fff))));
    v128.store(ROWS + at, product);
    v128.store(block + at, i64x2.splat(0));
  }
  const pairs = i16x8.add_sat_s(sums, i8x16.shuffle(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  if (v128.any_true(i16x8.gt_s(pairs, i16x8.splat(<i16>MOST)))) return false;
  const first = v128.load32_splat(HALVES);
  const second = v128.load32_splat(HALVES, 4);
  if (last <= LAST_FEW) {
    firstFew(first);
    secondFew(second);
  } else {
    pass(11, first);
    transpose();
    pass(18, second);
  }
  storeTurned(to, stride);
  return true;
}

/** Rows to columns again, as bytes. */
@inline
function storeTurned(to: usize, stride: usize): void {
  const middle = i8x16.splat(-128);
  const v0 = i8x16.add(i8x16.narrow_i16x8_s(v128.load(ROWS, 0), v128.load(ROWS, 16)), middle);
  const v1 = i8x16.add(i8x16.narrow_i16x8_s(v128.load(ROWS, 32), v128.load(ROWS, 48)), middle);
  const v2 = i8x16.add(i8x16.narrow_i16x8_s(v128.load(ROWS, 64), v128.load(ROWS, 80)), middle);
  const v3 = i8x16.add(i8x16.narrow_i16x8_s(v128.load(ROWS, 96), v128.load(ROWS, 112)), middle);
  // Interleaving k with k + 4 three times transposes.
  const a0 = lowBytes(v0, v2);
  const a1 = highBytes(v0, v2);
  const a2 = lowBytes(v1, v3);
  const a3 = highBytes(v1, v3);
  const b0 = lowBytes(a0, a2);
  const b1 = highBytes(a0, a2);
  const b2 = lowBytes(a1, a3);
  const b3 = highBytes(a1, a3);
  storeTwo(to, stride, lowBytes(b0, b2));
  storeTwo(to + 2 * stride, stride, highBytes(b0, b2));
  storeTwo(to + 4 * stride, stride, lowBytes(b1, b3));
  storeTwo(to + 6 * stride, stride, highBytes(b1, b3));
}

@inline
function lowBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

@inline
function highBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

@inline
function storeTwo(to: usize, stride: usize, rows: v128): void {
  v128.store64_lane(to, rows, 0);
  v128.store64_lane(to + stride, rows, 1);
}

/** The same for a block whose only coefficient is the first. */
export function flat(dc: i32, to: usize, stride: usize): void {
  const value = max(-128, min(127, (dc + 4) >> 3)) + 128;
  const row = i8x16.splat(<i8>value);
  for (let k = 0; k < 8; k++, to += stride) v128.store64_lane(to, row, 0);
}
