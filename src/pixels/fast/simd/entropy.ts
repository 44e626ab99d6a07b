// Entropy-coded data of a baseline JPEG: Huffman tables, and the coefficients of one block after another.
// Source: ITU-T T.81 annexes C and F. The bytes are first freed of their stuffing and mirrored, so that one load of
// 64 bits in the machine's order has the next bit on top. Invariant: damage is found and reported, never decoded.

/** Bits that one look-up resolves; longer codes are rare. */
const QUICK = 10;
const QUICK_BYTES: usize = (1 << QUICK) * 2;
/** A table: look-up u16 [1024] of length and symbol, last code i32 [17] and offset i32 [17] by length, symbols u8 [256]. */
const LAST: usize = QUICK_BYTES;
const OFFSET: usize = LAST + 17 * 4;
const SYMBOLS: usize = OFFSET + 17 * 4;
const TABLE_BYTES: usize = SYMBOLS + 256;
const TABLES = memory.data(8 * 2440);

/** Zigzag order to row-major order. */
const NATURAL = memory.data<u8>([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
  62, 63,
]);

/** Row-major position of the k-th coefficient of a file. */
@inline
export function natural(k: usize): usize {
  return load<u8>(NATURAL + k);
}

/** Address of a Huffman table: DC tables 0 to 3, AC tables 4 to 7. */
export function tableAt(slot: usize): usize {
  return TABLES + slot * TABLE_BYTES;
}

/** Builds a table from a file's 16 counts and their symbols; false if there is no such code. */
export function buildTable(slot: usize, from: usize): bool {
  const table = tableAt(slot);
  memory.fill(table, 0, QUICK_BYTES);
  let code: i32 = 0;
  let index: i32 = 0;
  for (let length: i32 = 1; length <= 16; length++) {
    const count: i32 = load<u8>(from + length - 1);
    if (code + count >= 1 << length || index + count > 256) return false;
    store<i32>(table + OFFSET + length * 4, index - code);
    store<i32>(table + LAST + length * 4, count === 0 ? -1 : code + count - 1);
    for (let i: i32 = 0; i < count; i++, code++, index++) {
      const symbol: u32 = load<u8>(from + 16 + index);
      if (slot < 4 && symbol > 15) return false;
      store<u8>(table + SYMBOLS + index, symbol);
      if (length > QUICK) continue;
      const first = table + ((code << (QUICK - length)) << 1);
      const entry = <u16>((<u32>length << 8) | symbol);
      for (let k: i32 = 0; k < 1 << (QUICK - length); k++) store<u16>(first + (k << 1), entry);
    }
    code <<= 1;
  }
  return true;
}

/** Address of the first bits, and how many bits there are. */
let top: usize = 0;
let available: i32 = 0;
/** Bits that are read. */
let position: i32 = 0;

/** Mirrors the data up to the end of the picture into the memory below `end`; false if another marker comes first. */
export function openBits(from: usize, length: usize, end: usize): bool {
  let to = end;
  const last = from + length;
  const marks = i8x16.splat(-1);
  while (from < last) {
    if (from + 16 <= last) {
      const bytes = v128.load(from);
      if (!v128.any_true(i8x16.eq(bytes, marks))) {
        to -= 16;
        v128.store(to, i8x16.shuffle(bytes, bytes, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
        from += 16;
        continue;
      }
    }
    const byte = load<u8>(from);
    if (byte === 0xff) {
      if (from + 1 >= last) return false;
      const marker = load<u8>(from + 1);
      if (marker !== 0) {
        top = end - 8;
        available = <i32>(end - to) * 8;
        position = 0;
        return marker === 0xd9;
      }
      from++;
    }
    store<u8>(--to, byte);
    from++;
  }
  return false;
}

/** All bits are read but for padding of less than a byte. */
export function atEnd(): bool {
  return position <= available && available - position < 8;
}

/** The next 57 bits or more, the first on top. */
@inline
function peek(at: i32): u64 {
  return load<u64>(top - (at >> 3)) << (<u64>at & 7);
}

/** Length and symbol of the code on top, by one look-up where it is short; 0 if it is none. */
@inline
function lookUp(table: usize, bits: u64): u32 {
  const entry: u32 = load<u16>(table + (<usize>(bits >> (64 - QUICK)) << 1));
  return entry !== 0 ? entry : longCode(table, bits);
}

function longCode(table: usize, bits: u64): u32 {
  for (let length: i32 = QUICK + 1; length <= 16; length++) {
    const code = <i32>(bits >> (64 - length));
    if (code <= load<i32>(table + LAST + length * 4)) {
      const index = code + load<i32>(table + OFFSET + length * 4);
      return (<u32>length << 8) | load<u8>(table + SYMBOLS + index);
    }
  }
  return 0;
}

/** The value of `size` bits on top, at least one: negative if the first is 0 (T.81 F.2.2.1). */
@inline
function extend(bits: u64, size: u32): i32 {
  const mask = <u64>(<i64>~bits >> 63); // all ones where the first is 0
  return <i32>((((bits ^ mask) >> (64 - <u64>size)) ^ mask) - mask);
}

/**
 * Reads a block's coefficients into zeroed i16 [8, 8]; its first is the difference from the block before.
 *
 * @returns position of the last one that was read, -1 if the data is damaged
 */
export function readBlock(block: usize, dc: usize, ac: usize): i32 {
  let at = position;
  let bits = peek(at);
  let entry = lookUp(dc, bits);
  let length = entry >> 8;
  let size = entry & 255;
  if (entry === 0 || size > 15) return -1;
  if (size !== 0) store<i16>(block, extend(bits << length, size));
  let used = length + size;
  let last: i32 = 0;
  bits <<= used;
  for (let k: i32 = 1; k < 64; k++) {
    if (used > 26) {
      at += used;
      used = 0;
      bits = peek(at);
    }
    entry = lookUp(ac, bits);
    if (entry === 0) return -1;
    length = entry >> 8;
    size = entry & 15;
    const run: i32 = (entry >> 4) & 15;
    if (size === 0) {
      used += length;
      if (run !== 15) break;
      bits <<= length;
      k += 15;
      continue;
    }
    k += run;
    if (k > 63) return -1;
    bits <<= length;
    store<i16>(block + (natural(k) << 1), extend(bits, size));
    bits <<= size;
    used += length + size;
    last = k;
  }
  position = at + used;
  return position <= available ? last : -1;
}
