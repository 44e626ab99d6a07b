// ◇ Browser-safe. The weights of the house's one resample: for each output position, which input positions count.
// Source: Pillow's Resample.c, triangle filter, weights in 22-bit fixed point.

/** For each output position: the first input position and the weights of those that follow. */
export interface Taps {
  readonly first: Int32Array; // [out]
  readonly count: Int32Array; // [out]
  /** Fixed point, `PRECISION` bits after the point; row stride `width`. Of three taps at most all three count, some with 0. */
  readonly weights: Int32Array; // [out, width]
  readonly width: number;
}

export const PRECISION = 22;
const CACHED_TAPS = 64;
const tapsBySizes = new Map<string, Taps>();

/** Taps from a side of one size to another; the latest ones are cached. */
export function tapsFor(inSize: number, outSize: number): Taps {
  const key = `${inSize}>${outSize}`;
  let taps = tapsBySizes.get(key);
  if (taps === undefined) {
    if (tapsBySizes.size >= CACHED_TAPS) tapsBySizes.clear();
    taps = makeTaps(inSize, outSize);
    tapsBySizes.set(key, taps);
  }
  return taps;
}

function makeTaps(inSize: number, outSize: number): Taps {
  const scale = inSize / outSize;
  const support = Math.max(1, scale); // the triangle reaches one (widened) pixel to each side
  const width = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weights = new Int32Array(outSize * width);
  const exact = new Float64Array(width);
  for (let x = 0; x < outSize; x++) {
    const centre = (x + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(inSize, Math.trunc(centre + support + 0.5));
    let sum = 0;
    for (let k = 0; k < high - low; k++) {
      const weight = Math.max(0, 1 - Math.abs((k + low - centre + 0.5) * (1 / support)));
      exact[k] = weight;
      sum += weight;
    }
    for (let k = 0; k < high - low; k++) {
      const share = sum === 0 ? exact[k]! : exact[k]! / sum;
      weights[x * width + k] = Math.trunc(0.5 + share * (1 << PRECISION));
    }
    first[x] = low;
    count[x] = high - low;
  }
  const taps = { first, count, weights, width };
  return inSize >= 3 && count.every((n) => n <= 3) ? padToThree(taps, inSize) : taps;
}

/** Weights of 0 before or behind, so that no position beyond the input is read. */
function padToThree({ first, count, weights, width }: Taps, inSize: number): Taps {
  const padded = {
    first: first.map((low) => Math.min(low, inSize - 3)),
    weights: new Int32Array(first.length * 3),
  };
  for (let x = 0; x < first.length; x++) {
    const from = weights.subarray(x * width, x * width + count[x]!);
    padded.weights.set(from, x * 3 + first[x]! - padded.first[x]!);
  }
  return { ...padded, count: count.map(() => 3), width: 3 };
}
