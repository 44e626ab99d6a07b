// Room on a disk: checked before a long write, reported where it ends. Downloads and archives write through here.
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError, hasErrno, show, unexpected } from "../core/errors.ts";

/** What of an open file a chunk is written to; no type of Node's, so that our types need none. */
export interface ChunkFile {
  readonly write: (
    chunk: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => Promise<{ readonly bytesWritten: number }>;
}

/** Left free on the disk, bytes. */
const SPARE_BYTES = 16 << 20;

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
  { path }: { readonly path: string },
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
