// Forward DCT of one block and its division by the quantisation table, exactly as libjpeg's "islow".
// Source: jfdctint.c (the same method and constants as idct.ts, the other way), jcdctmgr.c. Invariant: bit for bit.
import { factors, high, low, ROWS, transpose } from "./dct";

/** Reciprocals of 8 times the divisors, f32 [2 tables, 8, 8], row-major. */
const RECIPROCALS = memory.data(2 * 256, 16);
// Loaded once a block: V8 makes a constant vector anew wherever it is used.
/** 1.5 * 2^23: what is added to it is rounded, and differs from it in the sum's bits. */
const MAGIC = memory.data<f32>([12582912]);
/** Halves of the last bit that remains, after the first pass and after the second. */
const HALVES = memory.data<i32>([1 << 10, 1 << 14]);

/** Takes a table of 64 divisors, row-major. */
export function setDivisors(id: usize, from: usize): void {
  for (let k: usize = 0; k < 64; k++) {
    // Halves go away from zero: a little more than the quotient turns them, and nothing else (below 2^20).
    const divisor = <f64>load<u8>(from + k) * 8;
    store<f32>(RECIPROCALS + id * 256 + k * 4, <f32>((1 + 1 / 1048576.0) / divisor));
  }
}

/** One pass down the columns of the rows in memory, in place; the first keeps two more bits. */
@inline
function pass(first: bool): void {
  const shift = first ? 11 : 15;
  const rounding = v128.load32_splat(first ? HALVES : HALVES + 4);
  const in0 = v128.load(ROWS, 0);
  const in1 = v128.load(ROWS, 16);
  const in2 = v128.load(ROWS, 32);
  const in3 = v128.load(ROWS, 48);
  const in4 = v128.load(ROWS, 64);
  const in5 = v128.load(ROWS, 80);
  const in6 = v128.load(ROWS, 96);
  const in7 = v128.load(ROWS, 112);
  const sum0 = i16x8.add(in0, in7);
  const sum1 = i16x8.add(in1, in6);
  const sum2 = i16x8.add(in2, in5);
  const sum3 = i16x8.add(in3, in4);
  const odd4 = i16x8.sub(in3, in4);
  const odd5 = i16x8.sub(in2, in5);
  const odd6 = i16x8.sub(in1, in6);
  const odd7 = i16x8.sub(in0, in7);
  // Even part.
  const even0 = i16x8.add(sum0, sum3);
  const even1 = i16x8.add(sum1, sum2);
  const both = i16x8.add(even0, even1);
  const apart = i16x8.sub(even0, even1);
  if (first) {
    v128.store(ROWS, i16x8.shl(both, 2), 0);
    v128.store(ROWS, i16x8.shl(apart, 2), 64);
  } else {
    const half = i16x8.splat(2);
    v128.store(ROWS, i16x8.shr_s(i16x8.add(both, half), 2), 0);
    v128.store(ROWS, i16x8.shr_s(i16x8.add(apart, half), 2), 64);
  }
  const even3 = i16x8.sub(sum0, sum3);
  const even2 = i16x8.sub(sum1, sum2);
  const el = low(even3, even2);
  const eh = high(even3, even2);
  put(2, i32x4.dot_i16x8_s(el, factors(0)), i32x4.dot_i16x8_s(eh, factors(0)), shift, rounding);
  put(6, i32x4.dot_i16x8_s(el, factors(1)), i32x4.dot_i16x8_s(eh, factors(1)), shift, rounding);
  // Odd part.
  const z3 = i16x8.add(odd4, odd6);
  const z4 = i16x8.add(odd5, odd7);
  const zl = low(z3, z4);
  const zh = high(z3, z4);
  const z3l = i32x4.dot_i16x8_s(zl, factors(2));
  const z3h = i32x4.dot_i16x8_s(zh, factors(2));
  const z4l = i32x4.dot_i16x8_s(zl, factors(3));
  const z4h = i32x4.dot_i16x8_s(zh, factors(3));
  const l47 = low(odd4, odd7);
  const h47 = high(odd4, odd7);
  const l56 = low(odd5, odd6);
  const h56 = high(odd5, odd6);
  put(7, sum(l47, 4, z3l), sum(h47, 4, z3h), shift, rounding);
  put(1, sum(l47, 5, z4l), sum(h47, 5, z4h), shift, rounding);
  put(5, sum(l56, 6, z4l), sum(h56, 6, z4h), shift, rounding);
  put(3, sum(l56, 7, z3l), sum(h56, 7, z3h), shift, rounding);
}

@inline
function sum(pairs: v128, k: usize, to: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(pairs, factors(k)), to);
}

@inline
function put(row: usize, l: v128, h: v128, shift: i32, half: v128): void {
  v128.store(
    ROWS + row * 16,
    i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(l, half), shift), i32x4.shr_s(i32x4.add(h, half), shift)),
  );
}

/** Four quotients, each added to the bits of `magic`. */
@inline
function divided(values: v128, reciprocals: usize, magic: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(values), v128.load(reciprocals)), magic);
}

/**
 * Quantised coefficients of a block.
 *
 * @param from - u8 [8, 8], `stride` bytes from row to row
 * @param id - of the divisors
 * @param to - i16 [8, 8], row-major
 * @returns which of them are not zero, the first in the lowest bit
 */
export function forward(from: usize, stride: usize, id: usize, to: usize): u64 {
  const middle = i16x8.splat(128);
  for (let at: usize = 0; at < 128; at += 16, from += stride) {
    v128.store(ROWS + at, i16x8.sub(v128.load8x8_u(from), middle));
  }
  transpose();
  pass(true);
  transpose();
  pass(false);
  let table = RECIPROCALS + id * 256;
  let known: u64 = 0;
  const zero = i64x2.splat(0);
  const magic = v128.load32_splat(MAGIC);
  for (let row: usize = 0; row < 8; row++, table += 32) {
    const values = v128.load(ROWS + row * 16);
    const l = divided(i32x4.extend_low_i16x8_s(values), table, magic);
    const h = divided(i32x4.extend_high_i16x8_s(values), table + 16, magic);
    const out = i16x8.narrow_i32x4_s(i32x4.sub(l, magic), i32x4.sub(h, magic));
    v128.store(to + row * 16, out);
    known |= (<u64>i16x8.bitmask(i16x8.ne(out, zero)) & 255) << (<u64>row * 8);
  }
  return known;
}
