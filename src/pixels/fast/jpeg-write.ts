// ◇ Browser-safe. What a JPEG has beside its data: quantisation tables of a quality, optimal Huffman codes, headers.
// Source: libjpeg's jcparam.c, jcmarker.c and jpeg_gen_optimal_table of jchuff.c (after ITU-T T.81 annex K); simd/encode.ts
// makes the data. Invariant: the bytes of a file are those of libjpeg-turbo with optimised coding.

/** Row-major position of the k-th coefficient. */
const NATURAL = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63,
] as const;

/** T.81 tables K.1 and K.2, row-major. */
const LUMA = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22,
  29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103,
  121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
] as const;
const CHROMA = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
] as const;

/**
 * Divisors of luma and of chroma, row-major.
 *
 * @param quality - 1 to 100
 * @source libjpeg jpeg_quality_scaling, jpeg_add_quant_table
 */
export function quantTables(quality: number): readonly [Uint8Array, Uint8Array] {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  const scaled = (table: readonly number[]) =>
    Uint8Array.from(table, (v) => Math.min(255, Math.max(1, Math.floor((v * scale + 50) / 100))));
  return [scaled(LUMA), scaled(CHROMA)];
}

/** A Huffman table as a file has it, and the codes that follow from it. */
export interface HuffmanTable {
  /** How many codes there are of each length, [16]. */
  readonly counts: Uint8Array;
  readonly symbols: Uint8Array;
  /** Code shifted by 8, and its length; by symbol, [256]. */
  readonly codes: Uint32Array;
}

const MAX_LENGTH = 16;

/**
 * The best codes of at most 16 bits, none of which is all ones.
 *
 * @param counts - how often each symbol comes, [256]
 * @source T.81 figures K.1 to K.4, with libjpeg's choice among equals
 */
export function optimalTable(counts: Uint32Array): HuffmanTable {
  const lengths = codeLengths(counts);
  const bits = new Int32Array(64);
  for (const length of lengths) if (length > 0) bits[length]!++;
  const symbols = byLength(lengths, bits);
  limitLengths(bits);
  const codes = new Uint32Array(256);
  for (let length = 1, code = 0, k = 0; length <= MAX_LENGTH; length++, code <<= 1) {
    for (let i = 0; i < bits[length]!; i++) codes[symbols[k++]!] = (code++ << 8) | length;
  }
  return { counts: Uint8Array.from(bits.subarray(1, MAX_LENGTH + 1)), symbols, codes };
}

/**
 * Symbols that have a code, shorter codes first, lower symbols first among equals. The one more is none of them: it is the
 * lightest and the latest, so its code is of the longest and would come last.
 */
function byLength(lengths: Uint8Array, bits: Int32Array): Uint8Array {
  const next = new Int32Array(bits.length);
  for (let length = 1; length + 1 < bits.length; length++) next[length + 1] = next[length]! + bits[length]!;
  const symbols = new Uint8Array(lengths.length);
  let count = 0;
  for (let k = 0; k < 256; k++) {
    if (lengths[k] === 0) continue;
    symbols[next[lengths[k]!]!++] = k;
    count++;
  }
  return symbols.slice(0, count);
}

/** A node's key is its weight times this, plus how far its place is from the end: the least key is what libjpeg takes. */
const PLACES = 512;

/**
 * Length of each symbol's code, and of one more symbol that keeps the code of all ones free; [257], 0 for none.
 *
 * libjpeg searches all nodes for the two lightest, of equal ones those that stand later, and puts their sum in the
 * place of the lightest. Sums come in the order of their weights, so the lightest is the first of the sorted symbols or
 * the first of the sums.
 */
function codeLengths(counts: Uint32Array): Uint8Array {
  const leaves = leafKeys(counts);
  const count = leaves.length;
  const sums = new Float64Array(count); // keys in order; those before `sum` are used up
  const nodes = new Int32Array(count); // the node of each
  const parents = new Int32Array(2 * count);
  let [leaf, sum, made] = [0, 0, 0];
  const take = (node: number): number => {
    const isLeaf = leaf < count && (sum === made || leaves[leaf]! < sums[sum]!);
    parents[isLeaf ? leaf : nodes[sum]!] = node;
    return isLeaf ? leaves[leaf++]! : sums[sum++]!;
  };
  for (let node = count; node < 2 * count - 1; node++) {
    const a = take(node);
    const b = take(node);
    const key = a + b - (b % PLACES);
    let to = made++;
    for (; to > sum && sums[to - 1]! > key; to--) {
      sums[to] = sums[to - 1]!;
      nodes[to] = nodes[to - 1]!;
    }
    sums[to] = key;
    nodes[to] = node;
  }
  const depths = new Uint8Array(2 * count);
  for (let node = 2 * count - 3; node >= 0; node--) depths[node] = depths[parents[node]!]! + 1;
  const lengths = new Uint8Array(257);
  for (let k = 0; k < count; k++) lengths[PLACES - 1 - (leaves[k]! % PLACES)] = depths[k]!;
  return lengths;
}

/** Sorted keys of the symbols that come, and of the one more. */
function leafKeys(counts: Uint32Array): Float64Array {
  const keys = new Float64Array(257);
  let known = 0;
  for (let k = 0; k < 256; k++) if (counts[k]! > 0) keys[known++] = counts[k]! * PLACES + PLACES - 1 - k;
  keys[known++] = PLACES + PLACES - 1 - 256;
  return keys.subarray(0, known).sort();
}

/** Moves codes longer than 16 bits up, and takes the extra symbol's away. */
function limitLengths(bits: Int32Array): void {
  for (let i = bits.length - 1; i > MAX_LENGTH; i--) {
    while (bits[i]! > 0) {
      let j = i - 2;
      while (bits[j] === 0) j--;
      bits[i]! -= 2;
      bits[i - 1]!++;
      bits[j + 1]! += 2;
      bits[j]!--;
    }
  }
  let longest = MAX_LENGTH;
  while (bits[longest] === 0) longest--;
  bits[longest]!--;
}

/**
 * All of a file before its data: chroma halved both ways, no metadata.
 *
 * @param tables - DC and AC of luma, then of chroma
 */
export function jpegHeader(
  width: number,
  height: number,
  quants: readonly Uint8Array[],
  tables: readonly HuffmanTable[],
): Uint8Array {
  const bytes = [0xff, 0xd8];
  const segment = (marker: number, body: readonly number[]) =>
    bytes.push(0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body);
  for (const [id, table] of quants.entries()) segment(0xdb, [id, ...NATURAL.map((k) => table[k]!)]);
  const components = [1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
  segment(0xc0, [8, height >> 8, height & 255, width >> 8, width & 255, 3, ...components]);
  for (const [k, { counts, symbols }] of tables.entries()) {
    segment(0xc4, [(k & 1) * 16 + (k >> 1), ...counts, ...symbols]);
  }
  segment(0xda, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
  return Uint8Array.from(bytes);
}
