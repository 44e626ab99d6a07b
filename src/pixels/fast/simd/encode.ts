// RGB to the entropy-coded data of a baseline JPEG with halved chroma, as libjpeg-turbo makes it with optimised tables.
// Two passes: all symbols with their bits as tokens, which are counted; then, with the codes that src/pixels/fast/jpeg-write.ts
// makes of the counts, the bytes. Source: jchuff.c; ITU-T T.81 annex F. Invariant: bit for bit.
import { natural } from "./entropy";
import { forward } from "./fdct";
import { toPlanes } from "./ycc";

const BLOCK = memory.data(128, 16);
/** How often each symbol comes: u32 [DC and AC of luma, DC and AC of chroma; 256]. */
const COUNTS = memory.data(4 * 1024, 16);
/** Code shifted by 8, and its length, in the same order. */
const CODES = memory.data(4 * 1024, 16);
/** Row-major position to zigzag order. */
const ZIGZAG = memory.data(64);

/** Address of `COUNTS`, which the caller reads and clears. */
export function countsAt(): usize {
  return COUNTS;
}

/** Address of `CODES`, which the caller fills. */
export function codesAt(): usize {
  return CODES;
}

/** Bytes of memory that `tokenise` wants at `work`: planes, rows, and 66 tokens a block at most. */
export function encodeBytes(width: usize, height: usize): usize {
  const pixels = ((width + 15) & ~15) * ((height + 15) & ~15);
  return (pixels * 3) / 2 + 8 * (width + 64) + (pixels * 3) / 128 * 66 * 4 + 256;
}

/** Where the next token goes. */
let token: usize = 0;

@inline
function put(table: u32, symbol: u32, bits: u32): void {
  const entry = (table << 8) | symbol;
  const count = COUNTS + (<usize>entry << 2);
  store<u32>(count, load<u32>(count) + 1);
  store<u32>(token, (entry << 16) | bits);
  token += 4;
}

/** Length of a value's magnitude. */
@inline
function sizeOf(value: i32): u32 {
  return 32 - <u32>clz(abs(value));
}

/** Its low bits; a negative one's are those of one less. */
@inline
function bitsOf(value: i32, size: u32): u32 {
  return <u32>(value + (value >> 31)) & ((1 << size) - 1);
}

/** Tokens of one block; returns its first coefficient. */
function tokensOf(from: usize, stride: usize, chroma: u32, before: i32): i32 {
  const known = forward(from, stride, chroma, BLOCK);
  // From positions in rows to positions in the zigzag.
  let order: u64 = 0;
  for (let rest = known; rest !== 0; rest &= rest - 1) order |= 1 << <u64>load<u8>(ZIGZAG + <usize>ctz(rest));
  const dc: i32 = load<i16>(BLOCK);
  const size = sizeOf(dc - before);
  put(chroma << 1, size, bitsOf(dc - before, size));
  const table = (chroma << 1) | 1;
  let last: i32 = 0;
  for (let rest = order & ~1; rest !== 0; rest &= rest - 1) {
    const k = <i32>ctz(rest);
    let run = k - last - 1;
    for (; run > 15; run -= 16) put(table, 0xf0, 0);
    const value: i32 = load<i16>(BLOCK + (natural(k) << 1));
    const length = sizeOf(value);
    put(table, (<u32>run << 4) | length, bitsOf(value, length));
    last = k;
  }
  if (last < 63) put(table, 0, 0);
  return dc;
}

/**
 * The first pass.
 *
 * @param rgb - u8 [height, width, 3], 64 bytes more are read; whole blocks of 8 px, the last one incomplete or not, even in number both ways
 * @param work - `encodeBytes` of memory
 * @returns address after the last token; the first is at `work` + what comes before, see `tokensAt`
 */
export function tokenise(rgb: usize, width: usize, height: usize, work: usize): usize {
  for (let k: usize = 0; k < 64; k++) store<u8>(ZIGZAG + natural(k), <u8>k);
  memory.fill(COUNTS, 0, 4 * 1024);
  const stride = (width + 15) & ~15;
  const tall = (height + 15) & ~15;
  const half = stride >> 1;
  const y = work;
  const cb = y + stride * tall + 32;
  const cr = cb + half * (tall >> 1) + 16;
  const rows = cr + half * (tall >> 1) + 16;
  toPlanes(rgb, width, height, stride, y, cb, cr, rows);
  token = tokensAt(width, height, work);
  let dcY: i32 = 0;
  let dcB: i32 = 0;
  let dcR: i32 = 0;
  for (let row: usize = 0; row < tall; row += 16) {
    for (let column: usize = 0; column < stride; column += 16) {
      const at = y + row * stride + column;
      dcY = tokensOf(at, stride, 0, dcY);
      dcY = tokensOf(at + 8, stride, 0, dcY);
      dcY = tokensOf(at + 8 * stride, stride, 0, dcY);
      dcY = tokensOf(at + 8 * stride + 8, stride, 0, dcY);
      const c = (row >> 1) * half + (column >> 1);
      dcB = tokensOf(cb + c, half, 1, dcB);
      dcR = tokensOf(cr + c, half, 1, dcR);
    }
  }
  return token;
}

/** Where the tokens begin. */
export function tokensAt(width: usize, height: usize, work: usize): usize {
  const stride = (width + 15) & ~15;
  const planes = (stride * ((height + 15) & ~15) * 3) / 2;
  return (work + planes + 64 + 4 * (stride + 32) + 15) & ~15;
}

/** Four bytes, the first on top; a zero follows every 255. */
@inline
function putFour(word: u32, to: usize): usize {
  if ((word & 0x80808080 & ~(word + 0x01010101)) === 0) {
    store<u32>(to, bswap<u32>(word));
    return to + 4;
  }
  for (let shift = 24; shift >= 0; shift -= 8) to = putByte(word >> shift, to);
  return to;
}

@inline
function putByte(byte: u32, to: usize): usize {
  store<u8>(to++, byte);
  if ((byte & 255) === 255) store<u8>(to++, 0);
  return to;
}

/**
 * The second pass.
 *
 * @param from - first token
 * @param end - after the last
 * @param to - memory for the bytes: 8 a token at most
 * @returns address after the last byte
 */
export function putTokens(from: usize, end: usize, to: usize): usize {
  let bits: u64 = 0;
  let count: u32 = 0;
  for (; from < end; from += 4) {
    const next = load<u32>(from);
    const code = load<u32>(CODES + (<usize>(next >> 16) << 2));
    const size = (next >> 16) & 15;
    const length = (code & 255) + size;
    bits = (bits << length) | <u64>(((code >> 8) << size) | (next & 0xffff));
    count += length;
    if (count >= 32) {
      count -= 32;
      to = putFour(<u32>(bits >> count), to);
    }
  }
  bits = (bits << 7) | 127;
  for (count += 7; count >= 8; ) {
    count -= 8;
    to = putByte(<u32>(bits >> count) & 255, to);
  }
  return to;
}
