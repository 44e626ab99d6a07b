// What the tests of this folder need of the cluster that setup.ts started.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { inject } from "vitest";
import { clusterPaths } from "./setup.ts";

const slurm = inject("slurm");

/** Why there is no cluster here, or undefined. */
export const WHY_NO_SLURM = "why" in slurm ? slurm.why : undefined;
/** Folder of the cluster. */
export const CLUSTER = "dir" in slurm ? slurm.dir : "";

/** Whether the cluster ends jobs that take more memory than they may: it needs the kernel's groups. */
export const LIMITS_MEMORY =
  "dir" in slurm && readFileSync(clusterPaths(slurm.dir).conf, "utf8").includes("TaskPlugin=task/cgroup");

if ("dir" in slurm) process.env.SLURM_CONF = clusterPaths(slurm.dir).conf;

/** Runs a program, e.g. of Slurm; returns what it printed. */
export function call(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8" }).trim();
}

/** Waits until a condition holds, at most 50 s. */
export async function until(test: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + 50_000; !(await test()); ) {
    if (Date.now() > endMs) throw new Error(`50 s have passed, and still not: ${test}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
