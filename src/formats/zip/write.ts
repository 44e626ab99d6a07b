// Zip archives of stored (uncompressed) entries, as parts to be written one after another without copies.
// Source: PKWARE's APPNOTE 4.3; the padding field "FB" as PyTorch's writer has it, so that data can be mapped.
// Invariants: the same entries give the same bytes; each entry's data begin at a multiple of 64 bytes.
import { crc32 } from "node:zlib";
import { unexpected } from "../../core/errors.ts";

/** A file to store; names in ASCII. */
export interface StoredEntry {
  readonly name: string;
  readonly data: Uint8Array;
}

const ALIGNMENT = 64;
const MAX_BYTES = 0xffff_ffff;
const MAX_ENTRIES = 0xffff;
/** 1 January 1980, the first day that zip knows: archives do not depend on when they were made. */
const FIRST_DAY = 0x0021;

/**
 * The bytes of an archive in order, the entries' data as they are.
 *
 * @throws AppError("data", "ZIP_TOO_LARGE") for 4 GiB or 65,535 entries and more, which need another format
 */
export function storedZip(entries: readonly StoredEntry[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let position = 0;
  const add = (part: Uint8Array) => {
    parts.push(part);
    position += part.byteLength;
  };
  for (const entry of entries) {
    const fields = commonFields(entry);
    directory.push(centralHeader(entry.name, fields, position));
    add(localHeader(entry.name, fields, position));
    add(entry.data);
  }
  const start = position;
  for (const header of directory) add(header);
  if (position > MAX_BYTES || entries.length >= MAX_ENTRIES) {
    throw unexpected("data", {
      code: "ZIP_TOO_LARGE",
      expected: "less than 4 GiB and 65,535 entries",
      name: "a zip archive",
      got: `${position} bytes in ${entries.length} entries`,
    });
  }
  parts.push(endRecord(entries.length, start, position - start));
  return parts;
}

/** What local and central headers share: versions to sizes, 22 bytes from "version needed" to "uncompressed size". */
function commonFields({ data }: StoredEntry): Uint8Array {
  const view = new DataView(new ArrayBuffer(22));
  view.setUint16(0, 10, true); // version needed: 1.0
  view.setUint16(8, FIRST_DAY, true); // flags, method and time before it are 0
  view.setUint32(10, crc32(data), true);
  view.setUint32(14, Math.min(data.byteLength, MAX_BYTES), true);
  view.setUint32(18, Math.min(data.byteLength, MAX_BYTES), true);
  return new Uint8Array(view.buffer);
}

function localHeader(name: string, fields: Uint8Array, position: number): Uint8Array {
  const bare = position + 30 + name.length + 4;
  const padding = (ALIGNMENT - (bare % ALIGNMENT)) % ALIGNMENT;
  const out = Buffer.alloc(30 + name.length + 4 + padding);
  out.writeUInt32LE(0x04034b50, 0);
  out.set(fields, 4);
  out.writeUInt16LE(name.length, 26);
  out.writeUInt16LE(4 + padding, 28);
  out.write(name, 30, "latin1");
  out.write("FB", 30 + name.length, "latin1");
  out.writeUInt16LE(padding, 32 + name.length);
  return out;
}

function centralHeader(name: string, fields: Uint8Array, position: number): Uint8Array {
  const out = Buffer.alloc(46 + name.length);
  out.writeUInt32LE(0x02014b50, 0);
  out.writeUInt16LE(10, 4); // version made by
  out.set(fields, 6);
  out.writeUInt16LE(name.length, 28);
  out.writeUInt32LE(Math.min(position, MAX_BYTES), 42);
  out.write(name, 46, "latin1");
  return out;
}

function endRecord(count: number, start: number, bytes: number): Uint8Array {
  const out = Buffer.alloc(22);
  out.writeUInt32LE(0x06054b50, 0);
  out.writeUInt16LE(count, 8);
  out.writeUInt16LE(count, 10);
  out.writeUInt32LE(bytes, 12);
  out.writeUInt32LE(start, 16);
  return out;
}
