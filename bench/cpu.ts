// Processor time of another process, which a busy machine stretches less than time by the clock.
import { readdirSync, readFileSync } from "node:fs";

/** Of Linux, for all that /proc states. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  /** Of all its threads and of children that have ended. */
  readonly ticks: number;
}

/** Of the text of /proc/PID/stat, whose second field may hold spaces and brackets. */
export function parseStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const number = (i: number) => Number(fields[i]);
  return { parent: number(1), ticks: number(11) + number(12) + number(13) + number(14) };
}

/** Seconds that a process and its children have computed, user and system; null where there is no /proc. */
export function cpuSeconds(pid: number): number | null {
  const read = (of: number | string) => {
    try {
      return parseStat(readFileSync(`/proc/${of}/stat`, "utf8"));
    } catch {
      return undefined; // it has ended
    }
  };
  const own = read(pid);
  if (own === undefined) return null;
  const others = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const children = others.flatMap((other) => {
    const stat = read(other);
    return stat?.parent === pid ? [stat.ticks] : [];
  });
  return [own.ticks, ...children].reduce((sum, ticks) => sum + ticks, 0) / TICKS_PER_SECOND;
}
