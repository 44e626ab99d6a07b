// A folder that appears complete or not at all: made as `<out>.partial`, renamed at the end.
// Invariant: what is begun here and was killed is known by its mark, and only such a folder is ever cleared away.
import { mkdir, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AppError, isNotFound } from "./errors.ts";

const MARK = ".facehand-partial";

/**
 * Makes a folder in one step, as seen from outside.
 *
 * @param out - new or empty folder
 * @param work - writes everything into the folder that it is given
 * @returns what `work` returns
 * @throws AppError("input", "OUT_EXISTS") if there is something else at `out` or in its staging folder
 * @example await makeFolder("out", (dir) => writeFile(join(dir, "a.txt"), "a"))
 */
export async function makeFolder<T>(out: string, work: (dir: string) => Promise<T>): Promise<T> {
  const target = resolve(out);
  const staging = `${target}.partial`;
  if ((await entries(target)).length > 0) throw taken("a new or empty folder for --out", out);
  const before = await entries(staging);
  if (before.length > 0 && !before.includes(MARK)) throw taken("no other files", staging);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  await writeFile(join(staging, MARK), "");
  try {
    const result = await work(staging);
    await rm(join(staging, MARK));
    await rmIfThere(target);
    await rename(staging, target);
    return result;
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

function taken(expected: string, path: string): AppError {
  const message = `Expected ${expected}, got ${path} with files in it`;
  return new AppError("input", "OUT_EXISTS", message, { hint: "give another folder, or remove this one" });
}

async function rmIfThere(empty: string): Promise<void> {
  try {
    await rmdir(empty);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function entries(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
