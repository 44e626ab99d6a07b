// ◇ Browser-safe. Taps as the vectors' code (simd/shrink.ts) takes them: weights in halves, by fours.
// Source: taps.ts. Invariant: upper half * 2^11 + lower half is the weight; what fills up a group has weight 0.
import type { Taps } from "./taps.ts";

const LOW_BITS = 11;

/** First positions and weights, as words of the vectors' memory. */
export interface PackedTaps {
  /** Output positions, filled up to whole groups of four. */
  readonly n: number;
  /** Groups of four weights a position. */
  readonly groups: number;
  /** First position times `unit` [n], then of each group pairs of upper and of lower halves [n, groups, 4] */
  readonly words: Uint32Array;
}

const packed = new WeakMap<Taps, Map<number, PackedTaps>>();

/**
 * Packs taps; the same taps are packed once.
 *
 * @param unit - what an input position is wide, bytes or rows
 */
export function packTaps(taps: Taps, unit: number): PackedTaps {
  const known = packed.get(taps) ?? new Map<number, PackedTaps>();
  const found = known.get(unit) ?? pack(taps, unit);
  packed.set(taps, known.set(unit, found));
  return found;
}

function pack({ first, count, weights, width }: Taps, unit: number): PackedTaps {
  const n = Math.ceil(first.length / 4) * 4;
  const groups = Math.max(1, Math.ceil(Math.max(...count) / 4));
  const words = new Uint32Array(n * (1 + 4 * groups));
  for (let x = 0; x < first.length; x++) {
    words[x] = first[x]! * unit;
    for (let k = 0; k < count[x]!; k += 2) {
      const at = n + (x * groups + (k >> 2)) * 4 + ((k >> 1) & 1);
      const [a, b] = [weights[x * width + k]!, k + 1 < count[x]! ? weights[x * width + k + 1]! : 0];
      words[at] = (a >> LOW_BITS) | ((b >> LOW_BITS) << 16);
      words[at + 2] = low(a) | (low(b) << 16);
    }
  }
  return { n, groups, words };
}

function low(weight: number): number {
  return weight & ((1 << LOW_BITS) - 1);
}
