// Runs a script by the first Python that has what it needs; for checks against PyTorch where one is installed.
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** Exit code of a script that lacks a module. */
const MISSING = 77;
const PYTHONS = ["python3", "/usr/bin/python3"];

/** What the script printed; undefined where no Python has its modules (it then exits with 77). */
export function runPython(...args: readonly string[]): SpawnSyncReturns<string> | undefined {
  for (const python of PYTHONS) {
    const ran = spawnSync(python, args, { encoding: "utf8" });
    if (ran.error === undefined && ran.status !== MISSING) return ran;
  }
  return undefined;
}

/** The same while this process goes on, as a server that the script asks. */
export async function runPythonLater(
  ...args: readonly string[]
): Promise<Pick<SpawnSyncReturns<string>, "status" | "stdout" | "stderr"> | undefined> {
  for (const python of PYTHONS) {
    const child = spawn(python, args, { stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(child, "close").catch(() => [MISSING]); // there is no such Python
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    if (status !== MISSING) return { status, stdout, stderr };
  }
  return undefined;
}
