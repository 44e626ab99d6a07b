// The most memory that this process has had. Invariant: it is this process's own. What getrusage reports as `maxRSS` begins, on
// Linux, with the size of the process that started this one.
import { readFileSync } from "node:fs";

/** The kernel's high-water mark of resident memory, bytes; where there is none, getrusage's. */
export function peakBytes(): number {
  const kilobytes =
    process.platform === "linux"
      ? Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1])
      : process.resourceUsage().maxRSS;
  return kilobytes * 1024;
}
