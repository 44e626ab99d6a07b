// `facehand derive --executor slurm`: shards as tasks of a job array, then the merge as another job.
// Everything of it lies in `<out>.shards`, on a file system that all nodes share; it is removed after the merge.
// Ctrl-C leaves the jobs; the same command follows them again.
import { readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AppError, Interrupted, isNotFound } from "../../core/errors.ts";
import { readManifest } from "../../dataset/manifest.ts";
import { readDecisions } from "../../derive/judge/decisions.ts";
import { Erasure } from "../../derive/judge/erase.ts";
import type { DeriveResult } from "../../derive/run/pipeline.ts";
import { readShard } from "../../derive/run/shard.ts";
import { exists } from "../../machine/files.ts";
import { withLock } from "../../machine/lock.ts";
import { type ArrayJob, reportArray, runArray, type TaskOutcome } from "../../machine/slurm/slurm.ts";
import type { Context } from "../context.ts";
import { PROGRAM } from "../version.ts";

/** A derivation to be run as an array. */
export interface SlurmPlan {
  readonly out: string;
  readonly shards: number;
  readonly threads: number;
  /** Options of sbatch, for shards and merge alike. */
  readonly sbatch: readonly string[];
  /** Flags of `derive` that each task gets as they are. */
  readonly flags: readonly string[];
  /** File of decisions among the flags. */
  readonly decisions?: string | undefined;
  /** The same derivation here, for a folder that has files already: it reports what they are. */
  readonly local: () => Promise<DeriveResult>;
}

/**
 * Derives on a Slurm cluster and follows it to the end.
 *
 * @throws AppError as `runArray` does, AppError("remote", "SHARDS_FAILED") with the logs of what failed;
 *   Interrupted after the context's signal
 */
export async function deriveOnSlurm(
  context: Pick<Context, "signal" | "report">,
  plan: SlurmPlan,
): Promise<DeriveResult> {
  const root = `${resolve(plan.out)}.shards`; // `out` itself is the merge job's to lock
  return await withLock(root, `the shards in ${root}`, () => deriveIn(root, context, plan));
}

async function deriveIn(
  root: string,
  context: Pick<Context, "signal" | "report">,
  plan: SlurmPlan,
): Promise<DeriveResult> {
  const out = resolve(plan.out);
  const shardDirs = Array.from({ length: plan.shards }, (_, i) => join(root, `${i + 1}-of-${plan.shards}`));
  if (!(await exists(root)) && (await hasEntries(out))) return plan.local();
  const facehand = [process.execPath, PROGRAM, "derive"];
  const shardTasks = shardDirs.map((dir, i) => [
    ...[...facehand, ...plan.flags, "--threads", String(plan.threads)],
    ...["--shard", `${i + 1}/${plan.shards}`, "--out", dir],
  ]);
  const erasure = new Erasure(plan.decisions === undefined ? [] : await readDecisions(plan.decisions));
  await follow(context, plan, {
    ...{ dir: join(root, "derive"), name: "facehand-derive", tasks: shardTasks },
    verify: (task) => repair(shardDirs[task]!, erasure),
  });
  const mergeTask = [...facehand, "merge", ...shardDirs, "--out", out];
  await follow(context, plan, { dir: join(root, "merge"), name: "facehand-merge", tasks: [mergeTask] });
  const manifest = await readManifest(out);
  if (manifest === undefined) {
    throw new AppError("data", "MERGE_LOST", `Expected the merged dataset at ${out}, got no manifest`, {
      hint: "check that this machine mounts the file system that the jobs wrote to",
    });
  }
  await rm(root, { recursive: true });
  return { manifest, alreadyComplete: false, worked: 0 };
}

async function hasEntries(dir: string): Promise<boolean> {
  try {
    return (await readdir(dir)).length > 0;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** What is wrong with a shard whose task ended well; a damaged one is removed, to be derived again. */
async function repair(dir: string, erasure: Erasure): Promise<string | undefined> {
  try {
    const { source } = (await readShard(dir)).derivation;
    const asked = erasure.count === 0 ? undefined : erasure.hash(source.annotations);
    if (source.erased?.sha256 === asked) return undefined;
    if (asked === undefined) await rm(dir, { recursive: true, force: true });
    return `Expected a shard without what is to be erased in ${dir}, got one that was derived before`;
  } catch (error) {
    if (!(error instanceof AppError) || !["SHARD_DAMAGED", "SHARD_MISSING"].includes(error.code)) throw error;
    if (error.code === "SHARD_DAMAGED") await rm(dir, { recursive: true, force: true });
    return error.message;
  }
}

async function follow(
  { signal, report }: Pick<Context, "signal" | "report">,
  { sbatch, threads }: SlurmPlan,
  job: Pick<ArrayJob, "dir" | "name" | "tasks" | "verify">,
): Promise<void> {
  const onUpdate = reportArray(job.name, report);
  let outcomes: TaskOutcome[];
  try {
    outcomes = await runArray({ ...job, resources: { cpus: threads, sbatch }, signal, onUpdate });
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    throw new Interrupted(
      `Stopped following; the jobs continue, and the same command follows them again.\n` +
        `To cancel them: scancel --name with the names that squeue shows, ${job.name}-...`,
    );
  }
  const bad = outcomes.filter(({ end }) => end !== "done");
  if (bad.length > 0) throw await tasksFailed(job.name, outcomes.length, bad);
}

/** The error of an array that did not end well: its first bad task, and the end of that one's log. */
export async function tasksFailed(
  name: string,
  total: number,
  bad: readonly TaskOutcome[],
): Promise<AppError> {
  const { task, end, detail, log, code, limit } = bad[0]!;
  const lines = (await readFile(log, "utf8").catch(() => "")).trim().split("\n");
  const message =
    `Expected all ${total} tasks of ${name} to end well, got ${bad.length} that did not; ` +
    `task ${task} ${end} (${detail}), last lines of its log: ${lines.slice(-3).join(" | ")}`;
  return new AppError(code === 2 || code === 3 ? "data" : "remote", "TASKS_FAILED", message, {
    hint:
      limit === undefined
        ? `read ${log}; the same command runs what failed again`
        : `the same command with a higher --sbatch=${limit}=...; shards continue where they were stopped`,
  });
}
