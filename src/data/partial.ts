// The part of a download that is there: `<path>.part`, and `<path>.part.json` that says what it is a part of.
// Invariant: a part without its note, or of another file, counts as nothing.
import { rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { AppError, hasErrno, isNotFound, show, unexpected } from "../core/errors.ts";
import { parseJson, readText, writeJson } from "../core/files.ts";

const noteSchema = z.strictObject({
  /** Names the file that is downloaded; see partialOf. */
  id: z.string(),
  totalBytes: z.int().nonnegative().nullable(),
  /** As the server wrote it, weak or strong. */
  etag: z.string().nullable(),
});
/** What a part belongs to, as the server said. */
export type Note = z.infer<typeof noteSchema>;

/** Where a part and its note lie. */
export interface Partial {
  readonly path: string;
  readonly notePath: string;
  readonly id: string;
}

/** What an earlier attempt left. */
export interface Held {
  readonly bytes: number;
  readonly note?: Note;
}

/** What of an open file a chunk is written to; no type of Node's, so that our types need none. */
export interface ChunkFile {
  readonly write: (
    chunk: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => Promise<{ readonly bytesWritten: number }>;
}

/** Left free on the disk after a download. */
const SPARE_BYTES = 16 << 20;

/** The part of `path`; `id` tells one remote file from another. */
export function partialOf(path: string, id: string): Partial {
  return { path: `${path}.part`, notePath: `${path}.part.json`, id };
}

/** What is there of this file. */
export async function heldOf({ path, notePath, id }: Partial): Promise<Held> {
  try {
    const { size } = await stat(path);
    const note = parseJson(await readText(notePath, "a download's note"), noteSchema, notePath);
    return note.id === id ? { bytes: size, note } : { bytes: 0 };
  } catch (error) {
    if (isNotFound(error) || error instanceof AppError) return { bytes: 0 };
    throw error;
  }
}

/** Notes what the part belongs to; before its first byte is written. */
export async function writeNote({ notePath }: Partial, note: Note): Promise<void> {
  await writeJson(notePath, note);
}

/** Removes the part and its note. */
export async function discard({ path, notePath }: Partial): Promise<void> {
  await rm(path, { force: true });
  await rm(notePath, { force: true });
}

/**
 * Refuses to begin what the disk of an existing folder cannot hold.
 *
 * @param freeBytes - asks the disk; for tests
 * @throws AppError("data", "DISK_FULL")
 */
export async function checkRoom(
  folder: string,
  bytes: number,
  freeBytes: (folder: string) => Promise<number> = freeOn,
): Promise<void> {
  const free = await freeBytes(folder);
  if (bytes + SPARE_BYTES <= free) return;
  const megabytes = (n: number) => `${Math.ceil(n / 1e6)} MB`;
  throw diskFull(folder, `${megabytes(bytes + SPARE_BYTES)} free`, megabytes(free));
}

async function freeOn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function diskFull(folder: string, expected: string, got: string, cause?: unknown): AppError {
  return unexpected("data", {
    code: "DISK_FULL",
    expected,
    name: `the disk of ${folder}`,
    got,
    hint: "free space or choose another folder, then run the same command again",
    cause,
  });
}

/**
 * Writes a chunk at its place, whole.
 *
 * @throws AppError("data", "DISK_FULL" | "WRITE_FAILED")
 */
export async function writeChunk(
  { path }: Pick<Partial, "path">,
  file: ChunkFile,
  chunk: Uint8Array,
  at: number,
): Promise<void> {
  try {
    for (let done = 0; done < chunk.byteLength; ) {
      const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, at + done);
      done += bytesWritten;
    }
  } catch (cause) {
    if (hasErrno(cause, "ENOSPC")) throw diskFull(dirname(path), "space", "none left", cause);
    throw new AppError("data", "WRITE_FAILED", `Expected to write ${path}, got ${show(cause)}`, { cause });
  }
}
