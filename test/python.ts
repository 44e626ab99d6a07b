// Runs a script by the first Python that has what it needs; for checks against PyTorch where one is installed.
import { type SpawnSyncReturns, spawnSync } from "node:child_process";

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
