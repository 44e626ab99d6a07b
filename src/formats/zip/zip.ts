// Zip archives, over yauzl: entries by name, read one at a time into memory, each checked by its CRC-32.
// Source: PKWARE's APPNOTE through yauzl, which refuses unsafe names and wrong sizes.
// Invariant: whatever the bytes, a read gives exactly the entry's declared size or an AppError.
import { crc32 } from "node:zlib";
import type yauzl from "yauzl";
import { AppError, hasErrno, show, unexpected } from "../../core/errors.ts";
import { openRanges, type RangeReader } from "../../machine/ranges.ts";
import { explained } from "../../machine/sniff-file.ts";
import { type Directory, openDirectory } from "./directory.ts";

export interface ZipEntry {
  readonly name: string;
  /** Size when unpacked, as declared. */
  readonly sizeBytes: number;
  /** How it lies in the file; `unknown` for encrypted entries and rare compressions. */
  readonly packing: "stored" | "deflated" | "unknown";
}

/** What the writer of an archive may have left out. */
export interface ZipLeniency {
  /** Bytes after the archive's end are passed over, as PyTorch and Python do. */
  readonly trailingBytes?: boolean | undefined;
  /** A CRC-32 of 0 stands for none, as PyTorch writes with `set_crc32_options(False)`. */
  readonly zeroMeansNoCrc?: boolean | undefined;
}

