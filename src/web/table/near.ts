// ◇ Browser-safe. Rows whose picture looks like that of one row: perceptual hashes that differ in few bits.
// Source: H. S. Warren, Hacker's Delight, 5-1 (counting bits). Invariants: a row without a hash is near to none; of equal ones the
// earlier row comes first.
import { HASH_PARTS, type Hashes } from "./column.ts";

/** A row and how many bits of its hash differ. */
export interface Near {
  readonly row: number;
  readonly bits: number;
}

/** Bits of a hash. */
const HASH_BITS = 32 * HASH_PARTS;

/**
 * The rows that look most alike.
 *
 * @param most - of them, at most
 */
export function nearestRows({ bits }: Hashes, row: number, most: number): Near[] {
  const rows = bits.length / HASH_PARTS;
  if (isMissing(bits, row)) return [];
  const own = bits.slice(HASH_PARTS * row, HASH_PARTS * (row + 1));
  const distances = new Uint16Array(rows);
  const counts = new Uint32Array(HASH_BITS + 1);
  for (let other = 0; other < rows; other++) {
    let sum = 0;
    if (other === row || isMissing(bits, other)) sum = HASH_BITS;
    else for (let i = 0; i < HASH_PARTS; i++) sum += onesOf(own[i]! ^ bits[HASH_PARTS * other + i]!);
    distances[other] = sum;
    counts[sum]!++;
  }
  let [limit, within] = [0, counts[0]!];
  while (within < most && limit < HASH_BITS - 1) within += counts[++limit]!;
  const found: Near[] = [];
  for (let other = 0; other < rows; other++)
    if (distances[other]! <= limit) found.push({ row: other, bits: distances[other]! });
  return found.sort((a, b) => a.bits - b.bits || a.row - b.row).slice(0, most);
}

const isMissing = (bits: Uint32Array, row: number) => bits[HASH_PARTS * row]! >>> 31 === 1;

function onesOf(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
