// dlib's chips: one step of its image pyramid, and bilinear samples along a turned square.
// Source and reference: src/derive/pyramid.ts and src/derive/crops.ts. Invariant: bit for bit the same, in 64-bit floats.

/**
 * Halves a picture after smoothing.
 *
 * @param from - RGB u8 [height, width, 3], sides at least 9; 64 bytes more are read
 * @param sums - memory for u16 [width, 3] and 64 bytes more
 * @param to - u8 [(height - 3) / 2, (width - 3) / 2, 3]; 16 bytes more are overwritten
 */
export function halve(from: usize, width: usize, height: usize, sums: usize, to: usize): void {
  const stride = width * 3;
  const outWidth = (width - 3) >> 1;
  const outHeight = (height - 3) >> 1;
  for (let r: usize = 0; r < outHeight; r++, from += 2 * stride, to += outWidth * 3) {
    for (let i: usize = 0; i < stride; i += 8) {
      v128.store(sums + i * 2, smoothed(
        v128.load8x8_u(from + i), v128.load8x8_u(from + i + stride), v128.load8x8_u(from + i + 2 * stride),
        v128.load8x8_u(from + i + 3 * stride), v128.load8x8_u(from + i + 4 * stride)));
    }
    // Four pixels out of eight; the others are smoothed in vain.
    for (let c: usize = 0, at = sums, out = to; c < outWidth; c += 4, at += 48, out += 12) {
      const a = across(at);
      const b = across(at + 16);
      const d = across(at + 32);
      const l = i8x16.narrow_i16x8_u(a, b);
      v128.store(out, i8x16.shuffle(l, i8x16.narrow_i16x8_u(d, d),
        0, 1, 2, 6, 7, 8, 12, 13, 14, 18, 19, 20, 0, 0, 0, 0));
    }
  }
}

@inline
function smoothed(a: v128, b: v128, c: v128, d: v128, e: v128): v128 {
  const six = i16x8.add(i16x8.shl(c, 2), i16x8.shl(c, 1));
  return i16x8.add(i16x8.add(i16x8.add(a, e), i16x8.shl(i16x8.add(b, d), 2)), six);
}

/** Eight smoothed values, pixels being three values apart. */
@inline
function across(at: usize): v128 {
  return i16x8.shr_u(
    smoothed(v128.load(at), v128.load(at, 6), v128.load(at, 12), v128.load(at, 18), v128.load(at, 24)), 8);
}

@inline
function words(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(v128.load8x8_u(at));
}

@inline
function floats(at: usize): v128 {
  return f32x4.convert_i32x4_s(words(at));
}

@inline
function between(a: v128, b: v128, f: v128): v128 {
  return f32x4.add(a, f32x4.mul(f32x4.sub(b, a), f));
}

/** More than 32-bit floats are off by here: seven roundings of values below 256. */
const DOUBT: f32 = 0.0002;

/** One value as the plain code has it. */
@inline
function exact(from: usize, below: usize, fx: f64, fy: f64): u32 {
  const upper = (1 - fx) * <f64>load<u8>(from) + fx * <f64>load<u8>(from, 3);
  const lower = (1 - fx) * <f64>load<u8>(below) + fx * <f64>load<u8>(below, 3);
  return <u32>((1 - fy) * upper + fy * lower);
}

/**
 * Samples of a square, truncated; black where one of the four neighbours is missing. 32-bit floats tell the whole number
 * below, but where they are too near to one: there it is computed again.
 *
 * @param pixels - RGB u8 [height, width, 3]; 8 bytes more are read
 * @param x - of the first sample, as `y`; (ux, uy) leads to the next in its row, (vx, vy) to the next row
 * @param out - u8 [size, size, 3]; a byte more is overwritten
 */
export function sampleSquare(
  pixels: usize, width: i32, height: i32,
  x: f64, y: f64, ux: f64, uy: f64, vx: f64, vy: f64, size: i32, out: usize,
): void {
  const stride = <usize>width * 3;
  const lastX = <f64>(width - 1);
  const lastY = <f64>(height - 1);
  // Rounded is what is added to 1.5 * 2^23, and half below it truncated; the machine's own truncation is slow.
  const magic = f32x4.splat(12582912);
  const over = f32x4.splat(0.5 + DOUBT);
  const under = f32x4.splat(0.5 - DOUBT);
  for (let r: i32 = 0; r < size; r++) {
    for (let c: i32 = 0; c < size; c++, out += 3) {
      const atX = x + ux * <f64>c + vx * <f64>r;
      const atY = y + uy * <f64>c + vy * <f64>r;
      if (!(atX >= 0 && atY >= 0 && atX < lastX && atY < lastY)) {
        store<u32>(out, 0);
        continue;
      }
      const left = <i32>atX;
      const top = <i32>atY;
      const fx = atX - <f64>left;
      const fy = atY - <f64>top;
      const from = pixels + <usize>top * stride + <usize>left * 3;
      const below = from + stride;
      const fxs = f32x4.splat(<f32>fx);
      const upper = between(floats(from), floats(from + 3), fxs);
      const lower = between(floats(below), floats(below + 3), fxs);
      const value = between(upper, lower, f32x4.splat(<f32>fy));
      const low = f32x4.add(f32x4.sub(value, over), magic);
      const high = f32x4.add(f32x4.sub(value, under), magic);
      const same = i32x4.bitmask(i32x4.eq(low, high)) & 7;
      let three: u32;
      if (same === 7) {
        const bytes = v128.and(low, i32x4.splat(255));
        const half = i16x8.narrow_i32x4_u(bytes, bytes);
        three = i32x4.extract_lane(i8x16.narrow_i16x8_u(half, half), 0);
      } else {
        three = exact(from, below, fx, fy) | (exact(from + 1, below + 1, fx, fy) << 8) |
          (exact(from + 2, below + 2, fx, fy) << 16);
      }
      store<u32>(out, three);
    }
  }
}
