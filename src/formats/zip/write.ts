// Zip archives of stored (uncompressed) files, made one file after another: any number of them, any total size.
// Source: PKWARE's APPNOTE 6.3: local and central headers (4.3.7, 4.3.12), zip64 (4.5.3, 4.3.14, 4.3.15), UTF-8 names
// (appendix D); the padding field "FB" as PyTorch's writer has it. Invariants: the same entries give the same bytes on every
// machine; one file is in memory at a time; in an aligned archive each file's data begin at a multiple of 64 bytes.
import { crc32 } from "node:zlib";
import { unexpected } from "../../core/errors.ts";

/** A file to store. */
export interface StoredEntry {
  readonly name: string;
  readonly data: Uint8Array;
}

const FULL = 0xffff_ffff;
const FULL_COUNT = 0xffff;
/** 1 January 1980, the first day that zip knows: archives do not depend on when and where they were made. */
const FIRST_DAY = 0x0021;
const UTF8 = 0x0800;
const ZIP64 = 45;

/** The header fields of archives of one kind. */
interface Kind {
  /** Version that is needed to read a file: 1.0 or 2.0 for what is stored, 4.5 for zip64. */
  readonly needed: number;
  readonly madeBy: number;
  /** On Unix, the mode of a plain file stands in the upper half. */
  readonly attributes: number;
  /** The data of a file begin at a multiple of so many bytes. */
  readonly alignment: number;
}

/** Made by 4.5 on Unix. */
const PLAIN: Kind = {
  ...{ needed: 20, madeBy: (3 << 8) | ZIP64, alignment: 1 },
  attributes: 0o100644 * 0x1_0000,
};
/** As PyTorch's are, whose data can be mapped. */
const ALIGNED: Kind = { needed: 10, madeBy: 10, attributes: 0, alignment: 64 };

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
  const archive = new Archive(PLAIN);
  for await (const entry of entries) yield* archive.add(entry);
  yield* archive.end();
}

/**
 * The bytes of an archive whose data are aligned, as PyTorch maps them; the entries' data are not copied.
 *
 * @throws AppError("data", "ZIP_TOO_LARGE") for a file of 4 GiB or more
 */
export function alignedZip(entries: readonly StoredEntry[]): Uint8Array[] {
  const archive = new Archive(ALIGNED);
  return [...entries.flatMap((entry) => archive.add(entry)), ...archive.end()];
}

/** An archive that is being made: what was added so far, and where the next file begins. */
class Archive {
  readonly #kind: Kind;
  readonly #directory: Uint8Array[] = [];
  #position = 0;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  /** Header and data of one more file. */
  add({ name, data }: StoredEntry): [Uint8Array, Uint8Array] {
    if (data.byteLength >= FULL) {
      const got = `${data.byteLength} bytes`;
      throw unexpected("data", { code: "ZIP_TOO_LARGE", expected: "less than 4 GiB", name, got });
    }
    const text = new TextEncoder().encode(name);
    const fields = { name: text, crc: crc32(data), sizeBytes: data.byteLength };
    const header = localHeader(this.#kind, fields, this.#position);
    this.#directory.push(centralHeader(this.#kind, fields, this.#position));
    this.#position += header.byteLength + data.byteLength;
    return [header, data];
  }

  /** The directory. */
  end(): Uint8Array[] {
    const sizeBytes = this.#directory.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return [...this.#directory, endOfArchive(this.#directory.length, this.#position, sizeBytes)];
  }
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

function localHeader({ needed, alignment }: Kind, fields: Fields, position: number): Buffer {
  const extra = padding(position + 30 + fields.name.byteLength, alignment);
  const head = [uint32(0x04034b50), common(fields, needed), uint16(extra.byteLength)];
  return Buffer.concat([...head, fields.name, extra]);
}

/** The field that brings what comes after `position` to a multiple of the alignment. */
function padding(position: number, alignment: number): Buffer {
  if (alignment === 1) return Buffer.alloc(0);
  const sizeBytes = (alignment - ((position + 4) % alignment)) % alignment;
  return Buffer.concat([Buffer.from("FB"), uint16(sizeBytes), Buffer.alloc(sizeBytes)]);
}

function centralHeader({ needed, madeBy, attributes }: Kind, fields: Fields, position: number): Buffer {
  const far = position >= FULL;
  const extra = far ? Buffer.concat([uint16(1), uint16(8), uint64(position)]) : Buffer.alloc(0);
  const tail = Buffer.alloc(16);
  tail.writeUInt16LE(extra.byteLength, 0); // comment, disk and internal attributes after it are 0
  tail.writeUInt32LE(attributes, 8);
  tail.writeUInt32LE(far ? FULL : position, 12);
  const head = Buffer.concat([uint32(0x02014b50), uint16(madeBy), common(fields, far ? ZIP64 : needed)]);
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
  record.writeUInt16LE(PLAIN.madeBy, 12);
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