/** An open archive; close it in `finally`. */
export interface ZipReader {
  readonly fileBytes: number;
  /** By name, in the order of the central directory. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /**
   * Unpacks one entry.
   * @param limitBytes - bound on the unpacked size, against zip bombs
   * @throws AppError("data", "ZIP_ENTRY_MISSING" | "ZIP_DAMAGED")
   */
  read(name: string, limitBytes: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a zip archive and reads its list of entries; folders are left out.
 *
 * @throws AppError("data", "FILE_MISSING" | "READ_FAILED" | "ZIP_DAMAGED")
 */
export async function openZip(path: string, leniency: ZipLeniency = {}): Promise<ZipReader> {
  return await explained(path, ["zip", "torch"], "a complete zip archive", () => openWhole(path, leniency));
}

async function openWhole(path: string, leniency: ZipLeniency): Promise<ZipReader> {
  // yauzl's streams pass on 64 KiB at a time; stored entries are read as they lie, in a third of the time.
  const ranges = await openRanges(path, "a zip archive");
  try {
    return await openArchive(path, ranges, leniency);
  } catch (error) {
    await ranges.close();
    throw error;
  }
}

async function openArchive(path: string, ranges: RangeReader, leniency: ZipLeniency): Promise<ZipReader> {
  const directory = await guard(path, async () => {
    const sizeBytes = leniency.trailingBytes === true ? await archiveEnd(ranges) : ranges.sizeBytes;
    return openDirectory(ranges, sizeBytes);
  });
  const { zip } = directory;
  try {
    const found = await guard(path, () => directory.inside(() => listEntries(zip, path)));
    return {
      fileBytes: zip.fileSize,
      entries: new Map([...found].map(([name, entry]) => [name, describe(entry)])),
      read: (name, limitBytes) =>
        guard(path, () =>
          readEntry({ ...directory, ranges, path, leniency }, found.get(name), name, limitBytes),
        ),
      close: () => {
        zip.close();
        return ranges.close();
      },
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

/** Each takes a kilobyte: more than a checkpoint of any model has. */
const MOST_ENTRIES = 200_000;

async function listEntries(zip: yauzl.ZipFile, path: string): Promise<Map<string, yauzl.Entry>> {
  const found = new Map<string, yauzl.Entry>();
  for await (const entry of zip.eachEntry()) {
    if (found.has(entry.fileName)) throw damaged(path, "each name once", entry.fileName);
    if (found.size === MOST_ENTRIES) throw damaged(path, `at most ${MOST_ENTRIES} entries`, "more");
    if (!entry.fileName.endsWith("/")) found.set(entry.fileName, entry);
  }
  return found;
}

const END_RECORD = Buffer.from("PK\x05\x06", "latin1");
const END_RECORD_BYTES = 22;

/** Where the last end record of an archive ends, its comment included; the file's end if there is none in reach. */
async function archiveEnd(ranges: RangeReader): Promise<number> {
  const length = Math.min(ranges.sizeBytes, END_RECORD_BYTES + 0xffff);
  const start = ranges.sizeBytes - length;
  const tail = Buffer.from(await ranges.read(start, length));
  for (
    let at = tail.lastIndexOf(END_RECORD);
    at >= 0;
    at = at === 0 ? -1 : tail.lastIndexOf(END_RECORD, at - 1)
  ) {
    if (at + END_RECORD_BYTES > length) continue;
    const end = at + END_RECORD_BYTES + tail.readUInt16LE(at + END_RECORD_BYTES - 2);
    if (end <= length) return start + end;
  }
  return ranges.sizeBytes;
}

const PACKINGS: Readonly<Record<number, ZipEntry["packing"]>> = { 0: "stored", 8: "deflated" };

function describe(entry: yauzl.Entry): ZipEntry {
  const packing = entry.isEncrypted() ? "unknown" : (PACKINGS[entry.compressionMethod] ?? "unknown");
  return { name: entry.fileName, sizeBytes: entry.uncompressedSize, packing };
}

interface Archive extends Directory {
  readonly ranges: RangeReader;
  readonly path: string;
  readonly leniency: ZipLeniency;
}

/** Deflate packs no more than this into a byte: what claims more is not worth memory. */
const DEFLATE_RATIO = 1032;

async function readEntry(
  archive: Archive,
  entry: yauzl.Entry | undefined,
  name: string,
  limitBytes: number,
): Promise<Uint8Array> {
  const { path } = archive;
  if (entry === undefined) {
    throw unexpected("data", {
      code: "ZIP_ENTRY_MISSING",
      expected: `an entry ${name}`,
      name: path,
      got: undefined,
    });
  }
  if (entry.uncompressedSize > limitBytes) {
    throw damaged(path, `at most ${limitBytes} bytes in ${name}`, entry.uncompressedSize);
  }
  const take = describe(entry).packing === "stored" ? readStored : unpack;
  const { bytes, crc } = await archive.inside(() => take(archive, entry));
  const unchecked = archive.leniency.zeroMeansNoCrc === true && entry.crc32 === 0;
  if (crc !== entry.crc32 && !unchecked) throw damaged(path, `CRC-32 ${entry.crc32} in ${name}`, crc);
  return bytes;
}

interface Checked {
  readonly bytes: Uint8Array;
  readonly crc: number;
}

/** yauzl has checked that a stored entry's two sizes agree and, with its header, that it lies in the file. */
async function readStored({ zip, ranges }: Archive, entry: yauzl.Entry): Promise<Checked> {
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  let crc = 0;
  const bytes = await ranges.read(fileDataStart, entry.uncompressedSize, (chunk) => {
    crc = crc32(chunk, crc);
  });
  return { bytes, crc };
}

async function unpack({ zip, path }: Archive, entry: yauzl.Entry): Promise<Checked> {
  const most = entry.compressedSize * DEFLATE_RATIO;
  if (entry.uncompressedSize > most) {
    throw damaged(path, `at most ${most} bytes of what ${entry.fileName} packs`, entry.uncompressedSize);
  }
  const bytes = new Uint8Array(entry.uncompressedSize);
  let position = 0;
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    bytes.set(chunk as Uint8Array, position); // yauzl ends with an error before a byte too many
    position += (chunk as Uint8Array).byteLength;
  }
  return { bytes, crc: crc32(bytes) };
}

async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    if (hasErrno(cause, "EACCES") || hasErrno(cause, "EISDIR") || hasErrno(cause, "EIO")) {
      throw new AppError("data", "READ_FAILED", `Expected to read ${path}, got ${show(cause)}`, { cause });
    }
    throw damaged(path, "a complete zip archive", cause);
  }
}

function damaged(path: string, expected: string, got: unknown): AppError {
  const hint = "fetch the file again; it may be cut off or of another format";
  return unexpected("data", { code: "ZIP_DAMAGED", expected, name: path, got, hint, cause: got });
}
