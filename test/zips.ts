// Zip archives for tests, byte by byte, so that they can claim what no writer would write.
import { writeFile } from "node:fs/promises";
import { crc32, deflateRawSync } from "node:zlib";

/** An entry, and what the archive claims of it. */
export interface ZipPart {
  readonly name: string;
  readonly text?: string;
  readonly deflate?: boolean;
  /** Declared instead of the true ones. */
  readonly crc?: number;
  readonly size?: number;
  /** Unix mode, as external attributes; default none. */
  readonly mode?: number;
  readonly method?: number;
  readonly encrypted?: boolean;
  /** Index of the entry whose bytes this one claims as its own. */
  readonly sameAs?: number;
}

/** Writes a zip archive with whatever its central directory is to claim. */
export async function writeZip(path: string, parts: readonly ZipPart[]): Promise<string> {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  const offsets: number[] = [];
  let position = 0;
  for (const part of parts) {
    const { name, text = "", deflate = false, crc, size, sameAs, mode = 0, method, encrypted } = part;
    const raw = Buffer.from(text, "latin1");
    const data = deflate ? deflateRawSync(raw) : raw;
    const fields = Buffer.alloc(26); // from "version needed" to the lengths of name and extra field
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(0x800 | (encrypted === true ? 1 : 0), 2); // names in UTF-8
    fields.writeUInt16LE(method ?? (deflate ? 8 : 0), 4);
    fields.writeUInt32LE(crc ?? crc32(raw), 10);
    fields.writeUInt32LE(data.byteLength, 14);
    fields.writeUInt32LE(size ?? raw.byteLength, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), data]);
    const offset = sameAs === undefined ? position : offsets[sameAs]!;
    offsets.push(offset);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.from("PK\x01\x02\x14\x03"), fields, tail, Buffer.from(name));
    if (sameAs !== undefined) continue;
    locals.push(local);
    position += local.byteLength;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(directory.byteLength, 12);
  end.writeUInt32LE(position, 16);
  await writeFile(path, Buffer.concat([...locals, directory, end]));
  return path;
}
