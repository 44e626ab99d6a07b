// Where tests make their files: in memory, where Linux has room for it. What the code writes is synced, and on a disk tests
// wait for that longer than they compute.
// Invariants: a TMPDIR that is set stays; a run's folder goes with its process, and one that was killed leaves it to the next.
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { freemem } from "node:os";
import { join } from "node:path";

const SHARED_MEMORY = "/dev/shm";
/** More than twice what all tests have at once, two installations of the package among it. */
const ROOM_BYTES = 4e9;
/** What is left for the tests themselves. */
const MEMORY_BYTES = ROOM_BYTES + 4e9;
/** Short, as /tmp is: messages cut long values off. */
const OWN = /^fh-([0-9a-z]+)$/;

/** What decides. */
export interface TmpFacts {
  /** TMPDIR as the user has set it. */
  readonly chosen: string | undefined;
  /** Mounted file systems, as /proc/mounts has them; empty where that is not there. */
  readonly mounts: string;
  readonly roomBytes: number;
  readonly memoryBytes: number;
}

/** True if files go into memory: as programs are installed and run there too, it has to allow that. */
export function isInMemory({ chosen, mounts, roomBytes, memoryBytes }: TmpFacts): boolean {
  const mount = mounts.split("\n").find((line) => line.split(" ")[1] === SHARED_MEMORY);
  if (chosen !== undefined || mount === undefined) return false;
  const [, , type, options = ""] = mount.split(" ");
  const flags = options.split(",");
  const isFit = type === "tmpfs" && flags.includes("rw") && !flags.includes("noexec");
  return isFit && roomBytes >= ROOM_BYTES && memoryBytes >= MEMORY_BYTES;
}

function facts(): TmpFacts {
  const chosen = process.env["TMPDIR"];
  try {
    const { bavail, bsize } = statfsSync(SHARED_MEMORY);
    const mounts = readFileSync("/proc/mounts", "utf8");
    return { chosen, mounts, roomBytes: bavail * bsize, memoryBytes: freemem() };
  } catch {
    return { chosen, mounts: "", roomBytes: 0, memoryBytes: 0 }; // not Linux
  }
}

/** The environment of tests: a TMPDIR of this run in memory, or nothing. */
export function tmpInMemory(): Record<string, string> {
  if (!isInMemory(facts())) return {};
  for (const name of readdirSync(SHARED_MEMORY)) {
    const pid = OWN.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number.parseInt(pid, 36))) remove(join(SHARED_MEMORY, name));
  }
  const dir = join(SHARED_MEMORY, `fh-${process.pid.toString(36)}`);
  mkdirSync(dir, { recursive: true });
  process.once("exit", () => remove(dir));
  return { TMPDIR: dir };
}

const remove = (path: string) => rmSync(path, { recursive: true, force: true });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
