// How the tasks of a job array stand: Slurm's queue and the exit codes in the array's folder, put together.
// Invariant: `done` means that the command itself ended with 0, and that its output was not found to be wrong.
import { AppError } from "../../core/errors.ts";
import { cancelTask, listQueue, pastState, type QueueRow, type SlurmResources } from "./commands.ts";
import { type ArrayRecord, jobName, readExits, type Submission, taskLog } from "./record.ts";
import { explainState, LIMIT_OPTIONS, meaningOf, type TaskLimits } from "./states.ts";

/** Shared file systems may show an exit code late. */
const GRACE_MS = 30_000;
/** How long the controller may be silent, e.g. while it starts again. */
const PATIENCE_MS = 600_000;

/** An array of commands to be run on a cluster. */
export interface ArrayJob {
  /** Folder of the array, on a file system that all nodes share: scripts, logs, exit codes. */
  readonly dir: string;
  /** Start of the jobs' names; letters, digits and -. */
  readonly name: string;
  /** Program and arguments of each task; it has to be safe to run one again. */
  readonly tasks: readonly (readonly string[])[];
  readonly resources?: SlurmResources | undefined;
  /** Tasks that may run at once; default: as the cluster likes. */
  readonly atOnce?: number | undefined;
  /** How often a task is submitted again after it was lost or failed; default 2. */
  readonly retries?: number | undefined;
  /** Exit codes that another attempt will not change; default 2 (input) and 3 (data). */
  readonly finalCodes?: readonly number[] | undefined;
  /** What is wrong with the output of a task that ended well; then it counts as lost. */
  readonly verify?: (task: number) => Promise<string | undefined>;
  readonly signal?: AbortSignal | undefined;
  /** Called after each read of the queue. */
  readonly onUpdate?: ((counts: ArrayCounts) => void) | undefined;
  /** Time between two reads of the queue; default: .5 s at first, up to 5 s. */
  readonly pollMs?: number | undefined;
  /** How long to wait for the exit code of a task that has left the queue; default 30 s. */
  readonly graceMs?: number | undefined;
}

/** How many tasks stand how. */
export interface ArrayCounts {
  readonly total: number;
  readonly done: number;
  readonly running: number;
  readonly waiting: number;
  readonly failed: number;
  /** Why tasks wait, in Slurm's words, e.g. `Resources`. */
  readonly reasons: readonly string[];
}

/** Reports how an array stands whenever that changes: `name: 2 of 4 done, 1 running, 1 waiting (Resources)`. */
export function reportArray(name: string, report: (line: string) => void): (counts: ArrayCounts) => void {
  let last = "";
  return ({ total, done, running, waiting, failed, reasons }) => {
    const why = reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
    const more = failed > 0 ? `, ${failed} failed` : "";
    const line = `${name}: ${done} of ${total} done, ${running} running, ${waiting} waiting${why}${more}`;
    if (line !== last) report(line);
    last = line;
  };
}

export const TASK_ENDS = ["done", "failed", "cancelled", "lost"] as const;

/** How a task ended. */
export interface TaskOutcome {
  readonly task: number;
  /** `failed`: its command did; `lost`: killed, or never heard of again; `cancelled`: by scancel. */
  readonly end: (typeof TASK_ENDS)[number];
  /** Exit code, if the command left one. */
  readonly code?: number | undefined;
  /** What is known, for people: Slurm's last state and what it means, or what is wrong with the output. */
  readonly detail: string;
  /** sbatch's option for the limit that ended it, e.g. `--time`. */
  readonly limit?: string | undefined;
  /** Log of all its attempts. */
  readonly log: string;
}

/** How a task stands. */
export type Status =
  | { readonly is: "absent" | "waiting" | "running"; readonly reason?: string | undefined }
  | ({ readonly is: "ended" } & TaskOutcome);

/** What one process knows of an array while it follows it. */
export interface Following {
  readonly job: ArrayJob;
  readonly record: ArrayRecord;
  /** Exit codes by `<submission>-<task>`. */
  readonly exits: Map<string, number>;
  /** What `verify` found, by the same keys. */
  readonly problems: Map<string, string | undefined>;
  /** Attempts of each task that this process has seen. */
  readonly attempts: Map<number, number>;
  /** Since when a task is in no queue and has no exit code, ms. */
  readonly missing: Map<number, number>;
}

