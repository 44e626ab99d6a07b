// dlib's chips: one step of its image pyramid, and bilinear samples along a turned square.
// Source and reference: src/pixels/pyramid.ts and src/pixels/chip.ts. Invariant: bit for bit the same, in 64-bit floats.

/**
 * Halves a picture, or a part of one, after smoothing.
 *
 * @param from - RGB u8 [height, width, 3], sides at least 9; 64 bytes more are read
 * @param row - bytes from row to row
 * @param sums - memory for u16 [width, 3] and 64 bytes more
 * @param to - u8 [(height - 3) / 2, (width - 3) / 2, 3]; 16 bytes more are overwritten
 */
export function halve(from: usize, row: usize, width: usize, height: usize, sums: usize, to: usize): void {
  const stride = width * 3;
  const outWidth = (width - 3) >> 1;
  const outHeight = (height - 3) >> 1;
  for (let r: usize = 0; r < outHeight; r++, from += 2 * row, to += outWidth * 3) {
    for (let i: usize = 0; i < stride; i += 8) {
      v128.store(sums + i * 2, smoothed(
        v128.load8x8_u(from + i), v128.load8x8_u(from + i + row), v128.load8x8_u(from + i + 2 * row),
        v128.load8x8_u(from + i + 3 * row), v128.load8x8_u(from + i + 4 * row)));
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
function floats(at: usize): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(v128.load8x8_u(at)));
}

/** 1.5 * 2^52: what is added to it is rounded to a whole number, which its low bits then are. */
const MAGIC: f64 = 6755399441055744;

/** Squares have at most this many samples a row. */
const MOST: usize = 1024;
/** Where the samples of the first row lie, before the way down to the others is added: f64 [MOST] */
const XS = memory.data(8 * 1024, 16);
const YS = memory.data(8 * 1024, 16);
/** V8 makes a constant vector anew wherever it is used. Half more and less the doubt; then what rounds. */
const SPLATS = memory.data<f32>([0.5002, 0.4998, 12582912]);

/** Of four bits a sample, those of its three colours. */
const COLOURS: i32 = 0x7777;

/** One value as the plain code has it, rounding errors included: of four equal neighbours it may be one less than they are. */
@inline
function exact(from: usize, row: usize, fx: f64, fy: f64): u32 {
  const tl = load<u8>(from);
  const tr = load<u8>(from, 3);
  const bl = load<u8>(from + row);
  const br = load<u8>(from + row, 3);
  const upper = (1 - fx) * <f64>tl + fx * <f64>tr;
  const lower = (1 - fx) * <f64>bl + fx * <f64>br;
  return <u32>((1 - fy) * upper + fy * lower);
}

/** Those of one sample's colours that `which` has bits of, as the plain code has them; the sample has to be inside. */
function sampleExactly(pixels: usize, row: usize, x: f64, y: f64, which: i32, out: usize): void {
  const left = <i32>x;
  const top = <i32>y;
  const fx = x - <f64>left;
  const fy = y - <f64>top;
  const from = pixels + <usize>top * row + <usize>left * 3;
  if (which & 1) store<u8>(out, <u8>exact(from, row, fx, fy));
  if (which & 2) store<u8>(out, <u8>exact(from + 1, row, fx, fy), 1);
  if (which & 4) store<u8>(out, <u8>exact(from + 2, row, fx, fy), 2);
}

@inline
function isInside(c: usize, downX: f64, downY: f64, lastX: f64, lastY: f64): bool {
  const x = load<f64>(XS + (c << 3)) + downX;
  const y = load<f64>(YS + (c << 3)) + downY;
  return x >= 0 && y >= 0 && x < lastX && y < lastY;
}

/** Lanes 0 and 2 of both. */
@inline
function evens(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
}

/** The low halves of both. */
@inline
function lows(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}

@inline
function splat0(a: v128): v128 {
  return i8x16.shuffle(a, a, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
}

@inline
function splat1(a: v128): v128 {
  return i8x16.shuffle(a, a, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
}

@inline
function splat2(a: v128): v128 {
  return i8x16.shuffle(a, a, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11);
}

@inline
function splat3(a: v128): v128 {
  return i8x16.shuffle(a, a, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15);
}

/** The whole number that is half and a doubt (0) or half without it (4) below; 32-bit floats are off by less than it. */
@inline
function whole(v: v128, which: usize): v128 {
  return f32x4.add(f32x4.sub(v, v128.load32_splat(SPLATS + which)), v128.load32_splat(SPLATS, 8));
}

/** One sample's colours, as floats; what the fourth is does not matter. */
@inline
function sampled(from: usize, row: usize, fx: v128, fy: v128): v128 {
  const below = from + row;
  const tl = floats(from);
  const bl = floats(below);
  const up = f32x4.sub(floats(from + 3), tl);
  const low = f32x4.sub(floats(below + 3), bl);
  const upper = f32x4.add(tl, f32x4.mul(up, fx));
  const down = f32x4.sub(f32x4.add(bl, f32x4.mul(low, fx)), upper);
  return f32x4.add(upper, f32x4.mul(down, fy));
}

/**
 * Four samples, 12 bytes (16 are written); all have to be inside. 32-bit floats give the whole number below, except
 * where they are too near to one.
 *
 * @returns four bits a sample; 1 means that the sample may be wrong
 */
@inline
function sampleFour(pixels: usize, row: usize, c: usize, downX: v128, downY: v128, out: usize): i32 {
  const xa = f64x2.add(v128.load(XS + (c << 3)), downX);
  const xb = f64x2.add(v128.load(XS + (c << 3), 16), downX);
  const ya = f64x2.add(v128.load(YS + (c << 3)), downY);
  const yb = f64x2.add(v128.load(YS + (c << 3), 16), downY);
  const xaWhole = f64x2.floor(xa);
  const xbWhole = f64x2.floor(xb);
  const yaWhole = f64x2.floor(ya);
  const ybWhole = f64x2.floor(yb);
  const magic = f64x2.splat(MAGIC);
  const left = evens(f64x2.add(xaWhole, magic), f64x2.add(xbWhole, magic));
  const top = evens(f64x2.add(yaWhole, magic), f64x2.add(ybWhole, magic));
  const fx = lows(f32x4.demote_f64x2_zero(f64x2.sub(xa, xaWhole)), f32x4.demote_f64x2_zero(f64x2.sub(xb, xbWhole)));
  const fy = lows(f32x4.demote_f64x2_zero(f64x2.sub(ya, yaWhole)), f32x4.demote_f64x2_zero(f64x2.sub(yb, ybWhole)));
  const at = i32x4.add(i32x4.add(i32x4.mul(top, i32x4.splat(<i32>row)), left), i32x4.shl(left, 1));
  const v0 = sampled(pixels + i32x4.extract_lane(at, 0), row, splat0(fx), splat0(fy));
  const v1 = sampled(pixels + i32x4.extract_lane(at, 1), row, splat1(fx), splat1(fy));
  const v2 = sampled(pixels + i32x4.extract_lane(at, 2), row, splat2(fx), splat2(fy));
  const v3 = sampled(pixels + i32x4.extract_lane(at, 3), row, splat3(fx), splat3(fy));
  const low0 = whole(v0, 0);
  const low1 = whole(v1, 0);
  const low2 = whole(v2, 0);
  const low3 = whole(v3, 0);
  const same = i8x16.narrow_i16x8_s(
    i16x8.narrow_i32x4_s(i32x4.eq(low0, whole(v0, 4)), i32x4.eq(low1, whole(v1, 4))),
    i16x8.narrow_i32x4_s(i32x4.eq(low2, whole(v2, 4)), i32x4.eq(low3, whole(v3, 4))));
  const byte = i32x4.splat(255);
  const bytes = i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_u(v128.and(low0, byte), v128.and(low1, byte)),
    i16x8.narrow_i32x4_u(v128.and(low2, byte), v128.and(low3, byte)));
  v128.store(out, i8x16.shuffle(bytes, bytes, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 3, 3, 3));
  return ~i8x16.bitmask(same) & COLOURS;
}

/**
 * Samples of a square, truncated; black where one of the four neighbours is missing.
 *
 * @param pixels - RGB u8 [height, width, 3]; 16 bytes more are read
 * @param row - bytes from row to row
 * @param x - of the first sample, as `y`; (ux, uy) leads to the next in its row, (vx, vy) to the next row
 * @param size - at most 1024
 * @param out - u8 [size, size, 3]; 16 bytes more are overwritten
 */
export function sampleSquare(
  pixels: usize, row: usize, width: i32, height: i32,
  x: f64, y: f64, ux: f64, uy: f64, vx: f64, vy: f64, size: usize, out: usize,
): void {
  for (let c: usize = 0; c < size; c++) {
    store<f64>(XS + (c << 3), x + ux * <f64>c);
    store<f64>(YS + (c << 3), y + uy * <f64>c);
  }
  const lastX = <f64>(width - 1);
  const lastY = <f64>(height - 1);
  for (let r: usize = 0; r < size; r++, out += size * 3) {
    const downX = vx * <f64>r;
    const downY = vy * <f64>r;
    // What is inside lies together: coordinates only grow or only shrink along a row.
    let first: usize = 0;
    let end = size;
    while (first < end && !isInside(first, downX, downY, lastX, lastY)) first++;
    while (first < end && !isInside(end - 1, downX, downY, lastX, lastY)) end--;
    memory.fill(out, 0, first * 3);
    sampleRow(pixels, row, first, end, downX, downY, out);
    memory.fill(out + end * 3, 0, (size - end) * 3);
  }
}

/** Samples `first` to before `end` of a row. */
function sampleRow(pixels: usize, row: usize, first: usize, end: usize, downX: f64, downY: f64, out: usize): void {
  const downXs = f64x2.splat(downX);
  const downYs = f64x2.splat(downY);
  let c = first;
  for (; c + 4 <= end; c += 4) {
    let doubt = sampleFour(pixels, row, c, downXs, downYs, out + c * 3);
    for (let k = c; doubt !== 0; k++, doubt >>= 4) {
      if ((doubt & 15) !== 0) sampleAt(pixels, row, k, downX, downY, doubt, out);
    }
  }
  for (; c < end; c++) sampleAt(pixels, row, c, downX, downY, 7, out);
}

@inline
function sampleAt(pixels: usize, row: usize, c: usize, downX: f64, downY: f64, which: i32, out: usize): void {
  const x = load<f64>(XS + (c << 3)) + downX;
  const y = load<f64>(YS + (c << 3)) + downY;
  sampleExactly(pixels, row, x, y, which, out + c * 3);
}
