// The bytes that show what a file on the disk is, for readers that failed, and names that operating systems leave behind.
// Read at once and only on the way to an error.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { AppError } from "../core/errors.ts";
import {
  type Cause,
  causeOf,
  type Format,
  HEAD_BYTES,
  type Sniffed,
  TAIL_BYTES,
  withCause,
} from "../core/sniff.ts";

/**
 * Why a file is not a whole one of the wanted formats; see causeOf.
 *
 * @returns undefined too where the file cannot be read
 * @example causeIn("palm.json", ["json"]) // { got: "a Git LFS pointer to a file of 912 bytes", hint: ... }
 */
export function causeIn(path: string, own: readonly Format[]): Cause | undefined {
  try {
    const file = openSync(path, "r");
    try {
      return causeOf(readEnds(file), own);
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined; // the first fault explains more
  }
}

function readEnds(file: number): Sniffed {
  const { size } = fstatSync(file);
  const part = (start: number, length: number) => {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, start));
  };
  const tail = Math.min(size, TAIL_BYTES);
  return { head: part(0, Math.min(size, HEAD_BYTES)), tail: part(size - tail, tail), sizeBytes: size };
}

/**
 * Runs a reader of a file. What it fails with names the cause that the bytes show, in place of what the reader stumbled
 * over, under the reader's own code; where they show none, it is the reader's error.
 *
 * @param expected - what was wanted, e.g. `a Parquet file`
 * @example await explained(path, ["parquet"], "a Parquet file", () => read(path))
 */
export async function explained<T>(
  path: string,
  own: readonly Format[],
  expected: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withCause(error, error instanceof AppError ? causeIn(path, own) : undefined, expected, path);
  }
}

/** True for what operating systems leave beside files: `._x`, `.DS_Store`, `Thumbs.db`, `desktop.ini`, `__MACOSX`. */
export function isSystemFile(name: string): boolean {
  return /^(\..*|thumbs\.db|ehthumbs\.db|desktop\.ini|__macosx|icon\r)$/i.test(name);
}

/**
 * What stands where a folder was expected: nothing, or a file that its bytes name.
 *
 * @returns words for "got ...", and what to do if it is a file
 * @example await insteadOfFolder("UTKFace.tar.gz") // { got: "a gzip file", hint: "unpack it: gunzip FILE" }
 */
export async function insteadOfFolder(
  path: string,
): Promise<{ readonly got: string; readonly hint?: string | undefined }> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return { got: "no such folder" };
  return causeIn(path, []) ?? { got: "a file", hint: "give the folder" };
}

/**
 * What to do where a folder lacks what was expected: unpack the archives that lie in it, if there are any.
 *
 * @param otherwise - the hint where there are none
 * @example throw missingFile(path, "annotations", await unpackHint(dir, "check the path"))
 */
export async function unpackHint<T extends string | undefined>(
  dir: string,
  otherwise: T,
): Promise<string | T> {
  const names = await readdir(dir).catch(() => []);
  const packed = names
    .filter((name) => /\.(zip|tar|tgz|tar\.\w+|7z|rar)$/i.test(name) && !isSystemFile(name))
    .sort();
  if (packed.length === 0) return otherwise;
  const shown = packed.slice(0, 3).join(", ") + (packed.length > 3 ? `, … (${packed.length} in all)` : "");
  return `unpack ${shown} in ${dir} first`;
}
