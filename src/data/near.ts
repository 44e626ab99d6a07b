// Pairs of hashes that differ in few bits, without comparing all with all.
// Source: multi-index hashing (Norouzi, Punjani and Fleet, 2012): of hashes in m words that differ in at most r bits,
// one word differs in at most floor(r / m). Each word has an index of its own; candidates are then compared whole.
import { AppError } from "../core/errors.ts";
import { bitCount } from "./phash.ts";

/** Two items, `first` before `second`, and the bits in which they differ. */
export interface NearPair {
  readonly first: number;
  readonly second: number;
  readonly bits: number;
}

/** Hashes one behind the other in one array, which grows: 32 bytes each, where an array each takes some 200. */
export class HashList {
  /** 16-bit words of one hash. */
  readonly words: number;
  #data: Uint16Array;
  #length = 0;

  constructor(words: number) {
    this.words = words;
    this.#data = new Uint16Array(words * 64);
  }

  static of(hashes: readonly Uint16Array[]): HashList {
    const list = new HashList(hashes[0]?.length ?? 0);
    for (const hash of hashes) list.add(hash);
    return list;
  }

  get length(): number {
    return this.#length;
  }

  add(hash: Uint16Array): void {
    const at = this.#length++ * this.words;
    if (at + this.words > this.#data.length) {
      const larger = new Uint16Array(Math.max(2 * this.#data.length, at + this.words));
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data.set(hash, at);
  }

  /** A view of one hash, not a copy. */
  at(index: number): Uint16Array {
    return this.#data.subarray(index * this.words, (index + 1) * this.words);
  }

  /** Bits in which two hashes differ. */
  distance(a: number, b: number): number {
    const [data, words] = [this.#data, this.words];
    let bits = 0;
    for (let w = 0, i = a * words, j = b * words; w < words; w++) bits += bitCount(data[i++]! ^ data[j++]!);
    return bits;
  }
}

/**
 * All pairs within a distance, ordered by `second`, then `first`.
 *
 * @param radius - bits, below twice the number of words
 * @example [...nearPairs(HashList.of([new Uint16Array([1, 0]), new Uint16Array([1, 1])]), 1)] // one pair, 1 bit
 */
export function* nearPairs(hashes: HashList, radius: number): Generator<NearPair> {
  const { words, length } = hashes;
  if (length > 0 && radius >= 2 * words) {
    throw new AppError("internal", "NEAR_RADIUS", `A radius of ${radius} is too wide for ${words} words`);
  }
  const flips = radius < words ? [0] : [0, ...Array.from({ length: 16 }, (_, bit) => 1 << bit)];
  // For each word a chain through the hashes with its value, the latest first; -1 ends it.
  const heads = Array.from({ length: words }, () => new Int32Array(1 << 16).fill(-1));
  const chains = Array.from({ length: words }, () => new Int32Array(length));
  const seen = new Int32Array(length).fill(-1);
  for (let second = 0; second < length; second++) {
    const hash = hashes.at(second);
    const found: NearPair[] = [];
    for (let w = 0; w < words; w++) {
      const [head, chain, value] = [heads[w]!, chains[w]!, hash[w]!];
      for (const flip of flips) {
        for (let first = head[value ^ flip]!; first >= 0; first = chain[first]!) {
          if (seen[first] === second) continue;
          seen[first] = second;
          const bits = hashes.distance(first, second);
          if (bits <= radius) found.push({ first, second, bits });
        }
      }
      chain[second] = head[value]!;
      head[value] = second;
    }
    yield* found.sort((a, b) => a.first - b.first);
  }
}
