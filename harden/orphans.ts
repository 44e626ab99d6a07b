// Processes that work on a folder, though the one that started them is gone: tasks of a study end by themselves then.
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const WATCH_MS = 20;

/** Waits until no process but this one names the folder in its command line (Linux; nothing is waited for elsewhere). */
export async function waitForOrphans(dir: string): Promise<void> {
  while ((await workersOn(dir)).length > 0) await sleep(WATCH_MS);
}

async function workersOn(dir: string): Promise<string[]> {
  const names = await readdir("/proc").catch(() => []);
  const found: string[] = [];
  for (const name of names) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const line = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (line.includes(dir)) found.push(name);
  }
  return found;
}
