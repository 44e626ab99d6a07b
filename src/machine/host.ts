// Which machine this is and which processes run on it, to decide whether the files of a process are still in use.
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { hasErrno } from "../core/errors.ts";

let known: string | undefined;

/**
 * Host, its start, and the namespace of its process ids: where a process id means something. Containers of one host have
 * ids of their own, and hosts of one name may be two: both are machines of their own here.
 */
export function machineName(): string {
  const parts = [
    hostname,
    () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    () => readlinkSync("/proc/self/ns/pid"),
  ];
  known ??= parts.flatMap((part) => orNone(part) ?? []).join(" ");
  return known;
}

/** When a process of this machine started, in the kernel's count; null where the system does not report it. */
export function startOf(pid: number): string | null {
  return statOf(pid)?.[19] ?? null;
}

/**
 * True for a process of this machine that runs.
 *
 * @param started - of startOf: a process id may be given to another one; null if it is not known
 */
export function isRunning(pid: number, started: string | null = null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (hasErrno(error, "ESRCH")) return false;
    if (!hasErrno(error, "EPERM")) throw error;
  }
  const fields = statOf(pid);
  if (fields?.[0] === "Z") return false; // ended, and not yet cleared away by its parent
  return started === null || fields === undefined || fields[19] === started;
}

/** Fields of /proc/<pid>/stat from the third on; the name before them may hold blanks and brackets. */
function statOf(pid: number): readonly string[] | undefined {
  const text = orNone(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

function orNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // another system, or a process that is gone
  }
}
