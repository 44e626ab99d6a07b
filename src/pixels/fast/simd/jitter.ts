// Brightness, contrast and saturation of a whole picture in one pass, four pixels at a time.
// Source and reference: src/pixels/jitter.ts (Pillow's float32 blend, truncated; grey in 16 bits after the point).
// Invariant: bit for bit the same. Every value is a whole number in a float32, and so is 65536 times a grey.

/** Level and factor, f32, of each kind of step. 1 blends with black, 2 with one level, 3 with each pixel's grey. */
const STEPS = memory.data(4 * 8, 8);
const BY_BLACK: u32 = 1;
const BY_GREY: u32 = 3;

/** Constants of the loops. They are loaded: V8 makes a constant vector anew wherever it is used. */
const CONSTANTS = memory.data<f32>([0, 255, 19595, 38470, 7471, 32768, 1.0 / 65536, 8388608], 16);

/** Bytes of four pixels to words; out of range is 0. */
const SPREAD = memory.data<u8>([0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255], 16);

const BYTE = memory.data<u32>([255, 255, 255, 255], 16);

/** Pixels whose greys a float32 can add up in each of four sums. */
const CHUNK: usize = 65536;

/** Sets what a kind of step (1 to 3) does; the level is that of 2. */
export function setStep(kind: usize, level: f32, factor: f32): void {
  store<f32>(STEPS + kind * 8, level);
  store<f32>(STEPS + kind * 8, factor, 4);
}

@inline
function blend(level: v128, value: v128, factor: v128): v128 {
  return f32x4.add(level, f32x4.mul(factor, f32x4.sub(value, level)));
}

@inline
function clamp(value: v128, none: v128, full: v128): v128 {
  return f32x4.pmin(full, f32x4.pmax(none, value));
}

@inline
function greyOf(r: v128, g: v128, b: v128): v128 {
  const red = f32x4.mul(r, v128.load32_splat(CONSTANTS, 8));
  const green = f32x4.mul(g, v128.load32_splat(CONSTANTS, 12));
  const blue = f32x4.add(f32x4.mul(b, v128.load32_splat(CONSTANTS, 16)), v128.load32_splat(CONSTANTS, 20));
  return f32x4.floor(f32x4.mul(f32x4.add(f32x4.add(red, green), blue), v128.load32_splat(CONSTANTS, 24)));
}

/**
 * Pixels `from` to `end` through the steps, into words of red, green, blue, anything.
 *
 * @param packed - the input is three bytes a pixel; otherwise words
 * @param adding - add up the greys of what comes out
 * @returns four sums
 */
@inline
function walk(input: usize, out: usize, from: usize, end: usize, steps: u32, packed: bool, adding: bool): v128 {
  const spread = v128.load(SPREAD);
  const byte = v128.load(BYTE);
  const none = v128.load32_splat(CONSTANTS, 0);
  const full = v128.load32_splat(CONSTANTS, 4);
  const whole = v128.load32_splat(CONSTANTS, 28); // its sum with a byte has the byte lowest
  let sums = none;
  for (let i = from; i < end; i += 4) {
    const p = packed ? i8x16.swizzle(v128.load(input + i * 3), spread) : v128.load(input + i * 4);
    let r = f32x4.convert_i32x4_s(v128.and(p, byte));
    let g = f32x4.convert_i32x4_s(v128.and(i32x4.shr_u(p, 8), byte));
    let b = f32x4.convert_i32x4_s(packed ? i32x4.shr_u(p, 16) : v128.and(i32x4.shr_u(p, 16), byte));
    for (let rest = steps; rest !== 0; rest >>= 2) {
      const kind = rest & 3;
      const step = STEPS + (kind << 3);
      const factor = v128.load32_splat(step, 4);
      if (kind === BY_BLACK) {
        r = f32x4.mul(factor, r);
        g = f32x4.mul(factor, g);
        b = f32x4.mul(factor, b);
      } else {
        const level = kind === BY_GREY ? greyOf(r, g, b) : v128.load32_splat(step);
        r = blend(level, r, factor);
        g = blend(level, g, factor);
        b = blend(level, b, factor);
      }
      // A factor up to 1 leaves values between the level and what they were.
      if (load<f32>(step, 4) > 1) {
        r = clamp(r, none, full);
        g = clamp(g, none, full);
        b = clamp(b, none, full);
      }
      r = f32x4.floor(r);
      g = f32x4.floor(g);
      b = f32x4.floor(b);
    }
    if (adding) {
      const there = i32x4.lt_u(i32x4.add(i32x4.splat(<i32>i), i32x4(0, 1, 2, 3)), i32x4.splat(<i32>end));
      sums = f32x4.add(sums, v128.and(there, greyOf(r, g, b)));
    }
    const red = v128.and(f32x4.add(r, whole), byte);
    const green = i32x4.shl(v128.and(f32x4.add(g, whole), byte), 8);
    const blue = i32x4.shl(f32x4.add(b, whole), 16);
    v128.store(out + i * 4, v128.or(v128.or(red, green), blue));
  }
  return sums;
}

/**
 * RGB u8 [count, 3] to u32 [count] through the steps (two bits each, the first lowest).
 *
 * @param out - up to 12 bytes more are overwritten
 */
export function jitter(rgb: usize, out: usize, count: usize, steps: u32): void {
  walk(rgb, out, 0, count, steps, true, false);
}

/** The same; returns the sum of the grey values that come out. */
export function jitterAndAdd(rgb: usize, out: usize, count: usize, steps: u32): f64 {
  let total: f64 = 0;
  for (let from: usize = 0; from < count; from += CHUNK) {
    const sums = walk(rgb, out, from, min(count, from + CHUNK), steps, true, true);
    total += <f64>f32x4.extract_lane(sums, 0) + <f64>f32x4.extract_lane(sums, 1);
    total += <f64>f32x4.extract_lane(sums, 2) + <f64>f32x4.extract_lane(sums, 3);
  }
  return total;
}

/** Further steps on what came out, in place. */
export function jitterFurther(words: usize, count: usize, steps: u32): void {
  walk(words, words, 0, count, steps, false, false);
}
