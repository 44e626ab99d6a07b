// A perceptual hash: similar pictures have hashes that differ in few bits.
// Source: the DCT hash as in C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010):
// luma at 64 x 64, DCT-II, the lowest 16 x 16 frequencies without the constant one, each against their median.
// Invariant: the constant frequency is left out and the median compared with, so brightness and contrast do not count.

import type { Picture } from "./fast/picture.ts";
import { Scratch } from "./fast/scratch.ts";
import type { RgbImage } from "./pixels.ts";

const SIDE = 64;
const LOW = 16;
/** Bits of a hash; the first one is always 0. */
export const HASH_BITS = LOW * LOW;
/** A hash is that many 16-bit words. */
export const HASH_WORDS = HASH_BITS / 16;
/** Side of the thumbnail that candidates are compared by. */
export const THUMB_SIDE = 16;

/** What finds pictures similar to one: its perceptual hash and its thumbnail, some 300 bytes. */
export interface Look {
  /** [HASH_WORDS] */
  readonly hash: Uint16Array;
  /** Luma, [THUMB_SIDE, THUMB_SIDE] */
  readonly thumb: Uint8Array;
}

const HALF = SIDE / 2;
/** COSINES[k * HALF + x] = cos(pi (2x + 1) k / 2 SIDE): the left half of the first LOW rows of the DCT-II. */
const COSINES = Float64Array.from({ length: LOW * HALF }, (_, i) =>
  Math.cos((Math.PI * (2 * (i % HALF) + 1) * Math.floor(i / HALF)) / (2 * SIDE)),
);

/**
 * Hash and thumbnail of a picture; its aspect ratio does not count.
 *
 * @param image - of any size
 * @example withPicture(pictures.photo(await decodeImage("faces/F_1.jpg")), lookOf).hash
 */
export function lookOf(image: Picture): Look {
  const small = image.resized(SIDE, SIDE);
  const thumb = Uint8Array.from(luma(small.resized(THUMB_SIDE, THUMB_SIDE).copy()), Math.round);
  return { hash: hashOf(small), thumb };
}

/**
 * Hash of a picture alone.
 *
 * @param image - of any size
 * @param scratch - memory for pixels and values; new if left out
 * @returns [HASH_WORDS]
 */
export function hashOf(image: Picture, scratch = new Scratch()): Uint16Array {
  const small = image.resized(SIDE, SIDE).copy(scratch.bytes("hashed", SIDE * SIDE * 3));
  return threshold(lowFrequencies(luma(small, scratch.doubles("luma", SIDE * SIDE))));
}

/** ITU-R BT.601, 0 to 255. */
function luma(
  { data, width, height }: RgbImage,
  out: Float64Array = new Float64Array(width * height),
): Float64Array {
  for (let i = 0, from = 0; i < out.length; i++, from += 3) {
    out[i] = 0.299 * data[from]! + 0.587 * data[from + 1]! + 0.114 * data[from + 2]!;
  }
  return out;
}

/** The DCT-II of a SIDE x SIDE map, its LOW x LOW lowest frequencies: C X C^T. */
function lowFrequencies(map: Float64Array): Float64Array {
  return rowFrequencies(rowFrequencies(map)); // each turns its result, so the second goes along the columns
}

/**
 * The lowest frequencies of each row. Cosines of even ones are the same at both ends of a row, those of odd ones have the
 * other sign: half as many products. Four sums at once, as one would wait for itself.
 *
 * @param map - [N, SIDE]
 * @returns [LOW, N]
 */
function rowFrequencies(map: Float64Array): Float64Array {
  const rows = map.length / SIDE;
  const out = new Float64Array(LOW * rows);
  const sums = new Float64Array(HALF);
  const differences = new Float64Array(HALF);
  for (let y = 0; y < rows; y++) {
    for (let x = 0, left = y * SIDE, right = left + SIDE - 1; x < HALF; x++, left++, right--) {
      sums[x] = map[left]! + map[right]!;
      differences[x] = map[left]! - map[right]!;
    }
    for (let k = 0; k < LOW; k += 4) {
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let x = 0, at = k * HALF; x < HALF; x++, at++) {
        a += sums[x]! * COSINES[at]!;
        b += differences[x]! * COSINES[at + HALF]!;
        c += sums[x]! * COSINES[at + 2 * HALF]!;
        d += differences[x]! * COSINES[at + 3 * HALF]!;
      }
      const to = k * rows + y;
      out[to] = a;
      out[to + rows] = b;
      out[to + 2 * rows] = c;
      out[to + 3 * rows] = d;
    }
  }
  return out;
}

function threshold(frequencies: Float64Array): Uint16Array {
  const sorted = frequencies.slice(1).sort();
  const median = sorted[(sorted.length - 1) / 2]!;
  const hash = new Uint16Array(HASH_WORDS);
  for (let i = 1; i < frequencies.length; i++) {
    if (frequencies[i]! > median) hash[i >> 4]! |= 1 << (i & 15);
  }
  return hash;
}

/** A hash as text, 4 digits a word. */
export function hashHex(hash: Uint16Array): string {
  return Array.from(hash, (word) => word.toString(16).padStart(4, "0")).join("");
}

/** The hash of a text that `hashHex` made. */
export function hashFromHex(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length / 4 }, (_, i) =>
    Number.parseInt(text.slice(4 * i, 4 * i + 4), 16),
  );
}

/** Bits in which two hashes differ, 0 to HASH_BITS. */
export function hashDistance(a: Uint16Array, b: Uint16Array): number {
  let bits = 0;
  for (let i = 0; i < a.length; i++) bits += BITS[a[i]! ^ b[i]!]!;
  return bits;
}

/** Bits set in a 16-bit word. */
export function bitCount(word: number): number {
  return BITS[word]!;
}

/** Bits set in every 16-bit word. */
const BITS = Uint8Array.from({ length: 1 << 16 }, (_, word) => {
  let bits = 0;
  for (let rest = word; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
});

/**
 * How similar two thumbnails are: Pearson's correlation of their luma.
 *
 * @returns -1 to 1; 0 if one of them is flat
 */
export function thumbCorrelation(a: Uint8Array, b: Uint8Array): number {
  const mean = (x: Uint8Array) => x.reduce((sum, v) => sum + v, 0) / x.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i]! - ma) * (b[i]! - mb);
    aa += (a[i]! - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}
