// Temporary neighbours of files that are written: their names, and what kills left of them.
// Invariant: such a name states whose it is and which process of which machine makes it, so that only this program's
// own ones are ever removed: under the lock of their folder, or when their process is dead.
import { createHash, randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isNotFound } from "../core/errors.ts";
import { isRunning, machineName } from "./host.ts";

/** A longer name would leave no room for what is put around it: file systems take 255 bytes. */
const LONGEST_NAME = 200;
/** Name of the file, process, machine and number; names of before have the first two only. */
const PATTERN = /^\.(.+?)\.(\d+)(?:-([0-9a-f]{8})-[0-9a-f]{8})?\.tmp$/;

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const shortened = (name: string) => (Buffer.byteLength(name) > LONGEST_NAME ? hash(name).slice(0, 32) : name);
const ownMachine = () => hash(machineName()).slice(0, 8);

/**
 * A name beside a file, of one writing only: two machines may share a folder, and one process may write a file twice at once.
 *
 * @param name - of the file, without its folder
 * @example temporaryName("a.csv") // ".a.csv.4711-89abcdef-01234567.tmp"
 */
export function temporaryName(name: string): string {
  return `.${shortened(name)}.${process.pid}-${ownMachine()}-${randomBytes(4).toString("hex")}.tmp`;
}

/**
 * Takes away what kills in the middle of a write left in a folder. To be called by the owner of the folder's lock.
 *
 * @param owns - true for names of files that are written there in this way; others' temporary files stay
 * @example await sweepTemporaries("run/checkpoints", (name) => name === "last.safetensors")
 */
export async function sweepTemporaries(dir: string, owns: (name: string) => boolean): Promise<void> {
  await sweep(dir, (name) => owns(name));
}

/**
 * Takes away what dead processes of this machine left beside a file that is about to be written. No lock is needed: nobody
 * else has such names.
 *
 * @example await sweepBeside("report.html")
 */
export async function sweepBeside(path: string): Promise<void> {
  const own = shortened(basename(path));
  const isDead = (pid: string, machine: string | undefined) =>
    machine === ownMachine() && !isRunning(Number(pid));
  await sweep(dirname(path), (name, pid, machine) => name === own && isDead(pid, machine));
}

async function sweep(
  dir: string,
  goes: (name: string, pid: string, machine: string | undefined) => boolean,
): Promise<void> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (isNotFound(error)) return [];
    throw error;
  });
  for (const name of names) {
    const [, of, pid, machine] = PATTERN.exec(name) ?? [];
    if (of !== undefined && goes(of, pid!, machine)) await rm(join(dir, name), { force: true });
  }
}
