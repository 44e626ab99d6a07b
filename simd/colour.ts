// Planes of luma and chroma to RGB, exactly as libjpeg-turbo: triangle ("fancy") upsampling, then BT.601.
// Source: jdsample.c (h2v2_fancy_upsample) and jdcolor.c (16 bits after the point). Invariant: bit for bit.

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

/** (a x + 32768) >> 16 of eight. */
@inline
function scaled(x: v128, a: i16): v128 {
  const half = i32x4.splat(0x8000);
  const factor = i16x8.splat(a);
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(i32x4.extmul_low_i16x8_s(x, factor), half), 16),
    i32x4.shr_s(i32x4.add(i32x4.extmul_high_i16x8_s(x, factor), half), 16),
  );
}

/** 1.402 cr, as cr and a factor that fits 16 bits. */
@inline
function red(y: v128, cr: v128): v128 {
  return i16x8.add(y, i16x8.add(cr, scaled(cr, 26345)));
}

/** -0.34414 cb - 0.71414 cr, the latter as -cr and a factor that fits. */
@inline
function green(y: v128, cb: v128, cr: v128): v128 {
  const half = i32x4.splat(0x8000);
  const factors = i16x8(-22554, 18734, -22554, 18734, -22554, 18734, -22554, 18734);
  const l = i8x16.shuffle(cb, cr, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
  const h = i8x16.shuffle(cb, cr, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
  const sum = i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(l, factors), half), 16),
    i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(h, factors), half), 16),
  );
  return i16x8.add(i16x8.sub(y, cr), sum);
}

/** 1.772 cb, as 2 cb and a factor that fits. */
@inline
function blue(y: v128, cb: v128): v128 {
  return i16x8.add(y, i16x8.add(i16x8.shl(cb, 1), scaled(cb, -14942)));
}

/** One row to RGB u8 [count, 3]; up to 48 bytes more are overwritten. */
export function toRgb(y: usize, cb: usize, cr: usize, count: usize, to: usize): void {
  const middle = i16x8.splat(128);
  for (let i: usize = 0; i < count; i += 16, to += 48) {
    const yl = v128.load8x8_u(y + i);
    const yh = v128.load8x8_u(y + i, 8);
    const bl = i16x8.sub(v128.load8x8_u(cb + i), middle);
    const bh = i16x8.sub(v128.load8x8_u(cb + i, 8), middle);
    const rl = i16x8.sub(v128.load8x8_u(cr + i), middle);
    const rh = i16x8.sub(v128.load8x8_u(cr + i, 8), middle);
    const r = i8x16.narrow_i16x8_u(red(yl, rl), red(yh, rh));
    const g = i8x16.narrow_i16x8_u(green(yl, bl, rl), green(yh, bh, rh));
    const b = i8x16.narrow_i16x8_u(blue(yl, bl), blue(yh, bh));
    // Red and green of the pixels first, then blue put into the gaps.
    const p = i8x16.shuffle(r, g, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5);
    const q = i8x16.shuffle(r, g, 21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26);
    const s = i8x16.shuffle(r, g, 0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0);
    v128.store(to, i8x16.shuffle(p, b, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15), 0);
    v128.store(to, i8x16.shuffle(q, b, 0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15), 16);
    v128.store(to, i8x16.shuffle(s, b, 26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31), 32);
  }
}
