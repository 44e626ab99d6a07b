// What the forward and the inverse DCT share: the factors, the rows between their passes, and the transposition.
// Source: jidctint.c and jfdctint.c (Loeffler, Ligtenberg and Moschytz 1989, 13-bit constants).

/**
 * Pairs of factors with 13 bits after the point, of even inputs 2 and 6, sums of odd ones, and odd ones 7 and 1, 5 and 3.
 * They are loaded: V8 makes a constant vector anew wherever it is used.
 */
const FACTORS = memory.data<i16>([
  4433 + 6270, 4433, // 0.541196100 + 0.765366865, 0.541196100
  4433, 4433 - 15137, // 1.847759065
  9633 - 16069, 9633, // 1.175875602 - 1.961570560
  9633, 9633 - 3196, // 0.390180644
  2446 - 7373, -7373, // 0.298631336 - 0.899976223
  -7373, 12299 - 7373, // 1.501321110
  16819 - 20995, -20995, // 2.053119869 - 2.562915447
  -20995, 25172 - 20995, // 3.072711026
]);

/** Eight rows of eight, i16, between the two passes. */
export const ROWS = memory.data(128, 16);

/** Pair `k` of `FACTORS` in all lanes. */
@inline
export function factors(k: usize): v128 {
  return v128.load32_splat(FACTORS + k * 4);
}

/** The first four numbers of `a` and of `b`, i16, in turn. */
@inline
export function low(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
}

/** The last four. */
@inline
export function high(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
}

/** Rows to columns, in place. */
@inline
export function transpose(): void {
  const a0 = v128.load(ROWS, 0);
  const a1 = v128.load(ROWS, 16);
  const a2 = v128.load(ROWS, 32);
  const a3 = v128.load(ROWS, 48);
  const a4 = v128.load(ROWS, 64);
  const a5 = v128.load(ROWS, 80);
  const a6 = v128.load(ROWS, 96);
  const a7 = v128.load(ROWS, 112);
  // Interleaving k with k + 4 three times transposes.
  const b0 = low(a0, a4);
  const b1 = high(a0, a4);
  const b2 = low(a1, a5);
  const b3 = high(a1, a5);
  const b4 = low(a2, a6);
  const b5 = high(a2, a6);
  const b6 = low(a3, a7);
  const b7 = high(a3, a7);
  const c0 = low(b0, b4);
  const c1 = high(b0, b4);
  const c2 = low(b1, b5);
  const c3 = high(b1, b5);
  const c4 = low(b2, b6);
  const c5 = high(b2, b6);
  const c6 = low(b3, b7);
  const c7 = high(b3, b7);
  v128.store(ROWS, low(c0, c4), 0);
  v128.store(ROWS, high(c0, c4), 16);
  v128.store(ROWS, low(c1, c5), 32);
  v128.store(ROWS, high(c1, c5), 48);
  v128.store(ROWS, low(c2, c6), 64);
  v128.store(ROWS, high(c2, c6), 80);
  v128.store(ROWS, low(c3, c7), 96);
  v128.store(ROWS, high(c3, c7), 112);
}
