// Parts of a file by position, for files that are too large, or too much wanted in part, to be read whole.
// Node reads at most 2 GiB in one call and refuses whole files beyond; here a part may have any size.
import { type FileHandle, open } from "node:fs/promises";
import { AppError, isNotFound, missingFile, show } from "../core/errors.ts";

/** An open file; close it in `finally`. */
export interface RangeReader {
  readonly sizeBytes: number;
  /**
   * @param start - offset of the first byte
   * @param length - bytes wanted; `start + length` is at most `sizeBytes`
   * @param onChunk - sees the bytes in order as they come, e.g. for a checksum
   * @returns exactly these bytes, in memory of their own
   * @throws AppError("data", "READ_FAILED") if the file has become shorter, or cannot be read
   */
  read(start: number, length: number, onChunk?: (chunk: Uint8Array) => void): Promise<Uint8Array>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 8 << 20;

/**
 * Opens a file to read parts of it.
 *
 * @param what - what it is, for messages, e.g. `a torch file`
 * @param chunkBytes - bytes of one call to the system, for tests
 * @throws AppError("data", "FILE_MISSING" | "READ_FAILED")
 * @example const file = await openRanges(path, "a torch file")
 */
export async function openRanges(
  path: string,
  what: string,
  chunkBytes: number = CHUNK_BYTES,
): Promise<RangeReader> {
  const failed = (cause: unknown) => {
    const message = `Expected to read ${what} at ${path}, got ${show(cause)}`;
    return new AppError("data", "READ_FAILED", message, { cause });
  };
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    throw isNotFound(cause) ? missingFile(path, what) : failed(cause);
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw failed("something that is not a file");
    return {
      sizeBytes: stats.size,
      read: async (start, length, onChunk) => {
        try {
          return await readRange(file, { start, length, chunkBytes }, onChunk);
        } catch (cause) {
          throw failed(cause);
        }
      },
      close: () => file.close(),
    };
  } catch (cause) {
    await file.close();
    throw cause instanceof AppError ? cause : failed(cause);
  }
}

async function readRange(
  file: FileHandle,
  { start, length, chunkBytes }: { start: number; length: number; chunkBytes: number },
  onChunk: (chunk: Uint8Array) => void = () => undefined,
): Promise<Uint8Array> {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(out, at, Math.min(chunkBytes, length - at), start + at);
    if (bytesRead === 0) throw new Error(`${start + at} bytes where more were`);
    onChunk(out.subarray(at, at + bytesRead));
    at += bytesRead;
  }
  return out;
}
