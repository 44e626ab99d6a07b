// ◇ Browser-safe. Squares sampled in a memory, after dlib's pyramid.
// Source: simd/chip.ts. Invariant: bit for bit what `samplePlain` of ../chip.ts gives of the part.
import { align, MOST_PIXELS, type Region, room, type SimdMemory, SLACK } from "./memory.ts";
import type { Sampling } from "./shapes.ts";

/** Samples in a row of a square at most: MOST of simd/chip.ts. */
const MOST_SAMPLES = 1024;
/** Side below which dlib does not halve. */
const MIN_HALVED = 9;

/**
 * Samples a square of a picture.
 *
 * @returns whether the samples lie where the memory is free; if not, a level is too small or the picture too large, and the
 *   plain code has to do it
 */
export function sampledIn(
  memory: SimdMemory,
  region: Region,
  [part, halvings, walk, sizePx]: Sampling,
): boolean {
  const { left, top, right, bottom } = part;
  if (region.width * region.height > MOST_PIXELS || sizePx > MOST_SAMPLES) return false;
  let [width, height, row] = [right + 1 - left, bottom + 1 - top, region.width * 3];
  if (width <= 0 || height <= 0) return false;
  const out = memory.free;
  const level = room({ width, height });
  const sums = out + room({ width: sizePx, height: sizePx });
  const levels = [sums + align(width * 6 + SLACK), sums + align(width * 6 + SLACK) + level] as const;
  memory.grow(levels[1] + level);
  let from = region.at(part) + (top * region.width + left) * 3;
  for (let k = 0; k < halvings; k++) {
    if (width < MIN_HALVED || height < MIN_HALVED) return false;
    memory.code.halve(from, row, width, height, sums, levels[k & 1]!);
    [width, height] = [(width - 3) >> 1, (height - 3) >> 1];
    [from, row] = [levels[k & 1]!, width * 3];
  }
  const { x, y, ux, uy, vx, vy } = walk;
  memory.code.sampleSquare(from, row, width, height, x, y, ux, uy, vx, vy, sizePx, out);
  return true;
}
