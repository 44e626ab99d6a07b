// Variance of the Laplacian of a small picture's luma.
// Source and reference: src/pixels/quality.ts. Invariant: bit for bit the same: sums run over the pixels in their order.

/** Eight bytes of room before and behind each row of luma, for the mirrored border. */
const MARGIN: usize = 8;

function lumaOf(rgb: usize, count: usize, to: usize): void {
  for (let k: usize = 0; k < count; k++, rgb += 3, to += 8) {
    store<f64>(to, 0.299 * <f64>load<u8>(rgb) + 0.587 * <f64>load<u8>(rgb, 1) + 0.114 * <f64>load<u8>(rgb, 2));
  }
}

/** Bytes of memory that `laplacianVariance` wants at `work`. */
export function laplacianBytes(width: usize, height: usize): usize {
  return (width * 8 + 2 * MARGIN) * height + 16;
}

/**
 * Variance of the four-neighbour Laplacian, the border mirrored without repeating the edge.
 *
 * @param rgb - u8 [height, width, 3], sides at least 2
 * @param work - `laplacianBytes` of memory
 */
export function laplacianVariance(rgb: usize, width: usize, height: usize, work: usize): f64 {
  const row = width * 8 + 2 * MARGIN;
  for (let y: usize = 0; y < height; y++) {
    const at = work + y * row + MARGIN;
    lumaOf(rgb + y * width * 3, width, at);
    store<f64>(at - 8, load<f64>(at, 8));
    store<f64>(at + width * 8, load<f64>(at + width * 8 - 16));
  }
  const four = f64x2.splat(4);
  let sum: f64 = 0;
  let squares: f64 = 0;
  for (let y: usize = 0; y < height; y++) {
    const at = work + y * row + MARGIN;
    const up = y === 0 ? at + row : at - row;
    const down = y === height - 1 ? at - row : at + row;
    for (let x: usize = 0; x < width * 8; x += 16) {
      const beside = f64x2.add(f64x2.add(v128.load(up + x), v128.load(down + x)), v128.load(at + x - 8));
      const value = f64x2.sub(f64x2.add(beside, v128.load(at + x, 8)), f64x2.mul(four, v128.load(at + x)));
      const first = f64x2.extract_lane(value, 0);
      sum += first;
      squares += first * first;
      if (x + 8 === width * 8) break;
      const second = f64x2.extract_lane(value, 1);
      sum += second;
      squares += second * second;
    }
  }
  const count = <f64>(width * height);
  const mean = sum / count;
  return squares / count - mean * mean;
}
