// Pairs of hashes that differ in few bits, without comparing all with all.
// Source: multi-index hashing (Norouzi, Punjani and Fleet, 2012): of hashes in m words that differ in at most r bits,
// one word differs in at most floor(r / m). Each word has an index of its own; candidates are then compared whole.
import { AppError } from "../core/errors.ts";
import { hashDistance } from "./phash.ts";

/** Two items, `first` before `second`, and the bits in which they differ. */
export interface NearPair {
  readonly first: number;
  readonly second: number;
  readonly bits: number;
}

/**
 * All pairs within a distance, ordered by `second`, then `first`.
 *
 * @param hashes - equally long lists of 16-bit words
 * @param radius - bits, below twice the number of words
 * @example [...nearPairs([new Uint16Array([1, 0]), new Uint16Array([1, 1])], 1)] // one pair, 1 bit
 */
export function* nearPairs(hashes: readonly Uint16Array[], radius: number): Generator<NearPair> {
  const words = hashes[0]?.length ?? 0;
  if (words > 0 && radius >= 2 * words) {
    throw new AppError("internal", "NEAR_RADIUS", `A radius of ${radius} is too wide for ${words} words`);
  }
  const flips = radius < words ? [0] : [0, ...Array.from({ length: 16 }, (_, bit) => 1 << bit)];
  const indexes = Array.from({ length: words }, () => new Map<number, number[]>());
  const seen = new Int32Array(hashes.length).fill(-1);
  for (const [second, hash] of hashes.entries()) {
    const found: NearPair[] = [];
    for (const [w, index] of indexes.entries()) {
      for (const flip of flips) {
        for (const first of index.get(hash[w]! ^ flip) ?? []) {
          if (seen[first] === second) continue;
          seen[first] = second;
          const bits = hashDistance(hashes[first]!, hash);
          if (bits <= radius) found.push({ first, second, bits });
        }
      }
      const bucket = index.get(hash[w]!);
      if (bucket === undefined) index.set(hash[w]!, [second]);
      else bucket.push(second);
    }
    yield* found.sort((a, b) => a.first - b.first);
  }
}
