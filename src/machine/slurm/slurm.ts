// Job arrays on an existing Slurm cluster: submit, follow, submit lost tasks again.
// A task is done when its command left exit code 0 in the array's folder, which all nodes have to see: accounting
// is not needed. Invariant: the folder is all there is to know, so that following resumes after a kill -9.
// Ctrl-C stops following only: jobs continue, and the same call follows them again (`cancelArray` ends them).
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeAtomic } from "../files.ts";
import { type Lock, withLock } from "../lock.ts";
import { cancelJobs, listQueue, resourceOptions, submitScript } from "./commands.ts";
import {
  type ArrayRecord,
  arrayPaths,
  jobName,
  openRecord,
  readRecord,
  type Submission,
  saveRecord,
} from "./record.ts";
import { arrayScript } from "./script.ts";
import {
  type ArrayCounts,
  type ArrayJob,
  type Following,
  poll,
  type Status,
  type TaskOutcome,
} from "./status.ts";

export type { SlurmResources } from "./commands.ts";
export { type ArrayCounts, type ArrayJob, reportArray, TASK_ENDS, type TaskOutcome } from "./status.ts";

/** Tasks of one sbatch: one below the default MaxArraySize, and log names keep the task's number. */
const BLOCK = 1000;
/** Time between two reads of the queue: a tenth of the time so far, so that short arrays are not waited for long. */
const POLL_MS = { least: 500, most: 5_000 };
const RETRIES = 2;

/**
 * Runs an array to its end: submits it, or resumes following it, and submits lost and failed tasks again.
 *
 * @returns how each task ended, in the order of `tasks`; the caller decides what a failure means
 * @throws AppError("input", "SLURM_ABSENT" | "SLURM_OPTION" | "ARRAY_OTHER" | "LOCKED"),
 *   AppError("remote", "SLURM_REFUSED" | "SLURM_UNREACHABLE"); the signal's reason if aborted: jobs continue
 * @example await runArray({ dir: "runs/array", name: "facehand", tasks: [["node", "a.js"], ["node", "b.js"]] })
 */
export async function runArray(job: ArrayJob): Promise<TaskOutcome[]> {
  await listQueue([job.name]); // an absent cluster is reported before anything is made
  return await withLock(job.dir, `the job array in ${job.dir}`, (lock) => follow(job, lock));
}

async function follow(job: ArrayJob, lock: Lock): Promise<TaskOutcome[]> {
  const record = await openRecord(job.dir, job.name, job.tasks);
  try {
    const following = {
      job,
      record,
      exits: new Map(),
      problems: new Map(),
      attempts: new Map(),
      missing: new Map(),
    };
    const startMs = Date.now();
    const pause = () => sleep(job.pollMs ?? pauseMs(startMs), undefined, optional(job.signal));
    for (let heardMs = startMs; ; await pause()) {
      job.signal?.throwIfAborted();
      await lock.check();
      const statuses = await poll(following, heardMs);
      if (statuses === undefined) continue;
      heardMs = Date.now();
      const again = tasksToSubmit(following, statuses);
      job.onUpdate?.(count(statuses, again));
      if (again.length > 0) await submit(following, again);
      else if (statuses.every(({ is }) => is === "ended")) return statuses as (Status & TaskOutcome)[];
    }
  } catch (error) {
    throw job.signal?.aborted === true && (error as Error).name === "AbortError" ? job.signal.reason : error;
  }
}

const pauseMs = (startMs: number) =>
  Math.min(POLL_MS.most, Math.max(POLL_MS.least, (Date.now() - startMs) / 10));
const optional = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });

/**
 * Cancels what waits or runs of an array; done tasks stay done.
 *
 * @returns names of the jobs that were cancelled
 */
export async function cancelArray(dir: string): Promise<string[]> {
  const record = await readRecord(dir);
  const names = (record?.submissions ?? []).map((_, n) => jobName(record!, n));
  await cancelJobs(names);
  return names;
}

/** What was never submitted, ended badly before this process came, or may be tried again. */
function tasksToSubmit({ job, attempts }: Following, statuses: readonly Status[]): number[] {
  const { retries = RETRIES, finalCodes = [2, 3] } = job;
  return statuses.flatMap((status, task) => {
    const used = attempts.get(task) ?? 0;
    if (status.is === "waiting" || status.is === "running") attempts.set(task, Math.max(1, used));
    if (status.is === "absent") return [task];
    if (status.is !== "ended" || status.end === "done") return [];
    if (used === 0) return [task];
    const final = status.end === "cancelled" || finalCodes.includes(status.code ?? -1);
    return final || used > retries ? [] : [task];
  });
}

async function submit(
  { job, record, attempts, missing }: Following,
  tasks: readonly number[],
): Promise<void> {
  const paths = arrayPaths(job.dir);
  for (const base of new Set(tasks.map((task) => task - (task % BLOCK)))) {
    const block = tasks.filter((task) => task >= base && task < base + BLOCK);
    const n = record.submissions.length;
    const submission: Submission = { tasks: block, base, jobId: null };
    const script = join(paths.root, `submission-${n}.sh`);
    await writeAtomic(script, arrayScript(job.tasks, submission, n, paths.exits));
    record.submissions.push(submission);
    await saveRecord(job.dir, record); // before sbatch: after a kill in between, the job is found by its name
    try {
      submission.jobId = await submitScript(sbatchOptions(job, record, submission), script);
    } catch (error) {
      record.submissions.pop();
      await saveRecord(job.dir, record);
      throw error;
    }
    await saveRecord(job.dir, record);
    for (const task of block) {
      attempts.set(task, (attempts.get(task) ?? 0) + 1);
      missing.delete(task);
    }
  }
}

function sbatchOptions(job: ArrayJob, record: ArrayRecord, { tasks, base }: Submission): string[] {
  const limit = job.atOnce === undefined ? "" : `%${job.atOnce}`;
  const digits = base === 0 ? "%3a" : `${base / BLOCK}%3a`; // the log's name is the number of the task
  return [
    "--requeue", // before the caller's, of which --no-requeue may be one
    ...resourceOptions(job.resources ?? {}),
    `--job-name=${jobName(record, record.submissions.length - 1)}`,
    `--array=${formatRanges(tasks.map((task) => task - base))}${limit}`,
    `--output=${join(arrayPaths(job.dir).logs.replaceAll("%", "%%"), `${digits}.log`)}`,
    "--open-mode=append",
    `--chdir=${process.cwd()}`,
  ];
}

/** Sorted whole numbers as Slurm writes them: `0-3,7`. */
function formatRanges(numbers: readonly number[]): string {
  const starts = numbers.filter((n, i) => numbers[i - 1] !== n - 1);
  const ends = numbers.filter((n, i) => numbers[i + 1] !== n + 1);
  return starts.map((start, i) => (start === ends[i] ? `${start}` : `${start}-${ends[i]}`)).join(",");
}

function count(statuses: readonly Status[], again: readonly number[]): ArrayCounts {
  const number = (test: (status: Status, task: number) => boolean) => statuses.filter(test).length;
  const reasons = statuses.flatMap((status) => (status.is === "waiting" ? [status.reason ?? ""] : []));
  return {
    total: statuses.length,
    done: number((status) => status.is === "ended" && status.end === "done"),
    running: number(({ is }) => is === "running"),
    waiting: number(({ is }, task) => is === "waiting" || again.includes(task)),
    failed: number((status, task) => status.is === "ended" && status.end !== "done" && !again.includes(task)),
    reasons: [...new Set(reasons.filter((reason) => reason !== "" && reason !== "None"))],
  };
}
