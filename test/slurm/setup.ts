// Starts a single-node Slurm before the tests of this folder and ends it after them.
// Where that cannot be (no root, no apt, not Linux), the tests are skipped, with the reason.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Folder of the cluster, or why there is none. */
    slurm: { readonly dir: string } | { readonly why: string };
  }
}

const CANNOT = 77;

const script = (name: string) => new URL(name, import.meta.url).pathname;

/** Vitest's global setup. */
export function setup(project: TestProject): (() => void) | undefined {
  // Not os.tmpdir(): munge wants a socket whose path is short and whose folders only root may change.
  const dir = mkdtempSync("/tmp/facehand-slurm-");
  const { status, stdout, stderr, error } = spawnSync("bash", [script("start.sh"), dir], {
    encoding: "utf8",
  });
  const stop = () => {
    spawnSync("bash", [script("stop.sh"), dir]);
    rmSync(dir, { recursive: true, force: true });
  };
  if (status === 0) {
    project.provide("slurm", { dir });
    return stop;
  }
  stop();
  if (status !== CANNOT && error === undefined) throw new Error(`Slurm did not start:\n${stdout}\n${stderr}`);
  const why = error?.message ?? stdout.trim().split("\n").at(-1)!;
  console.log(`Tests with Slurm are skipped: ${why}`);
  project.provide("slurm", { why });
  return undefined;
}

/** Paths in a cluster's folder. */
export const clusterPaths = (dir: string) => ({
  conf: join(dir, "slurm.conf"),
  ctldPid: join(dir, "slurmctld.pid"),
});
