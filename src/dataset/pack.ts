// Folders of images as zip archives, streamed: what `aligned_dataset.zip` is made by.
// Invariants: images are stored as they are; the same files give the same bytes on every machine; memory does not grow
// with the archive.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { refusalOf } from "../core/errno.ts";
import { AppError, Interrupted, show } from "../core/errors.ts";
import { MODALITIES, type Modality } from "../core/words.ts";
import { zipStream } from "../formats/zip/write.ts";
import { exists, readBytes } from "../machine/files.ts";
import { mapOrdered } from "../machine/pool.ts";
import { isSystemFile } from "../machine/sniff-file.ts";
import { cleanedFolder, type Layout, REMOVED_FOLDERS } from "./layout.ts";
import type { Pseudonyms } from "./pseudonyms.ts";

/** A file to pack. */
export interface PackEntry {
  /** Name in the archive, with `/`. */
  readonly name: string;
  /** Where it is. */
  readonly path: string;
}

/** What was packed. */
export interface Packed {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** How crops are packed. */
export interface PackOptions {
  /** Stands for the ids in the names of crops; as they are if left out. */
  readonly pseudonyms?: Pseudonyms | undefined;
  /** Called as each file is packed. */
  readonly onFile?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Packs files in the order of their names.
 *
 * @param path - the archive, written over; undefined to learn its hash and size only
 * @throws AppError("data", "FILE_MISSING" | "READ_FAILED" | "PACK_FAILED"), Interrupted after the signal
 * @example await packFiles([{ name: "faces/F_1.jpg", path: "out/F_1.jpg" }], "faces.zip")
 */
export async function packFiles(
  entries: readonly PackEntry[],
  path: string | undefined,
  { onFile, signal }: PackOptions = {},
): Promise<Packed> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  const read = async ({ name, path: from }: PackEntry) => {
    if (signal?.aborted === true) throw new Interrupted("Stopped; the same command begins again");
    const data = await readBytes(from, "an image");
    onFile?.();
    return { name, data };
  };
  async function* measured() {
    for await (const part of zipStream(mapOrdered(sorted, 4, read))) {
      hash.update(part);
      sizeBytes += part.byteLength;
      yield part;
    }
  }
  try {
    await pipeline(Readable.from(measured()), path === undefined ? nowhere() : createWriteStream(path));
  } catch (cause) {
    if (cause instanceof Interrupted || cause instanceof AppError) throw cause;
    const message = `Expected to write ${path}, got ${show(cause)}`;
    const hint = refusalOf(cause)?.hint ?? "check the free space";
    throw new AppError("data", "PACK_FAILED", message, { hint, cause });
  }
  return { sha256: hash.digest("hex"), sizeBytes };
}

/**
 * Packs the crops that cleaning took out, each folder into `<folder>.zip` in `dir`.
 *
 * @returns what was packed; nothing for a folder that is not there, or empty
 * @throws as packFiles
 */
export async function packRemoved(
  layout: Layout,
  dir: string,
  options: PackOptions = {},
): Promise<(Packed & { readonly name: string })[]> {
  const out: (Packed & { readonly name: string })[] = [];
  for (const [modality, folder] of Object.entries(REMOVED_FOLDERS)) {
    const removed = await removedCrops(layout, modality as keyof typeof REMOVED_FOLDERS);
    if (removed.length === 0) continue;
    const entries = removed.map(({ name, path }) => ({
      name: `${folder}/${options.pseudonyms?.file(name) ?? name}`,
      path,
    }));
    out.push({ name: `${folder}.zip`, ...(await packFiles(entries, join(dir, `${folder}.zip`), options)) });
  }
  return out;
}

/** How many crops packRemoved would pack. */
export async function countRemoved(layout: Layout): Promise<number> {
  let count = 0;
  for (const modality of MODALITIES) count += (await removedCrops(layout, modality)).length;
  return count;
}

async function removedCrops(layout: Layout, modality: Modality): Promise<PackEntry[]> {
  const folder = cleanedFolder(layout, modality);
  const names = (await exists(folder)) ? await readdir(folder) : [];
  return names.filter((name) => !isSystemFile(name)).map((name) => ({ name, path: join(folder, name) }));
}

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
