// The entries of a zip archive that is to be unpacked: visited in order, and judged before anything is written.
// Source: PKWARE's APPNOTE (zip64, external attributes); D. Fifield, "A better zip bomb", for what to refuse.
// Invariant: of the entries only the names of what is placed stay in memory, some 100 bytes each.
import type yauzl from "yauzl";
import { AppError, hasErrno, Interrupted, show, unexpected } from "../../core/errors.ts";
import { FileNames, LONGEST_NAME_BYTES, pathTrouble } from "../../core/file-names.ts";
import { mapOrdered } from "../../machine/pool.ts";
import { openRanges } from "../../machine/ranges.ts";
import { explained } from "../../machine/sniff-file.ts";
import { openDirectory } from "./directory.ts";

/** What an archive may hold at most. */
export interface ArchiveLimits {
  readonly entries: number;
  /** Unpacked, in all. */
  readonly bytes: number;
  /** Unpacked to packed, of one entry above 1 MiB and of all together. Photos have 1, JSON up to some 20. */
  readonly ratio: number;
}

/** Enough for the largest archive that is published: 1.1 million pictures, 120 GB. */
export const ARCHIVE_LIMITS: ArchiveLimits = { entries: 5_000_000, bytes: 4e12, ratio: 200 };

/** Files under way at a time. */
const PARALLEL = 4;
const SMALL_BYTES = 1 << 20;
const METHODS = { stored: 0, deflated: 8 } as const;
const FILE_TYPES = { mask: 0o170000, regular: 0o100000, folder: 0o040000 } as const;

