// Temporary neighbours of files that are written: their names, and what kills left of them.
// Invariant: such a name says whose it is, so that only own ones are ever taken away.
import { createHash, randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isNotFound } from "./errors.ts";

/** A longer name would leave no room for what is put around it: file systems take 255 bytes. */
const LONGEST_NAME = 200;

/**
 * A name beside a file, of one writing only: two machines may share a folder, and one process may write a file twice at once.
 *
 * @param name - of the file, without its folder
 * @example temporaryName("a.csv") // ".a.csv.4711-0123abcd.tmp"
 */
export function temporaryName(name: string): string {
  const isLong = Buffer.byteLength(name) > LONGEST_NAME;
  const own = isLong ? createHash("sha256").update(name).digest("hex").slice(0, 32) : name;
  return `.${own}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
}

/**
 * Takes away what kills in the middle of a write left in a folder. To be called by who holds the folder's lock.
 *
 * @param owns - true for names of files that are written there in this way; others' temporary files stay
 * @example await sweepTemporaries("run/checkpoints", (name) => name === "last.safetensors")
 */
export async function sweepTemporaries(dir: string, owns: (name: string) => boolean): Promise<void> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (isNotFound(error)) return [];
    throw error;
  });
  for (const name of names) {
    const of = /^\.(.+)\.\d+(?:-[0-9a-f]{8})?\.tmp$/.exec(name)?.[1];
    if (of !== undefined && owns(of)) await rm(join(dir, name), { force: true });
  }
}
