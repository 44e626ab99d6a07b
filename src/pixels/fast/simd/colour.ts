// Planes of luma and chroma to RGB, exactly as libjpeg-turbo: triangle ("fancy") upsampling, then BT.601.
// Source: jdsample.c (h2v2_fancy_upsample) and jdcolor.c (16 bits after the point). Invariant: bit for bit.
import { high, low } from "./dct";

/**
 * One chroma row at full width: three parts of the nearer row and one of the farther, then the same sideways.
 *
 * @param near - u8 [count]
 * @param far - u8 [count]
 * @param sums - memory for u16 [count + 16]
 * @param to - u8 [2 count], 16 more are overwritten
 */
export function upsample(near: usize, far: usize, count: usize, sums: usize, to: usize): void {
  const three = i16x8.splat(3);
  const first = sums + 16;
  for (let i: usize = 0; i < count; i += 8) {
    const n = v128.load8x8_u(near + i);
    const f = v128.load8x8_u(far + i);
    v128.store(first + i * 2, i16x8.add(i16x8.mul(n, three), f));
  }
  store<u16>(first - 2, load<u16>(first));
  store<u16>(first + count * 2, load<u16>(first + count * 2 - 2));
  for (let i: usize = 0; i < count; i += 8) {
    const at = first + i * 2;
    const thrice = i16x8.mul(v128.load(at), three);
    const left = i16x8.add(i16x8.add(thrice, v128.load(at - 2)), i16x8.splat(8));
    const right = i16x8.add(i16x8.add(thrice, v128.load(at + 2)), i16x8.splat(7));
    v128.store(to + i * 2, v128.or(i16x8.shr_u(left, 4), i16x8.shl(i16x8.shr_u(right, 4), 8)));
  }
}

// Loaded once a row: V8 makes a constant vector anew wherever it is used.
const HALF = memory.data<i32>([0x8000]);
/** What 1.402 cr is more than cr; what 1.772 cb is more than 2 cb, halved, as its product keeps one bit more; -0.34414 cb and what -0.71414 cr is more than -cr. */
const RED = memory.data<i16>([26345, 16384]);
const BLUE = memory.data<i16>([-14942 / 2]);
const GREEN = memory.data<i16>([-22554, 18734]);
/** Of 16 reds, greens or blues in 48 bytes: which comes where in each third. */
const REDS = memory.data<u8>([
  0, 255, 255, 1, 255, 255, 2, 255, 255, 3, 255, 255, 4, 255, 255, 5,
  255, 255, 6, 255, 255, 7, 255, 255, 8, 255, 255, 9, 255, 255, 10, 255,
  255, 11, 255, 255, 12, 255, 255, 13, 255, 255, 14, 255, 255, 15, 255, 255,
], 16);
const GREENS = memory.data<u8>([
  255, 0, 255, 255, 1, 255, 255, 2, 255, 255, 3, 255, 255, 4, 255, 255,
  5, 255, 255, 6, 255, 255, 7, 255, 255, 8, 255, 255, 9, 255, 255, 10,
  255, 255, 11, 255, 255, 12, 255, 255, 13, 255, 255, 14, 255, 255, 15, 255,
], 16);
const BLUES = memory.data<u8>([
  255, 255, 0, 255, 255, 1, 255, 255, 2, 255, 255, 3, 255, 255, 4, 255,
  255, 5, 255, 255, 6, 255, 255, 7, 255, 255, 8, 255, 255, 9, 255, 255,
  10, 255, 255, 11, 255, 255, 12, 255, 255, 13, 255, 255, 14, 255, 255, 15,
], 16);

/** (26345 x + 32768) >> 16 of eight; half of what is cut off comes as twice 16384. */
@inline
function redOf(x: v128, factors: v128, two: v128): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.dot_i16x8_s(low(x, two), factors), 16),
    i32x4.shr_s(i32x4.dot_i16x8_s(high(x, two), factors), 16),
  );
}

/** -0.34414 cb - 0.71414 cr, without -cr. */
@inline
function greenOf(cb: v128, cr: v128, factors: v128, half: v128): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(low(cb, cr), factors), half), 16),
    i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(high(cb, cr), factors), half), 16),
  );
}

@inline
function third(r: v128, g: v128, b: v128, at: usize): v128 {
  return v128.or(
    v128.or(i8x16.swizzle(r, v128.load(REDS + at)), i8x16.swizzle(g, v128.load(GREENS + at))),
    i8x16.swizzle(b, v128.load(BLUES + at)),
  );
}

/** One row to RGB u8 [count, 3]; up to 48 bytes more are overwritten. */
export function toRgb(y: usize, cb: usize, cr: usize, count: usize, to: usize): void {
  const middle = i16x8.splat(128);
  const two = i16x8.splat(2);
  const half = v128.load32_splat(HALF);
  const red = v128.load32_splat(RED);
  const blue = v128.load16_splat(BLUE);
  const green = v128.load32_splat(GREEN);
  for (let i: usize = 0; i < count; i += 16, to += 48) {
    const yl = v128.load8x8_u(y + i);
    const yh = v128.load8x8_u(y + i, 8);
    const bl = i16x8.sub(v128.load8x8_u(cb + i), middle);
    const bh = i16x8.sub(v128.load8x8_u(cb + i, 8), middle);
    const rl = i16x8.sub(v128.load8x8_u(cr + i), middle);
    const rh = i16x8.sub(v128.load8x8_u(cr + i, 8), middle);
    const r = i8x16.narrow_i16x8_u(
      i16x8.add(yl, i16x8.add(rl, redOf(rl, red, two))), i16x8.add(yh, i16x8.add(rh, redOf(rh, red, two))));
    const g = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.sub(yl, rl), greenOf(bl, rl, green, half)),
      i16x8.add(i16x8.sub(yh, rh), greenOf(bh, rh, green, half)));
    const b = i8x16.narrow_i16x8_u(
      i16x8.add(yl, i16x8.add(i16x8.shl(bl, 1), i16x8.q15mulr_sat_s(bl, blue))),
      i16x8.add(yh, i16x8.add(i16x8.shl(bh, 1), i16x8.q15mulr_sat_s(bh, blue))));
    v128.store(to, third(r, g, b, 0), 0);
    v128.store(to, third(r, g, b, 16), 16);
    v128.store(to, third(r, g, b, 32), 32);
  }
}
