// ◇ Browser-safe. Orders of all rows by one column: radix sort on the bits of numbers, counting sort of codes.
// Source: Knuth, The Art of Computer Programming 3, 5.2.5; the bits of IEEE 754 numbers in their order. Invariants: stable; what is
// missing stands last in both directions; the same column gives the same order.
import { type Column, HASH_PARTS, type Words } from "./column.ts";
import type { Sieve } from "./sieve.ts";

/** Bits that are sorted by at once: counts of that many digits stay in a processor's first cache. */
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
const KEY_BITS = 32;

/** Rows by a column. */
export function orderBy(column: Column, descending: boolean): Uint32Array {
  if (column.kind === "numbers") return orderOfNumbers(column.values, descending);
  if (column.kind === "words") return orderOfWords(column, descending);
  if (column.kind === "texts") return orderOfTexts(column.ends.length, descending);
  return allRows(column.bits.length / HASH_PARTS);
}

/** Ids of files: their own order. */
function orderOfTexts(rows: number, descending: boolean): Uint32Array {
  const order = allRows(rows);
  return descending ? order.reverse() : order;
}

/** 0, 1, 2, ...: the order of the file. */
export function allRows(rows: number): Uint32Array<ArrayBuffer> {
  const order = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) order[i] = i;
  return order;
}

function orderOfWords({ codes, words }: Words, descending: boolean): Uint32Array {
  const size = words.length;
  const starts = new Uint32Array(size + 1);
  // What is missing, and what cannot be there, stands last.
  const last = words.lastIndexOf("");
  const most = last > 0 ? last - 1 : size - 1; // codes of words that are there go up to this one
  const place = (code: number) => (code === 0 || code > most ? most : descending ? most - code : code - 1);
  for (let i = 0; i < codes.length; i++) starts[place(codes[i]!) + 1]!++;
  for (let i = 0; i < size; i++) starts[i + 1]! += starts[i]!;
  const order = new Uint32Array(codes.length);
  for (let i = 0; i < codes.length; i++) order[starts[place(codes[i]!)]!++] = i;
  return order;
}

function orderOfNumbers(values: Float64Array, descending: boolean): Uint32Array {
  const rows = values.length;
  let from = allRows(rows);
  let to = new Uint32Array(rows);
  const counts = new Uint32Array(DIGITS + 1);
  for (const keys of keysOf(values, descending))
    for (let shift = 0; shift < KEY_BITS; shift += DIGIT_BITS) {
      counts.fill(0);
      for (let i = 0; i < rows; i++) counts[((keys[i]! >>> shift) & (DIGITS - 1)) + 1]!++;
      if (rows > 0 && counts[((keys[0]! >>> shift) & (DIGITS - 1)) + 1] === rows) continue; // all alike
      for (let i = 0; i < DIGITS; i++) counts[i + 1]! += counts[i]!;
      for (let i = 0; i < rows; i++) {
        const row = from[i]!;
        to[counts[(keys[row]! >>> shift) & (DIGITS - 1)]!++] = row;
      }
      [from, to] = [to, from];
    }
  return from;
}

/** Whole numbers in two halves, in the order of the values: the sign bit turned, negative ones turned whole. */
function keysOf(values: Float64Array, descending: boolean): readonly [Uint32Array, Uint32Array] {
  const rows = values.length;
  const bits = new Uint32Array(values.buffer, values.byteOffset, 2 * rows); // little-endian, as every browser's machine
  const [low, high] = [new Uint32Array(rows), new Uint32Array(rows)];
  for (let i = 0; i < rows; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) {
      low[i] = high[i] = 0xffffffff;
      continue;
    }
    const [a, b] = value === 0 ? [0, 0] : [bits[2 * i]!, bits[2 * i + 1]!]; // -0 is 0
    const flip = b >>> 31 === 1 ? 0xffffffff : 0;
    const turned = descending ? 0xffffffff : 0;
    low[i] = a ^ flip ^ turned;
    high[i] = b ^ (flip | 0x80000000) ^ turned;
  }
  return [low, high];
}

/** Rows of an order that pass. */
export function passingIn(order: Uint32Array, sieve: Sieve): Uint32Array {
  const out = new Uint32Array(sieve.passing().length);
  let next = 0;
  for (let i = 0; i < order.length; i++) if (sieve.has(order[i]!)) out[next++] = order[i]!;
  return out;
}

/**
 * Rows with those of each group together, groups in the order of their first row.
 *
 * @param shown - rows in their order
 * @param groups - group of each row, below `size`
 */
export function grouped(shown: Uint32Array, groups: ArrayLike<number>, size: number): Uint32Array {
  const sizes = new Uint32Array(size);
  for (let i = 0; i < shown.length; i++) sizes[groups[shown[i]!]!]!++;
  const starts = new Int32Array(size).fill(-1);
  const out = new Uint32Array(shown.length);
  let next = 0;
  for (let i = 0; i < shown.length; i++) {
    const row = shown[i]!;
    const group = groups[row]!;
    if (starts[group] === -1) {
      starts[group] = next;
      next += sizes[group]!;
    }
    out[starts[group]!++] = row;
  }
  return out;
}
