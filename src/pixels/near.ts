// Pairs of hashes that differ in few bits, without comparing all with all.
// Source: multi-index hashing (Norouzi, Punjani and Fleet, 2012): of hashes in m parts that differ in at most r bits,
// one part differs in at most floor(r / m). Each part has an index of its own; candidates are then compared whole.
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

  /** Some bits of one hash as a number. */
  bits(index: number, { from, bits }: Part): number {
    const first = index * this.words + (from >> 4);
    const shift = from & 15;
    let value = this.#data[first]! >>> shift;
    for (let have = 16 - shift, at = first + 1; have < bits; have += 16) value |= this.#data[at++]! << have;
    return bits === 32 ? value : value & (2 ** bits - 1);
  }

  /** Bits in which two hashes differ. */
  distance(a: number, b: number): number {
    const [data, words] = [this.#data, this.words];
    let bits = 0;
    for (let w = 0, i = a * words, j = b * words; w < words; w++) bits += bitCount(data[i++]! ^ data[j++]!);
    return bits;
  }
}

/** Some bits of a hash that stand beside each other. */
interface Part {
  readonly from: number;
  /** At most 32. */
  readonly bits: number;
}

/** Parts of which one is equal in hashes within the radius, as long as they can be; words where a flip is needed, too. */
function partsOf(words: number, radius: number): Part[] {
  const count = radius < words ? Math.max(radius + 1, Math.ceil(words / 2)) : words;
  const at = (part: number) => Math.floor((part * words * 16) / count);
  return Array.from({ length: count }, (_, part) => ({ from: at(part), bits: at(part + 1) - at(part) }));
}

/** A power of two with room for all hashes, or for all values if they are fewer. */
function tableSize(length: number, bits: number): number {
  return 2 ** Math.min(bits, Math.max(8, Math.ceil(Math.log2(length + 1)) + 1));
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
  const parts = partsOf(words, radius);
  const flips = radius < words ? [0] : [0, ...Array.from({ length: 16 }, (_, bit) => 1 << bit)];
  // Of each part a chain through the hashes with its value, the latest first; -1 ends it. Values that share a chain cost
  // a comparison, no more, so that few hashes get small tables.
  const mask = tableSize(length, Math.max(...parts.map(({ bits }) => bits))) - 1;
  const heads = parts.map(() => new Int32Array(mask + 1).fill(-1));
  const chains = parts.map(() => new Int32Array(length));
  const seen = new Int32Array(length).fill(-1);
  for (let second = 0; second < length; second++) {
    const found: NearPair[] = [];
    for (let p = 0; p < parts.length; p++) {
      const [head, chain, value] = [heads[p]!, chains[p]!, hashes.bits(second, parts[p]!)];
      for (const flip of flips) {
        for (let first = head[(value ^ flip) & mask]!; first >= 0; first = chain[first]!) {
          if (seen[first] === second) continue;
          seen[first] = second;
          const bits = hashes.distance(first, second);
          if (bits <= radius) found.push({ first, second, bits });
        }
      }
      chain[second] = head[value & mask]!;
      head[value & mask] = second;
    }
    yield* found.sort((a, b) => a.first - b.first);
  }
}
