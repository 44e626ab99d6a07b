// Rotation and the first pass of the resample in one walk over the rows, and the second pass.
// Source and reference: src/pixels/rotate.ts and src/pixels/pixels.ts. Invariant: bit for bit the same.
// Taps in this memory: first i32 [n], count i32 [n], weights i32 [n, width]; n is a multiple of 4, zeros beyond the output.

const PRECISION: i32 = 22;
/** Loaded: V8 makes a constant vector anew wherever it is used. */
const HALF = memory.data<i32>([1 << (PRECISION - 1)]);

/** Start and steps of the walk, 16 bits after the point: see `FixedWalk` of src/pixels/rotate.ts. */
const WALK = memory.data(6 * 4, 8);

/** Sets where the rows of a rotated picture come from. */
export function setWalk(x: i32, y: i32, stepXx: i32, stepXy: i32, stepYx: i32, stepYy: i32): void {
  store<i32>(WALK, x, 0);
  store<i32>(WALK, y, 4);
  store<i32>(WALK, stepXx, 8);
  store<i32>(WALK, stepXy, 12);
  store<i32>(WALK, stepYx, 16);
  store<i32>(WALK, stepYy, 20);
}

/** First k >= 0 for which start + k step lies in [0, size), in fixed point. */
function firstInside(start: i32, step: i32, size: i32): f64 {
  const most = <f64>size * 65536 - 1;
  const from = <f64>start;
  if (step > 0) return Math.ceil(-from / step);
  if (step < 0) return Math.ceil((most - from) / step);
  return 0;
}

/** The last one; before the first if there is none. */
function lastInside(start: i32, step: i32, size: i32): f64 {
  const most = <f64>size * 65536 - 1;
  const from = <f64>start;
  if (step > 0) return Math.floor((most - from) / step);
  if (step < 0) return Math.floor(-from / step);
  return from >= 0 && from <= most ? Infinity : -1;
}

/** One row of the rotated, perhaps mirrored picture: u32 [width], black where it has no source. */
function gatherRow(pixels: usize, width: i32, height: i32, mirror: bool, startX: i32, startY: i32, row: usize): void {
  let stepX = load<i32>(WALK, 8);
  const stepY = load<i32>(WALK, 12);
  const first = <i32>max(0, max(firstInside(startX, stepX, width), firstInside(startY, stepY, height)));
  const last = <i32>min(<f64>width - 1, min(lastInside(startX, stepX, width), lastInside(startY, stepY, height)));
  if (last < first) {
    memory.fill(row, 0, <usize>width * 4);
    return;
  }
  memory.fill(row, 0, <usize>first * 4);
  memory.fill(row + <usize>(last + 1) * 4, 0, <usize>(width - 1 - last) * 4);
  let x = startX + first * stepX;
  let y = startY + first * stepY;
  if (mirror) {
    x = (width << 16) - 1 - x;
    stepX = -stepX;
  }
  const end = row + <usize>(last + 1) * 4;
  let to = row + <usize>first * 4;
  // Four at a time: V8 checks for interrupts in every turn of a loop.
  for (const most = end - 12; to < most; to += 16, x += stepX << 2, y += stepY << 2) {
    store<u32>(to, at(pixels, width, x, y));
    store<u32>(to, at(pixels, width, x + stepX, y + stepY), 4);
    store<u32>(to, at(pixels, width, x + stepX * 2, y + stepY * 2), 8);
    store<u32>(to, at(pixels, width, x + stepX * 3, y + stepY * 3), 12);
  }
  for (; to < end; to += 4, x += stepX, y += stepY) store<u32>(to, at(pixels, width, x, y));
}

/** The pixel at a position in fixed point. */
@inline
function at(pixels: usize, width: i32, x: i32, y: i32): u32 {
  return load<u32>(pixels + (((y >> 16) * width + (x >> 16)) << 2));
}

@inline
function wide(pixel: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(pixel)));
}

/** One output pixel: red, green and blue as i32. */
@inline
function weighted(from: usize, weights: usize, count: i32): v128 {
  let sum = v128.load32_splat(HALF);
  for (let k: i32 = 0; k < count; k++) {
    sum = i32x4.add(sum, i32x4.mul(wide(from + (k << 2)), v128.load32_splat(weights + (k << 2))));
  }
  return i32x4.shr_s(sum, PRECISION);
}