/** Status of every task; undefined while the controller is silent, which is borne for PATIENCE_MS. */
export async function poll(following: Following, heardMs: number): Promise<Status[] | undefined> {
  const { job, record, exits } = following;
  const latest = latestSubmissions(record);
  const open = [...new Set(latest.values())];
  let rows: QueueRow[];
  try {
    rows = await listQueue(open.map((n) => jobName(record, n)));
  } catch (error) {
    const patient = error instanceof AppError && error.code === "SLURM_UNREACHABLE";
    if (patient && Date.now() - heardMs < PATIENCE_MS) return undefined;
    throw error;
  }
  await readExits(job.dir, exits); // after the queue: what has left it has left its code, too
  const queue = new Map(rows.map((row) => [`${row.jobName} ${row.index}`, row]));
  const statuses: Status[] = [];
  for (const task of job.tasks.keys()) {
    const n = latest.get(task);
    if (n === undefined) statuses.push({ is: "absent" });
    else statuses.push(await judge(following, task, n, queue));
  }
  return statuses;
}

function latestSubmissions({ submissions }: ArrayRecord): Map<number, number> {
  return new Map(submissions.flatMap(({ tasks }, n) => tasks.map((task) => [task, n] as const)));
}

/** A shell's exit codes above are of commands that a signal ended. */
const SIGNALS = 128;
/** A node could not start it, and Slurm will not try again by itself. */
const NOT_STARTED = "launch failed requeued held";

async function judge(
  following: Following,
  task: number,
  n: number,
  queue: ReadonlyMap<string, QueueRow>,
): Promise<Status> {
  const { job, record, exits, problems, missing } = following;
  const key = `${n}-${task}`;
  const row = queue.get(`${jobName(record, n)} ${task - record.submissions[n]!.base}`);
  const code = exits.get(key);
  const ended = (end: TaskOutcome["end"], detail: string, limits?: TaskLimits): Status => {
    const known = { code, ...limitOf(detail) };
    return {
      is: "ended",
      task,
      end,
      detail: explainState(detail, limits),
      log: taskLog(job.dir, task),
      ...known,
    };
  };
  if (row?.reason === NOT_STARTED) {
    problems.set(key, NOT_STARTED);
    await cancelTask(row);
  } else if (code === 0 && !problems.has(key)) problems.set(key, await job.verify?.(task));
  const problem = problems.get(key);
  if (problem !== undefined) return ended("lost", problem);
  const meaning = row === undefined ? "over" : meaningOf(row.state);
  if (meaning === "cancelled") return ended("cancelled", row!.state, row!.limits);
  if (code === 0) return ended("done", "exit code 0");
  // What Slurm kills may still leave a code, which then explains less than the state does.
  if (meaning === "killed") return ended("lost", row!.state, row!.limits);
  // The code of a signal arrives before Slurm reports the signal as its own.
  const unexplained = code !== undefined && code > SIGNALS && meaning === "running";
  if (code !== undefined && !unexplained) return ended("failed", `exit code ${code}`);
  if (meaning !== "over") {
    missing.delete(task);
    return meaning === "waiting" ? { is: "waiting", reason: row!.reason } : { is: "running" };
  }
  const sinceMs = missing.get(task) ?? Date.now();
  missing.set(task, sinceMs);
  if (Date.now() - sinceMs < (job.graceMs ?? GRACE_MS)) return { is: "running" };
  const past = row?.state ?? (await stateOf(record.submissions[n]!, task));
  return ended(past === "CANCELLED" ? "cancelled" : "lost", past ?? "left no trace");
}

function limitOf(state: string): Pick<TaskOutcome, "limit"> {
  const limit = LIMIT_OPTIONS[state];
  return limit === undefined ? {} : { limit };
}

async function stateOf({ jobId, base }: Submission, task: number): Promise<string | undefined> {
  return jobId === null ? undefined : pastState(jobId, task - base);
}
