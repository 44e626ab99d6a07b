// What a row of results.jsonl records of where and of what it was measured.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Waits. */
export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Output of git, or null outside a checkout. */
function git(...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync("git", args, { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
}

/** The commit, and whether the files differ from it; true also outside a checkout. */
export function checkout(): { readonly commit: string | null; readonly modified: boolean } {
  return {
    commit: git("rev-parse", "--short=12", "HEAD"),
    modified: git("status", "--porcelain", "--untracked-files=no") !== "",
  };
}

const CPU_INFO = "/proc/cpuinfo";

/** The widest vectors of an x86 processor, which one name may have or not; null where Linux does not say. */
function vectors(): "AVX-512" | "AVX2" | null {
  const flags = existsSync(CPU_INFO) ? readFileSync(CPU_INFO, "utf8") : "";
  return /\bavx512f\b/.test(flags) ? "AVX-512" : /\bavx2\b/.test(flags) ? "AVX2" : null;
}

/** The computer. */
export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    vectors: vectors(),
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
  };
}

/** Share of the machine's time that nobody used during one second: other work makes both sides' times worthless. */
export async function idleShare(): Promise<number> {
  const totals = () => {
    const times = cpus().map((cpu) => cpu.times);
    const idle = times.reduce((sum, t) => sum + t.idle, 0);
    return { idle, all: times.reduce((sum, t) => sum + t.idle + t.user + t.nice + t.sys + t.irq, 0) };
  };
  const before = totals();
  await sleep(1000);
  const after = totals();
  return Number(((after.idle - before.idle) / (after.all - before.all)).toFixed(2));
}
