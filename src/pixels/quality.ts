// ◇ Browser-safe. What is measured of a picture's quality: sharpness and exposure. Each number has one meaning at any
// crop size.
// Source: Pech-Pacheco et al. 2000 (variance of the Laplacian), as OpenCV's Laplacian computes it; ITU-R BT.601.
// Invariant: no measure asks how dark skin is: darkness is judged on the whole frame, brightness by clipped pixels.

import { makingOf } from "./fast/making.ts";
import { type Region, room, type SimdMemory } from "./fast/memory.ts";
import type { Picture } from "./fast/picture.ts";
import { resampledIn } from "./fast/resample.ts";
import { Scratch } from "./fast/scratch.ts";
import { type RgbImage, resizeBilinear } from "./pixels.ts";
import { valueAtRank } from "./rank.ts";

/** Crops are measured at this size, so that a dataset's crop size does not move a threshold; they must not be smaller. */
export const SHARPNESS_PX = 128;

/** ITU-R BT.601 luma of each pixel, 0 to 255. */
export function luma({ data, width, height }: RgbImage): Float64Array {
  const out = new Float64Array(width * height);
  for (let i = 0, from = 0; i < out.length; i++, from += 3) {
    out[i] = 0.299 * data[from]! + 0.587 * data[from + 1]! + 0.114 * data[from + 2]!;
  }
  return out;
}

/**
 * Variance of the Laplacian of luma: low where nothing is sharp.
 *
 * @param crop - square; measured at 128 px
 * @returns 0 or more; the border is mirrored without repeating the edge
 * @source OpenCV Laplacian(CV_64F, ksize 1).var()
 * @example sharpness(chip)
 */
export function sharpness(crop: Picture): number {
  return laplacianOf(crop, SHARPNESS_PX);
}

/** Variance of the Laplacian of the luma of a picture, resized to a square. */
export function laplacianOf(picture: Picture, sizePx: number): number {
  return picture.worked({
    inMemory: (memory, region) => laplacianIn(memory, region, sizePx),
    plain(image) {
      const { data, width, height } = resizeBilinear(image, sizePx, sizePx);
      return laplacianVariance(luma({ data, width, height }), width, height);
    },
  });
}

/** The same in a memory, with its bits. */
function laplacianIn(memory: SimdMemory, region: Region, sizePx: number): number {
  const code = makingOf(memory);
  const rgb = resampledIn(memory, region, { widthPx: sizePx, heightPx: sizePx, halvings: 0 });
  const work = rgb + room({ width: sizePx, height: sizePx });
  memory.grow(work + code.laplacianBytes(sizePx, sizePx));
  return code.laplacianVariance(rgb, sizePx, sizePx, work);
}

/** Variance of the four-neighbour Laplacian of a map, [height, width], both at least 2. */
export function laplacianVariance(map: Float64Array, width: number, height: number): number {
  let sum = 0;
  let squares = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const last = row + width - 1;
    const up = y === 0 ? width : -width;
    const down = y === height - 1 ? -width : width;
    for (let i = row; i <= last; i++) {
      const left = map[i === row ? row + 1 : i - 1]!;
      const right = map[i === last ? last - 1 : i + 1]!;
      const value = map[i + up]! + map[i + down]! + left + right - 4 * map[i]!;
      sum += value;
      squares += value * value;
    }
  }
  const count = width * height;
  const mean = sum / count;
  return squares / count - mean * mean;
}

/** A channel from here on is taken as clipped. */
const CLIPPED = 250;

/**
 * Share of pixels whose three channels are all clipped, in the middle of a crop.
 *
 * @param crop - RGB u8; its middle half in each direction counts
 * @returns 0 to 1
 */
export function clippedShare({ data, width, height }: RgbImage): number {
  let clipped = 0;
  let count = 0;
  for (let y = height >> 2; y < height - (height >> 2); y++) {
    for (let x = width >> 2; x < width - (width >> 2); x++, count++) {
      const i = 3 * (y * width + x);
      if (data[i]! >= CLIPPED && data[i + 1]! >= CLIPPED && data[i + 2]! >= CLIPPED) clipped++;
    }
  }
  return clipped / count;
}

/** Pixels that are sampled in each direction of a frame. */
const SAMPLES = 64;

/**
 * How light the light parts of a frame are: the 95th percentile of its luma, background included.
 *
 * @param frame - RGB u8; shrunk or not, as 64 pixels are sampled in each direction
 * @param scratch - memory for values; new if left out
 * @returns 0 (black) to 255
 */
export function highlight({ data, width, height }: RgbImage, scratch = new Scratch()): number {
  const columns = Int32Array.from(
    { length: SAMPLES },
    (_, c) => 3 * Math.floor(((c + 0.5) * width) / SAMPLES),
  );
  const values = scratch.doubles("luma", SAMPLES * SAMPLES);
  for (let r = 0, k = 0; r < SAMPLES; r++) {
    const row = 3 * width * Math.floor(((r + 0.5) * height) / SAMPLES);
    for (let c = 0; c < SAMPLES; c++, k++) {
      const i = row + columns[c]!;
      values[k] = 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!;
    }
  }
  return valueAtRank(values, Math.floor(0.95 * values.length), 255).value;
}