/** What decides over entries. */
interface Judged {
  readonly place?: (name: string) => string | undefined;
  readonly limits?: ArchiveLimits | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What there is to unpack. */
export interface Plan {
  readonly files: number;
  readonly bytes: number;
  readonly leftOut: number;
}

/**
 * Reads the whole directory and refuses the archive for any entry that is not as it should be.
 *
 * @throws AppError("data", ...) as unpackZip
 */
export async function judge(
  archive: string,
  { place = asNamed, limits = ARCHIVE_LIMITS, signal }: Judged,
): Promise<Plan> {
  const sum = { files: 0, leftOut: 0, bytes: 0, packed: 0, entries: 0 };
  const names = new FileNames();
  const fileBytes = await eachEntry(archive, async (entry) => {
    stopIf(signal);
    checkEntry(archive, entry, limits);
    sum.entries += 1;
    sum.packed += entry.compressedSize;
    if (sum.entries > limits.entries) throw bomb(archive, `at most ${limits.entries} entries`, "more");
    if (isFolder(entry)) return;
    const path = place(entry.fileName);
    if (path === undefined) {
      sum.leftOut += 1;
      return;
    }
    checkPlaced(archive, path, names);
    sum.files += 1;
    sum.bytes += entry.uncompressedSize;
    if (sum.bytes > limits.bytes) throw bomb(archive, `at most ${limits.bytes} bytes unpacked`, "more");
  });
  // Entries that share their bytes unpack to more than any ratio of one entry shows.
  if (sum.packed > fileBytes) throw bomb(archive, `at most ${fileBytes} packed bytes`, sum.packed);
  checkRatio(archive, "the archive", sum.bytes, fileBytes, limits);
  if (sum.files === 0) {
    const got = `${sum.leftOut} other entries`;
    throw unexpected("data", {
      code: "ARCHIVE_EMPTY",
      expected: "the wanted files",
      name: archive,
      got,
    });
  }
  return sum;
}

/** Each entry at its own name. */
export const asNamed = (name: string): string => name;
/** True for entries that only name a folder. */
export const isFolder = (entry: yauzl.Entry) => entry.fileName.endsWith("/");

function checkEntry(archive: string, entry: yauzl.Entry, limits: ArchiveLimits): void {
  const name = `entry ${show(entry.fileName)}`;
  checkPath(archive, entry.fileName.replace(/\/$/, ""));
  const type = (entry.externalFileAttributes >>> 16) & FILE_TYPES.mask;
  if (type !== 0 && type !== FILE_TYPES.regular && type !== FILE_TYPES.folder) {
    const got = `a link or device (mode ${type.toString(8)})`;
    throw unexpected("data", {
      code: "ARCHIVE_LINK",
      expected: "a plain file or folder",
      name,
      got,
      where: archive,
    });
  }
  const known = Object.values(METHODS).some((method) => method === entry.compressionMethod);
  if (entry.isEncrypted() || !known) {
    const got = entry.isEncrypted() ? "encryption" : `method ${entry.compressionMethod}`;
    throw unexpected("data", {
      code: "ARCHIVE_METHOD",
      expected: "stored or deflated bytes",
      name,
      got,
      where: archive,
    });
  }
  checkRatio(archive, name, entry.uncompressedSize, entry.compressedSize, limits);
}

function checkRatio(
  archive: string,
  name: string,
  bytes: number,
  packed: number,
  { ratio }: ArchiveLimits,
): void {
  if (bytes <= SMALL_BYTES || bytes <= ratio * packed) return;
  throw bomb(archive, `at most ${ratio} times its packed bytes for ${name}`, `${bytes} of ${packed}`);
}

function bomb(archive: string, expected: string, got: unknown): AppError {
  const hint = "do not unpack this file by other means before you know what it is";
  return unexpected("data", { code: "ARCHIVE_BOMB", expected, name: archive, got, hint });
}

/** What is unpacked has to be the same files on every system, and none that facehand writes itself. */
function checkPlaced(archive: string, path: string, names: FileNames): void {
  checkPath(archive, path);
  const before = names.clash(path);
  const apart =
    before === undefined ? undefined : `names that every system keeps apart (there is ${before} before)`;
  const expected = pathTrouble(path) ?? apart;
  if (expected === undefined) return;
  const hint = "unpack it by other means on a system where that matters not, and give the folder";
  throw unexpected("data", {
    code: "ARCHIVE_NAME",
    expected,
    name: "an entry",
    got: path,
    where: archive,
    hint,
  });
}

/** yauzl refuses absolute names, `..` and backslashes; this refuses what file systems read otherwise. */
function checkPath(archive: string, path: string): void {
  const bad = path.split("/").some((part) => {
    const long = Buffer.byteLength(part) > LONGEST_NAME_BYTES;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
    return long || /^\.{0,2}$/.test(part) || /[\u0000-\u001f\u007f\\]/.test(part) || /^[a-z]:/i.test(part);
  });
  if (!bad) return;
  const e = {
    code: "ARCHIVE_PATH",
    expected: "a name inside the archive",
    name: "an entry",
    got: path,
    where: archive,
  };
  throw unexpected("data", e);
}

/**
 * Visits all entries in order, a few at a time.
 *
 * @returns the archive's size in bytes
 * @throws AppError("data", "ZIP_DAMAGED" | "ARCHIVE_PATH" | "FILE_MISSING" | "WRITE_FAILED") for what goes wrong here or
 *   in a visit
 */
export async function eachEntry(
  archive: string,
  visit: (entry: yauzl.Entry, zip: yauzl.ZipFile) => Promise<void>,
): Promise<number> {
  return explained(archive, ["zip", "torch"], "a complete zip archive", () => visitAll(archive, visit));
}

async function visitAll(
  archive: string,
  visit: (entry: yauzl.Entry, zip: yauzl.ZipFile) => Promise<void>,
): Promise<number> {
  const ranges = await openRanges(archive, "a zip archive");
  try {
    return await guard(archive, async () => {
      const { zip, inside } = await openDirectory(ranges, ranges.sizeBytes);
      try {
        await inside(async () => {
          for await (const _ of mapOrdered(zip.eachEntry(), PARALLEL, (entry) => visit(entry, zip)));
        });
        return zip.fileSize;
      } finally {
        zip.close();
      }
    });
  } finally {
    await ranges.close();
  }
}

async function guard<T>(archive: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof AppError || cause instanceof Interrupted) throw cause;
    if (hasErrno(cause, "EEXIST") || hasErrno(cause, "ENOTDIR")) {
      throw damaged(archive, "each name once", cause);
    }
    if (cause instanceof Error && "syscall" in cause) {
      const message = `Expected to unpack ${archive}, got ${show(cause)}`;
      throw new AppError("data", "WRITE_FAILED", message, { cause });
    }
    if (/invalid relative path|absolute path|invalid characters in fileName/.test(show(cause, 500))) {
      const e = {
        code: "ARCHIVE_PATH",
        expected: "names inside the archive",
        name: archive,
        got: cause,
        cause,
      };
      throw unexpected("data", e);
    }
    throw damaged(archive, "a complete zip archive", cause);
  }
}

/** Bytes that are not what the archive states about them. */
export function damaged(archive: string, expected: string, got: unknown): AppError {
  const hint = "fetch the archive again; it may be cut off or of another format";
  return unexpected("data", { code: "ZIP_DAMAGED", expected, name: archive, got, hint, cause: got });
}

/** Ends the work after the signal. */
export function stopIf(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new Interrupted("Stopped; nothing was unpacked, the same command begins that again");
}
