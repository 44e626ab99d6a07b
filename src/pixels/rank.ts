// ◇ Browser-safe. The value of a rank without sorting all of them: values are counted in bins, and only one bin is sorted.
// Source: our own. Invariant: the value is the one that sorting would put at that rank.

/** Bins from 0 to the largest value, and one for what rounds to it. */
const BINS = 256;

export interface Ranked {
  readonly value: number;
  /** How many are less than it. */
  readonly below: number;
}

/**
 * The value at a rank, from 0 for the least.
 *
 * @param values - from 0 to a little above `most`, in any order
 * @example valueAtRank(Float64Array.of(3, 1, 2, 2), 2, 3) // { value: 2, below: 1 }
 */
export function valueAtRank(values: Float64Array, rank: number, most: number): Ranked {
  const scale = (BINS - 1) / most;
  const counts = new Uint32Array(BINS + 1);
  for (let i = 0; i < values.length; i++) counts[(values[i]! * scale) | 0]!++;
  let before = 0;
  let bin = 0;
  while (before + counts[bin]! <= rank) before += counts[bin++]!;
  const near = new Float64Array(counts[bin]!);
  for (let i = 0, k = 0; k < near.length; i++) {
    if (((values[i]! * scale) | 0) === bin) near[k++] = values[i]!;
  }
  near.sort();
  const value = near[rank - before]!;
  return { value, below: before + near.indexOf(value) };
}
