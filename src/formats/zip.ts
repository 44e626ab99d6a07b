// Zip archives, over yauzl: entries by name, read one at a time into memory, each checked by its CRC-32.
// Source: PKWARE's APPNOTE through yauzl, which refuses unsafe names and wrong sizes.
// Invariant: whatever the bytes, a read gives exactly the entry's declared size or an AppError.
import { crc32 } from "node:zlib";
import yauzl from "yauzl";
import { AppError, hasErrno, isNotFound, missingFile, show, unexpected } from "../core/errors.ts";
import { openRanges, type RangeReader } from "../core/ranges.ts";

export interface ZipEntry {
  readonly name: string;
  /** Size when unpacked, as declared. */
  readonly sizeBytes: number;
  /** False for compressed (or encrypted) entries. */
  readonly stored: boolean;
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
export async function openZip(path: string): Promise<ZipReader> {
  // yauzl's streams pass on 64 KiB at a time; stored entries are read as they lie, in a third of the time.
  const ranges = await openRanges(path, "a zip archive");
  try {
    return await openArchive(path, ranges);
  } catch (error) {
    await ranges.close();
    throw error;
  }
}

async function openArchive(path: string, ranges: RangeReader): Promise<ZipReader> {
  const zip = await guard(path, () => yauzl.openPromise(path, { autoClose: false, strictFileNames: true }));
  const found = new Map<string, yauzl.Entry>();
  try {
    await guard(path, async () => {
      for await (const entry of zip.eachEntry()) {
        if (found.has(entry.fileName)) throw damaged(path, "each name once", entry.fileName);
        if (!entry.fileName.endsWith("/")) found.set(entry.fileName, entry);
      }
    });
  } catch (error) {
    zip.close();
    throw error;
  }
  return {
    fileBytes: zip.fileSize,
    entries: new Map([...found].map(([name, entry]) => [name, describe(entry)])),
    read: (name, limitBytes) =>
      guard(path, () => readEntry({ zip, ranges, path }, found.get(name), name, limitBytes)),
    close: () => {
      zip.close();
      return ranges.close();
    },
  };
}

function describe(entry: yauzl.Entry): ZipEntry {
  const stored = entry.compressionMethod === 0 && !entry.isEncrypted();
  return { name: entry.fileName, sizeBytes: entry.uncompressedSize, stored };
}

interface Archive {
  readonly zip: yauzl.ZipFile;
  readonly ranges: RangeReader;
  readonly path: string;
}

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
  const { bytes, crc } = await (describe(entry).stored ? readStored : unpack)(archive, entry);
  if (crc !== entry.crc32) throw damaged(path, `CRC-32 ${entry.crc32} in ${name}`, crc);
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

async function unpack({ zip }: Archive, entry: yauzl.Entry): Promise<Checked> {
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
    if (isNotFound(cause)) throw missingFile(path, "a zip archive");
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
