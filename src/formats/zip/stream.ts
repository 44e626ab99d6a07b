// Zip archives of stored (uncompressed) files, made one file after another: any number of them, any total size.
// Source: PKWARE's APPNOTE 6.3: local and central headers (4.3.7, 4.3.12), zip64 (4.5.3, 4.3.14, 4.3.15), UTF-8 names
// (appendix D). Invariants: the same entries give the same bytes on every machine; one file is in memory at a time.
// (write.ts is for PyTorch's archives, whose data are aligned and small in number.)
import { crc32 } from "node:zlib";
import { unexpected } from "../../core/errors.ts";
import type { StoredEntry } from "./write.ts";

const FULL = 0xffff_ffff;
const FULL_COUNT = 0xffff;
/** 1 January 1980, the first day that zip knows: archives do not depend on when and where they were made. */
const FIRST_DAY = 0x0021;
const UTF8 = 0x0800;
/** Versions needed: 2.0 for what is stored, 4.5 for zip64. */
const PLAIN = 20;
const ZIP64 = 45;
/** Made by 4.5 on Unix, whose mode of a plain file stands in the upper half of the external attributes. */
const MADE_BY = (3 << 8) | ZIP64;
const FILE_MODE = 0o100644;

/**
 * The bytes of an archive in order, file by file.
 *
 * @param entries - files smaller than 4 GiB, names with `/`
 * @throws AppError("data", "ZIP_TOO_LARGE") for a larger file
 * @example for await (const part of zipStream(entries)) await file.write(part)
 */
export async function* zipStream(
  entries: Iterable<StoredEntry> | AsyncIterable<StoredEntry>,
): AsyncGenerator<Uint8Array> {
  const directory: Uint8Array[] = [];
  let position = 0;
  for await (const { name, data } of entries) {
    if (data.byteLength >= FULL) {
      const got = `${data.byteLength} bytes`;
      throw unexpected("data", { code: "ZIP_TOO_LARGE", expected: "less than 4 GiB", name, got });
    }
    const text = new TextEncoder().encode(name);
    const fields = { name: text, crc: crc32(data), sizeBytes: data.byteLength };
    const header = localHeader(fields);
    directory.push(centralHeader(fields, position));
    yield header;
    yield data;
    position += header.byteLength + data.byteLength;
  }
  let sizeBytes = 0;
  for (const header of directory) {
    yield header;
    sizeBytes += header.byteLength;
  }
  yield endOfArchive(directory.length, position, sizeBytes);
}

interface Fields {
  readonly name: Uint8Array;
  readonly crc: number;
  readonly sizeBytes: number;
}

/** 26 bytes that both headers have: from "version needed" to the length of the name. */
function common({ name, crc, sizeBytes }: Fields, version: number): Buffer {
  const out = Buffer.alloc(24);
  out.writeUInt16LE(version, 0);
  out.writeUInt16LE(name.some((byte) => byte > 127) ? UTF8 : 0, 2); // method and time after it are 0
  out.writeUInt16LE(FIRST_DAY, 8);
  out.writeUInt32LE(crc, 10);
  out.writeUInt32LE(sizeBytes, 14);
  out.writeUInt32LE(sizeBytes, 18);
  out.writeUInt16LE(name.byteLength, 22);
  return out;
}

function localHeader(fields: Fields): Buffer {
  return Buffer.concat([uint32(0x04034b50), common(fields, PLAIN), uint16(0), fields.name]);
}

function centralHeader(fields: Fields, position: number): Buffer {
  const far = position >= FULL;
  const extra = far ? Buffer.concat([uint16(1), uint16(8), uint64(position)]) : Buffer.alloc(0);
  const tail = Buffer.alloc(16);
  tail.writeUInt16LE(extra.byteLength, 0); // comment, disk and internal attributes after it are 0
  tail.writeUInt32LE(FILE_MODE * 0x1_0000, 8);
  tail.writeUInt32LE(far ? FULL : position, 12);
  const head = Buffer.concat([uint32(0x02014b50), uint16(MADE_BY), common(fields, far ? ZIP64 : PLAIN)]);
  return Buffer.concat([head, tail, fields.name, extra]);
}

function endOfArchive(count: number, position: number, sizeBytes: number): Buffer {
  const large = count >= FULL_COUNT || position >= FULL || sizeBytes >= FULL;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(large ? FULL_COUNT : count, 8);
  end.writeUInt16LE(large ? FULL_COUNT : count, 10);
  end.writeUInt32LE(large ? FULL : sizeBytes, 12);
  end.writeUInt32LE(large ? FULL : position, 16);
  if (!large) return end;
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4); // bytes of this record that follow
  record.writeUInt16LE(MADE_BY, 12);
  record.writeUInt16LE(ZIP64, 14);
  for (const [at, value] of [
    [24, count],
    [32, count],
    [40, sizeBytes],
    [48, position],
  ] as const) {
    record.writeBigUInt64LE(BigInt(value), at);
  }
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(position + sizeBytes), 8);
  locator.writeUInt32LE(1, 16); // disks
  return Buffer.concat([record, locator, end]);
}

function uint16(value: number): Buffer {
  const out = Buffer.alloc(2);
  out.writeUInt16LE(value);
  return out;
}

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
}

function uint64(value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
}
