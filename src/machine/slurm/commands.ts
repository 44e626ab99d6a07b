// Slurm's programs as functions: sbatch, squeue, sacct, scancel. Only what works without accounting is relied on.
// Source: the manuals of Slurm 20.11 to 24.05. Invariant: whatever Slurm answers becomes a value or an AppError.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { AppError, hasErrno, show, unexpected } from "../../core/errors.ts";
import { stateName, type TaskLimits } from "./states.ts";

/** What a task of an array may use; what is left out, the cluster's defaults decide. */
export interface SlurmResources {
  readonly cpus?: number | undefined;
  readonly memoryMb?: number | undefined;
  readonly minutes?: number | undefined;
  readonly gpus?: number | undefined;
  /** More options of sbatch, each with its value, e.g. `--partition=long`. */
  readonly sbatch?: readonly string[] | undefined;
}

/** One task in Slurm's queue, or one that left it a short while ago. */
export interface QueueRow {
  readonly jobName: string;
  readonly jobId: string;
  /** Index in its array. */
  readonly index: number;
  /** Slurm's long name, e.g. `PENDING`. */
  readonly state: string;
  /** Why it waits, or how it ended. */
  readonly reason: string;
  readonly limits: TaskLimits;
}

const OUTPUT_BYTES = 256 << 20;
const execute = promisify(execFile);

async function call(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await execute(program, args, { maxBuffer: OUTPUT_BYTES })).stdout;
  } catch (cause) {
    if (hasErrno(cause, "ENOENT")) throw absent(program, cause);
    throw cause;
  }
}

function absent(program: string, cause: unknown): AppError {
  return unexpected("input", {
    code: "SLURM_ABSENT",
    expected: `Slurm's ${program} on PATH`,
    name: "the executor slurm",
    got: "no such program",
    hint: "run the command on a login node of the cluster, or with --executor local",
    cause,
  });
}

/** What a program of Slurm printed about its failure, on one line, without its own name in front. */
function complaint(cause: unknown): string {
  const text = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : "";
  const lines = text.split("\n").map((line) => line.replace(/^\w+: (error|fatal): /, "").trim());
  return lines.filter((line) => line !== "").join("; ") || show(cause);
}

/**
 * Options of sbatch for the resources of one task.
 *
 * @throws AppError("input", "SLURM_OPTION") for an option that does not start with `--`
 */
export function resourceOptions(resources: SlurmResources): string[] {
  const { cpus, memoryMb, minutes, gpus, sbatch = [] } = resources;
  const wrong = sbatch.find((option) => !/^--[a-z][a-z-]*(=|$)/.test(option));
  if (wrong !== undefined) {
    const expected = "an option of sbatch such as --partition=long";
    throw unexpected("input", { code: "SLURM_OPTION", expected, name: "--sbatch", got: wrong });
  }
  return [
    ...(cpus === undefined ? [] : [`--cpus-per-task=${cpus}`]),
    ...(memoryMb === undefined ? [] : [`--mem=${memoryMb}M`]),
    ...(minutes === undefined ? [] : [`--time=${minutes}`]),
    ...(gpus === undefined ? [] : [`--gres=gpu:${gpus}`]),
    ...sbatch,
  ];
}

/**
 * Submits a script.
 *
 * @param options - options of sbatch
 * @param script - path of the script; Slurm keeps a copy
 * @returns the job's id
 * @throws AppError("input", "SLURM_ABSENT"), AppError("remote", "SLURM_REFUSED") with Slurm's words
 */
export async function submitScript(options: readonly string[], script: string): Promise<string> {
  try {
    const text = await call("sbatch", ["--parsable", ...options, script]);
    return text.trim().split(";")[0]!;
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError(
      "remote",
      "SLURM_REFUSED",
      `Expected Slurm to take the jobs, got: ${complaint(cause)}`,
      {
        hint: "ask for what the cluster has (sinfo shows it), by --sbatch=--partition=NAME and the like",
        cause,
      },
    );
  }
}

/**
 * The tasks of jobs by name, waiting, running, or ended within the cluster's MinJobAge.
 *
 * @throws AppError("input", "SLURM_ABSENT"), AppError("remote", "SLURM_UNREACHABLE")
 */
export async function listQueue(jobNames: readonly string[]): Promise<QueueRow[]> {
  if (jobNames.length === 0) return [];
  try {
    const text = await call("squeue", [
      "--noheader",
      "--array",
      "--states=all",
      `--name=${jobNames.join(",")}`,
      QUEUE_FORMAT,
    ]);
    return parseQueue(text);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const message = `Expected an answer of Slurm's squeue, got: ${complaint(cause)}`;
    throw new AppError("remote", "SLURM_UNREACHABLE", message, {
      hint: "jobs continue without it; run the same command again once `squeue` answers",
      cause,
    });
  }
}

/** Name, id, index, state, limits of time and memory, reason: the one that could hold anything comes last. */
const QUEUE_FORMAT = "--format=%j|%F|%K|%T|%l|%m|%r";

/** The rows that squeue prints in QUEUE_FORMAT. */
export function parseQueue(text: string): QueueRow[] {
  return text.split("\n").flatMap((line) => {
    const [jobName, jobId, index, state, time, memory, ...reason] = line.trim().split("|");
    if (memory === undefined) return [];
    const limits = { time: time!, memory };
    const ids = { jobName: jobName!, jobId: jobId!, index: Number(index) };
    return [{ ...ids, state: state!, reason: reason.join("|"), limits }];
  });
}

/** State of a task that has left the queue, from accounting; undefined where the cluster keeps none. */
export async function pastState(jobId: string, index: number): Promise<string | undefined> {
  try {
    const args = ["--noheader", "--parsable2", "--allocations", `--jobs=${jobId}_${index}`, "--format=State"];
    return stateName(await call("sacct", args));
  } catch {
    return undefined; // most often: accounting is not set up; the caller then knows no more than it knew
  }
}

/** Cancels all jobs of these names; those that have ended are left alone. */
export async function cancelJobs(jobNames: readonly string[]): Promise<void> {
  for (const name of jobNames) {
    try {
      await call("scancel", [`--name=${name}`]);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      const message = `Expected Slurm to cancel ${name}, got: ${complaint(cause)}`;
      throw new AppError("remote", "SLURM_UNREACHABLE", message, { cause });
    }
  }
}

/** Cancels one task; nothing happens if it has ended. */
export async function cancelTask({ jobId, index }: QueueRow): Promise<void> {
  await call("scancel", [`${jobId}_${index}`]).catch(() => undefined); // its end shows in the queue, or does not
}
