// ◇ Browser-safe. JPEGs of pictures, written in a memory.
// Source: simd/encode.ts, jpeg-write.ts. Invariant: sharp's bytes, for sizes of whole pairs of blocks.
import { jpegHeader, optimalTable, quantTables } from "./jpeg-write.ts";
import { makingOf } from "./making.ts";
import { MOST_PIXELS, type Region, type SimdMemory, SLACK } from "./memory.ts";
import type { Picture } from "./picture.ts";

/** Room before a JPEG's data: more than four full Huffman tables and all else need. */
const HEADER_ROOM = 1024;

/**
 * A JPEG with halved chroma, of sharp's bytes.
 *
 * @param quality - 1 to 100
 * @returns bytes of its own; undefined for what is left to sharp: other sizes, and where there is no SIMD
 * @throws AppError("internal", "PICTURE_ENDED") after the block that it was lent to
 */
export function jpegOf(picture: Picture, quality: number): Uint8Array | undefined {
  return picture.worked({
    inMemory: (memory, region) => encodedIn(memory, region, quality),
    plain: () => undefined,
  });
}

function encodedIn(memory: SimdMemory, region: Region, quality: number): Uint8Array | undefined {
  const { width, height } = region;
  if (!isWhole(width) || !isWhole(height) || width * height > MOST_PIXELS) return undefined;
  const code = makingOf(memory);
  const rgb = region.at();
  const work = memory.free;
  memory.grow(work + code.encodeBytes(width, height));
  const quants = quantTables(quality);
  for (const [id, table] of quants.entries()) {
    memory.bytes.set(table, work);
    code.setDivisors(id, work);
  }
  const end = code.tokenise(rgb, width, height, work);
  const counts = new Uint32Array(memory.bytes.buffer, code.countsAt(), 4 * 256);
  const tables = [0, 256, 512, 768].map((at) => optimalTable(counts.subarray(at, at + 256)));
  const codes = new Uint32Array(memory.bytes.buffer, code.codesAt(), 4 * 256);
  for (const [k, table] of tables.entries()) codes.set(table.codes, 256 * k);
  const from = code.tokensAt(width, height, work);
  const data = end + HEADER_ROOM;
  memory.grow(data + 2 * (end - from) + SLACK);
  const last = code.putTokens(from, end, data);
  const header = jpegHeader(width, height, quants, tables);
  memory.bytes.set(header, data - header.length);
  memory.bytes.set([0xff, 0xd9], last);
  return memory.bytes.slice(data - header.length, last + 2);
}

/** Whole pairs of blocks, the last block perhaps in part: libjpeg adds none to others' rows. */
function isWhole(side: number): boolean {
  return side > 0 && Math.ceil(side / 8) % 2 === 0;
}
