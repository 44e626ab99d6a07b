// ◇ Browser-safe. Taps as the SIMD code (simd/shrink.ts) takes them: weights in halves, in pairs.
// Source: taps.ts. Invariant: upper half * 2^11 + lower half is the weight; what fills up a pair has weight 0.
import type { Taps } from "../taps.ts";

const LOW_BITS = 11;

/** First positions and weights, as words of the SIMD memory. */
export interface PackedTaps {
  /** Output positions, filled up to whole groups of four. */
  readonly n: number;
  /** Pairs of weights a position. */
  readonly pairs: number;
  /** Where the last pair that is read ends, its weights of 0 included; input positions. */
  readonly reach: number;
  /** First position times `unit` [n], then of each pair the upper and the lower halves [n, pairs, 2] */
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
  const pairs = Math.max(1, Math.ceil(Math.max(...count) / 2));
  const words = new Uint32Array(n * (1 + 2 * pairs));
  for (let x = 0; x < first.length; x++) {
    words[x] = first[x]! * unit;
    for (let k = 0; k < count[x]!; k += 2) {
      const at = n + x * pairs * 2 + k;
      const [a, b] = [weights[x * width + k]!, k + 1 < count[x]! ? weights[x * width + k + 1]! : 0];
      words[at] = (a >> LOW_BITS) | ((b >> LOW_BITS) << 16);
      words[at + 1] = low(a) | (low(b) << 16);
    }
  }
  return { n, pairs, reach: first.at(-1)! + 2 * pairs, words };
}

function low(weight: number): number {
  return weight & ((1 << LOW_BITS) - 1);
}