/** The usual case of three taps, from one load. */
@inline
function weightedThree(from: usize, weights: usize): v128 {
  const p = v128.load(from);
  const l = i16x8.extend_low_i8x16_u(p);
  const a = i32x4.extend_low_i16x8_u(l);
  const b = i32x4.extend_high_i16x8_u(l);
  const c = i32x4.extend_low_i16x8_u(i16x8.extend_high_i8x16_u(p));
  const u = i32x4.mul(a, v128.load32_splat(weights));
  const v = i32x4.mul(b, v128.load32_splat(weights, 4));
  const w = i32x4.mul(c, v128.load32_splat(weights, 8));
  const sum = i32x4.add(i32x4.add(u, v), i32x4.add(w, v128.load32_splat(HALF)));
  return i32x4.shr_s(sum, PRECISION);
}

/** Four words of pixels without their fourth bytes, to 12 bytes (16 are written). */
@inline
function storeFour(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
  v128.store(to, i8x16.shuffle(bytes, bytes, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0));
}

function shrinkRow(row: usize, taps: usize, n: usize, tapsWidth: usize, widthPx: usize, to: usize): void {
  const counts = taps + n * 4;
  let weights = counts + n * 4;
  const stride = tapsWidth << 2;
  for (let x: usize = 0; x < widthPx; x += 4, to += 12, weights += stride * 4) {
    const a = row + (load<i32>(taps + x * 4, 0) << 2);
    const b = row + (load<i32>(taps + x * 4, 4) << 2);
    const c = row + (load<i32>(taps + x * 4, 8) << 2);
    const d = row + (load<i32>(taps + x * 4, 12) << 2);
    if (tapsWidth === 3) {
      storeFour(to, weightedThree(a, weights), weightedThree(b, weights + 12),
        weightedThree(c, weights + 24), weightedThree(d, weights + 36));
    } else {
      storeFour(to, weighted(a, weights, load<i32>(counts + x * 4, 0)),
        weighted(b, weights + stride, load<i32>(counts + x * 4, 4)),
        weighted(c, weights + stride * 2, load<i32>(counts + x * 4, 8)),
        weighted(d, weights + stride * 3, load<i32>(counts + x * 4, 12)));
    }
  }
}

/**
 * Rotates (see `setWalk`), mirrors, and shrinks every row.
 *
 * @param pixels - u32 [height, width]
 * @param taps - from `width` to `widthPx`; `n` of them, weights `tapsWidth` apart
 * @param row - memory for u32 [width]; 16 bytes more are read
 * @param out - RGB u8 [height, widthPx, 3]; up to 16 bytes more are overwritten
 */
export function turnAndShrink(
  pixels: usize, width: i32, height: i32, mirror: bool,
  taps: usize, n: usize, tapsWidth: usize, widthPx: usize, row: usize, out: usize,
): void {
  let x = load<i32>(WALK, 0);
  let y = load<i32>(WALK, 4);
  for (let k: i32 = 0; k < height; k++, out += widthPx * 3) {
    gatherRow(pixels, width, height, mirror, x, y, row);
    shrinkRow(row, taps, n, tapsWidth, widthPx, out);
    x += load<i32>(WALK, 16);
    y += load<i32>(WALK, 20);
  }
}

/** One row of the second pass: `count` rows weighted, 16 bytes at a time. */
@inline
function sumRows(rows: usize, stride: usize, weights: usize, count: i32, to: usize): void {
  for (let i: usize = 0; i < stride; i += 16) {
    let a = v128.load32_splat(HALF);
    let b = a;
    let c = a;
    let d = a;
    let from = rows + i;
    for (let k: i32 = 0; k < count; k++, from += stride) {
      const bytes = v128.load(from);
      const l = i16x8.extend_low_i8x16_u(bytes);
      const h = i16x8.extend_high_i8x16_u(bytes);
      const weight = v128.load32_splat(weights + (k << 2));
      a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(l), weight));
      b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(l), weight));
      c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(h), weight));
      d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(h), weight));
    }
    const low = i16x8.narrow_i32x4_s(i32x4.shr_s(a, PRECISION), i32x4.shr_s(b, PRECISION));
    const high = i16x8.narrow_i32x4_s(i32x4.shr_s(c, PRECISION), i32x4.shr_s(d, PRECISION));
    v128.store(to + i, i8x16.narrow_i16x8_u(low, high));
  }
}

/** Shrinks every column of bytes; `stride` bytes a row, up to 15 bytes beyond `out` are overwritten. */
export function shrinkColumns(
  rows: usize, stride: usize, taps: usize, n: usize, tapsWidth: usize, heightPx: usize, out: usize,
): void {
  const counts = taps + n * 4;
  const weights = counts + n * 4;
  for (let y: usize = 0; y < heightPx; y++, out += stride) {
    const first = <usize>load<i32>(taps + y * 4);
    const from = rows + first * stride;
    const own = weights + y * tapsWidth * 4;
    if (tapsWidth === 3) sumRows(from, stride, own, 3, out);
    else sumRows(from, stride, own, load<i32>(counts + y * 4), out);
  }
}
