// Unpacks zip archives of any size onto the disk, entry by entry, over yauzl (its entries: archive-entries);
// no file is ever whole in memory.
// Invariants: the whole directory is judged before a byte is written; a target folder is absent, or has everything
// with the sizes and CRC-32s that the archive names; nothing is written outside it.
import { open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import type yauzl from "yauzl";
import { checkRoom, writeChunk } from "../../machine/disk.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import { type Tree, TreeDigest } from "../../machine/tree.ts";
import {
  type ArchiveLimits,
  asNamed,
  damaged,
  eachEntry,
  isFolder,
  judge,
  type Plan,
  stopIf,
} from "./archive-entries.ts";

/** How to unpack. */
export interface UnpackOptions {
  /** Where an entry belongs below the folder, with `/`; undefined leaves it out. Default: its own name. */
  readonly place?: (name: string) => string | undefined;
  readonly limits?: ArchiveLimits | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** What was unpacked. */
export interface Unpacked extends Tree {
  /** Entries, folders aside, that `place` left out. */
  readonly leftOut: number;
}

/**
 * Unpacks an archive into a new folder. If it throws, the folder is gone.
 *
 * @param folder - new; what is there already is removed
 * @throws AppError("data", ...): FILE_MISSING; ZIP_DAMAGED for wrong sizes, checksums or structure; ARCHIVE_PATH for
 *   names that lead out of the folder; ARCHIVE_NAME for names that some system takes for others; ARCHIVE_LINK for links
 *   and devices; ARCHIVE_BOMB beyond the limits; ARCHIVE_METHOD for encryption and unknown compression; ARCHIVE_EMPTY
 *   if nothing is placed; DISK_FULL
 * @throws Interrupted after the signal
 * @example await unpackZip("aligned_dataset.zip", "images.partial")
 */
export async function unpackZip(
  archive: string,
  folder: string,
  options: UnpackOptions = {},
): Promise<Unpacked> {
  await rm(folder, { recursive: true, force: true });
  try {
    const plan = await judge(archive, options);
    await makeFolders(folder);
    await checkRoom(dirname(folder), plan.bytes);
    const tree = await writeAll(archive, folder, plan, options);
    return { ...tree, leftOut: plan.leftOut };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function writeAll(archive: string, folder: string, plan: Plan, options: UnpackOptions): Promise<Tree> {
  const { place = asNamed, signal, onProgress } = options;
  const made = new Set<string>();
  const digest = new TreeDigest();
  let done = 0;
  await eachEntry(archive, async (entry, zip) => {
    const path = isFolder(entry) ? undefined : place(entry.fileName);
    if (path === undefined) return;
    stopIf(signal);
    const target = join(folder, ...path.split("/"));
    const parent = dirname(target);
    if (!made.has(parent)) await makeFolders(parent);
    made.add(parent);
    const crc = await writeEntry(zip, entry, target, (bytes) => {
      stopIf(signal);
      done += bytes;
      onProgress?.(done, plan.bytes);
    });
    if (crc !== entry.crc32) throw damaged(archive, `CRC-32 ${entry.crc32} in ${entry.fileName}`, crc);
    digest.add(path, entry.uncompressedSize, crc);
  });
  return digest.tree();
}

async function writeEntry(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const file = await open(path, "wx"); // a name that was there before, in this archive, is refused
  try {
    let [position, crc] = [0, 0];
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      const bytes = chunk as Uint8Array;
      crc = crc32(bytes, crc);
      await writeChunk({ path }, file, bytes, position);
      position += bytes.byteLength;
      onBytes(bytes.byteLength);
    }
    return crc;
  } finally {
    await file.close();
  }
}
