// The secret key of `release bundle --hash-subjects`: from a file, or made and stored beside the bundle, never in it.
// Invariant: with the same key the same ids get the same names, so that versions of a dataset can be compared by their
// publisher.
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { unexpected } from "../core/errors.ts";
import { exists, readBytes } from "../machine/files.ts";
import { makeFolders } from "../machine/make-folders.ts";

/** Fewer bytes could be guessed. */
const MIN_BYTES = 32;

/** A key and where it is. */
export interface HashKey {
  readonly key: Uint8Array;
  readonly path: string;
  /** False if it was there before. */
  readonly isNew: boolean;
}

/**
 * Reads a key, or makes one as `<out>.key`, which only its owner may read.
 *
 * @param file - of at least 32 bytes, a line end at its end left out; if not given, `<out>.key`, used again if it is there
 * @param out - the bundle's folder
 * @throws AppError("data", "FILE_MISSING" | "HASH_KEY")
 */
export async function openHashKey(file: string | undefined, out: string): Promise<HashKey> {
  const path = file ?? `${resolve(out)}.key`;
  if (file === undefined && !(await exists(path))) {
    const text = randomBytes(MIN_BYTES).toString("hex");
    await makeFolders(dirname(path));
    await writeFile(path, `${text}\n`, { mode: 0o600, flag: "wx" });
    return { key: Buffer.from(text), path, isNew: true };
  }
  const bytes = Buffer.from(await readBytes(path, "a key"));
  const end = bytes.at(-1) === 10 ? (bytes.at(-2) === 13 ? -2 : -1) : bytes.length;
  const key = bytes.subarray(0, end);
  if (key.length >= MIN_BYTES) return { key, path, isNew: false };
  const e = {
    code: "HASH_KEY",
    expected: `at least ${MIN_BYTES} bytes`,
    name: "the key",
    got: `${key.length}`,
  };
  throw unexpected("data", { ...e, where: path, hint: "leave --key out, and one is made beside the bundle" });
}
