// A folder that appears complete or not at all: made in `<out>.partial`, counted, and renamed at the end.
// Invariants: one process makes it (machine/lock); what is begun here and was killed is known by its mark, and only such a
// folder is ever cleared away; the rename replaces nothing but an empty folder.
import { mkdir, opendir, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError, hasErrno, isNotFound, unexpected } from "../core/errors.ts";
import { writeFailed } from "./files.ts";
import { type Lock, withLock } from "./lock.ts";
import { makeFolders } from "./make-folders.ts";
import { truePath } from "./true-path.ts";

const MARK = ".facehand-partial";

/** Where the folder at `out` is made: beside its real place. */
export function stagingOf(out: string): string {
  return `${truePath(out)}.partial`;
}

/** Something that was made, as it was counted on the way and as it is found on the disk. */
export interface Count {
  /** In the plural, e.g. `hand images`. */
  readonly what: string;
  readonly made: number;
  readonly found: number;
}

/** How a folder is made. */
export interface MakeOptions<T> {
  /** Counts what lies in the folder once it is made; a count that is not what was made is a fault of ours. */
  readonly count?: ((dir: string, result: T) => Promise<readonly Count[]>) | undefined;
}

/**
 * Makes a folder in one step, as seen from outside.
 *
 * @param out - new or empty folder
 * @param work - writes everything into the folder that it is given
 * @returns what `work` returns
 * @throws AppError("input", "OUT_EXISTS") if there is something else at `out` or in its staging folder;
 *   ("input", "LOCKED") if another process makes it; ("internal", "PUBLISH_COUNT") if the folder lacks what was made
 * @example await makeFolder("out", (dir) => writeFile(join(dir, "a.txt"), "a"))
 */
export function makeFolder<T>(
  out: string,
  work: (dir: string) => Promise<T>,
  { count }: MakeOptions<T> = {},
): Promise<T> {
  return withLock(out, `the folder ${out}`, async (lock) => {
    const staging = stagingOf(out);
    const before = await entries(staging);
    if (before.every((name) => name === MARK)) await clear(staging); // killed when all was done
    await checkFree(out);
    if (before.length > 0 && !before.includes(MARK))
      throw taken("no other files", `${staging} with files in it`);
    await clear(staging);
    try {
      const made = await begin(staging);
      const result = await work(made);
      if (count !== undefined) checkCounts(out, await count(made, result));
      await publishFolder(lock, made, out);
      return result;
    } finally {
      if (!lock.lost.aborted) await clear(staging);
    }
  });
}

/** Takes away what a kill left of making a folder that is there; under its lock. */
export async function clearStaging(out: string): Promise<void> {
  const staging = stagingOf(out);
  const left = await entries(staging);
  if (left.length === 0 || left.includes(MARK)) await clear(staging);
}

/** Makes the staging folder; returns the folder in it that is to get the name. */
async function begin(staging: string): Promise<string> {
  const made = join(staging, "made");
  try {
    await makeFolders(staging);
    await writeFile(join(staging, MARK), "");
    await mkdir(made);
  } catch (cause) {
    throw writeFailed(staging, cause);
  }
  return made;
}

/** The mark goes last: without it, what a kill leaves of the rest would be somebody's. */
async function clear(staging: string): Promise<void> {
  for (const name of await entries(staging))
    if (name !== MARK) await rm(join(staging, name), { recursive: true, force: true });
  await rm(join(staging, MARK), { force: true });
  await rm(staging, { recursive: true, force: true });
}

/**
 * Gives a folder that is made its name.
 *
 * @param lock - of `out`
 * @throws AppError("input", "OUT_EXISTS") if something appeared there since; ("input", "LOCK_LOST")
 */
export async function publishFolder(lock: Lock, staging: string, out: string): Promise<void> {
  await lock.check();
  await checkFree(out);
  const target = truePath(out);
  try {
    await rmdir(target); // Windows renames over nothing
  } catch (error) {
    if (!isNotFound(error)) throw notFree(out, error);
  }
  try {
    await rename(staging, target);
  } catch (error) {
    throw notFree(out, error);
  }
}

function notFree(out: string, cause: unknown): AppError {
  const appeared = ["ENOTEMPTY", "EEXIST", "ENOTDIR"].some((name) => hasErrno(cause, name));
  return appeared
    ? taken("a new or empty folder for --out", `${out} that appeared meanwhile`)
    : writeFailed(out, cause);
}

/** Refuses a place where there is a file, or a folder with anything in it. */
async function checkFree(out: string): Promise<void> {
  const expected = "a new or empty folder for --out";
  try {
    if ((await readdir(out)).length > 0) throw taken(expected, `${out} with files in it`);
  } catch (error) {
    if (hasErrno(error, "ENOTDIR")) throw taken(expected, `${out}, which is a file or lies in one`);
    if (!hasErrno(error, "ENOENT")) throw error;
  }
}

function taken(expected: string, got: string): AppError {
  const message = `Expected ${expected}, got ${got}`;
  return new AppError("input", "OUT_EXISTS", message, { hint: "give another folder, or remove this one" });
}

/**
 * Refuses to publish what is not all that was made.
 *
 * @throws AppError("internal", "PUBLISH_COUNT")
 */
export function checkCounts(out: string, counts: readonly Count[]): void {
  for (const { what, made, found } of counts) {
    if (made === found) continue;
    throw unexpected("internal", {
      code: "PUBLISH_COUNT",
      expected: `all ${made} ${what}`,
      name: `${out} before it gets its name`,
      got: found,
      hint: "check whether something else writes into the .partial folder; nothing was published",
    });
  }
}

/** How many files there are in a folder, those in folders below it included. */
export async function countFiles(dir: string): Promise<number> {
  let count = 0;
  try {
    for await (const entry of await opendir(dir, { bufferSize: 1024 })) {
      count += entry.isDirectory() ? await countFiles(join(dir, entry.name)) : 1;
    }
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return count;
}

async function entries(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (hasErrno(error, "ENOTDIR"))
      throw taken("a folder or nothing", `${dir}, which is a file or lies in one`);
    if (isNotFound(error)) return [];
    throw error;
  }
}
