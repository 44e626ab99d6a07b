// Whole-file reading and writing: atomic replacement, checksums, JSON by schema.
// Invariant: a path given to a writer holds either its old content or all of the new one, never a part.
import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  fdatasync,
  fstatSync,
  openSync,
  read,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { z } from "zod";
import { refusalOf } from "../core/errno.ts";
import { AppError, Interrupted, isNotFound, missingFile, show } from "../core/errors.ts";
import { makeFolders } from "./make-folders.ts";
import { explained } from "./sniff-file.ts";
import { temporaryName } from "./temporary.ts";

/**
 * Replaces `path` in one step: writes a temporary neighbour, syncs it, renames it.
 * Creates missing parent folders. Parts given by an iterable are written one by one, in order.
 */
export async function writeAtomic(
  path: string,
  data: Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = await openAtomic(path);
  try {
    await file.write(data);
    await file.commit();
  } finally {
    await file.discard();
  }
}

/**
 * Writes a file in its place, unsynced, before it returns: a kill may leave a part of it. For files that a record names
 * only after `syncFile`, and that are written again where it does not. The kernel takes a crop faster than another thread
 * is asked to write it.
 */
export function writeUnsynced(path: string, data: Uint8Array): void {
  try {
    writeFileSync(path, data);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

/** Makes sure that a written file is on the disk. Only the sync leaves this thread: to open and to close takes no time. */
export async function syncFile(path: string): Promise<void> {
  try {
    const file = openSync(path, "r+"); // Windows syncs what may be written to only
    try {
      await promisify(fdatasync)(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

/** A file that is being written beside its path. */
export interface AtomicFile {
  write(data: Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void>;
  /** Gives it its path, in one step; nothing can be written afterwards. */
  commit(): Promise<void>;
  /** Takes away what was written; nothing happens after `commit`. */
  discard(): Promise<void>;
}

/**
 * Opens a file that replaces `path` in one step, for what is not known at once; see writeAtomic.
 *
 * @example const file = await openAtomic("a"); try { await file.write("x"); await file.commit(); } finally { await file.discard(); }
 */
export async function openAtomic(path: string): Promise<AtomicFile> {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  const guard = <T>(work: () => Promise<T>) => writing(path, work);
  let file: FileHandle | undefined = await guard(async () => {
    await makeFolders(dirname(path));
    return open(temporary, "w");
  });
  const close = async () => {
    const closing = file?.close();
    file = undefined; // what could not be closed cannot be closed again
    await closing;
  };
  return {
    write: (data) => guard(() => writeFile(file!, data)),
    commit: () =>
      guard(async () => {
        await file!.sync();
        await close();
        await rename(temporary, path);
      }),
    async discard() {
      await close();
      await rm(temporary, { force: true });
    },
  };
}

/**
 * Runs what writes a file; what the system refuses names it, which errors of open files do not.
 *
 * @throws AppError("data", "WRITE_FAILED"); errors of the parts that are written as they are
 */
export async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof AppError || cause instanceof Interrupted) throw cause; // they are more specific
    throw writeFailed(path, cause);
  }
}

/** A file or folder that could not be written: no space, no right, no such disk. */
export function writeFailed(path: string, cause: unknown): AppError {
  return new AppError("data", "WRITE_FAILED", `Expected to write ${path}, got ${show(cause)}`, {
    hint: refusalOf(cause)?.hint ?? "check free space and permissions of the folder",
    cause,
  });
}

/** Reads a whole file; a missing one is an AppError that names `what`. Only the reading leaves this thread. */
export async function readBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      return size === 0 ? await readFile(path) : await readAll(file, Buffer.allocUnsafeSlow(size)); // 0: perhaps no plain file
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw unread(path, what, cause);
  }
}

const readSome = promisify(read);

async function readAll(file: number, bytes: Uint8Array): Promise<Uint8Array> {
  let got = 0;
  while (got < bytes.length) {
    const { bytesRead } = await readSome(file, bytes, got, bytes.length - got, got);
    if (bytesRead === 0) break; // it has become shorter
    got += bytesRead;
  }
  return bytes.subarray(0, got);
}

/** The same at once: for small files in threads of their own, a fifth of the time. */
export function readBytesNow(path: string, what: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw unread(path, what, cause);
  }
}

function unread(path: string, what: string, cause: unknown): AppError {
  if (isNotFound(cause)) return missingFile(path, what);
  const message = `Expected to read ${what} at ${path}, got ${show(cause)}`;
  const hint = refusalOf(cause)?.hint ?? "check the file and its permissions";
  return new AppError("data", "READ_FAILED", message, { hint, cause });
}

/**
 * The bytes of a file, part by part, for what is too large to be read whole.
 *
 * @throws AppError("data", "FILE_MISSING" | "READ_FAILED")
 */
export async function* readChunks(path: string, what: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
  } catch (cause) {
    throw unread(path, what, cause);
  }
}

/** Reads a UTF-8 text file. */
export async function readText(path: string, what: string): Promise<string> {
  return Buffer.from(await readBytes(path, what)).toString("utf8");
}

/** True if there is a file or folder at this path; other faults, such as missing rights, are thrown. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Reads a JSON file and checks it against a schema; what must be there is named by `what` in errors. */
export async function readJson<S extends z.ZodType>(
  path: string,
  schema: S,
  what: string,
): Promise<z.output<S>> {
  const { parseJson } = await import("../core/schema.ts"); // threads that read bytes only do without zod
  return await explained(path, ["json"], `${what} in JSON`, async () =>
    parseJson(await readText(path, what), schema, path),
  );
}

/** Writes JSON, two spaces, final newline, atomically. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Hex SHA-256 of bytes or UTF-8 text. */
export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/**
 * Hex SHA-256 of a file, streamed.
 *
 * @throws AppError("data", "FILE_MISSING")
 */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of readChunks(path, "a file")) hash.update(chunk);
  return hash.digest("hex");
}

/** True if there is a folder of this name. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
