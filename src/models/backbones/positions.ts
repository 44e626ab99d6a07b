// ◇ Browser-safe. Bicubic resampling of a grid of vectors with antialiasing, as a matrix: learnt positions at another
// image size. Source: torch's interpolate(mode="bicubic", antialias=True), which is Pillow's filter (a = -0.5) without
// rounding.
import type { Size } from "../../engine/graph.ts";

/** Keys' cubic kernel with a = -0.5. */
function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** Weights [to, from] along one axis; rows sum to 1. */
function axisWeights(from: number, to: number): Float64Array[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5);
    const first = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + 2 * stretch + 0.5));
    const row = new Float64Array(from);
    for (let j = first; j < end; j++) row[j] = cubic((j - centre + 0.5) / stretch);
    const total = row.reduce((a, b) => a + b, 0);
    return row.map((weight) => weight / total);
  });
}

/**
 * The matrix that resamples a grid.
 *
 * @param from - rows and columns of the grid
 * @param to - rows and columns wanted
 * @returns [to rows * to columns, from rows * from columns], row-major; each row sums to 1
 * @source torch interpolate, timm resample_abs_pos_embed
 * @example resampleGrid([14, 14], [6, 6]) // 36 x 196 weights
 */
export function resampleGrid(from: Size, to: Size): Float32Array {
  const [down, across] = [axisWeights(from[0], to[0]), axisWeights(from[1], to[1])];
  const matrix = new Float32Array(to[0] * to[1] * from[0] * from[1]);
  let at = 0;
  for (const vertical of down) {
    for (const horizontal of across) {
      for (const v of vertical) for (const h of horizontal) matrix[at++] = v * h;
    }
  }
  return matrix;
}
