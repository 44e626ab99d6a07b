// How far a study is: derived from run folders, predictions, journals and locks, never stored.
import { z } from "zod";
import { predictionFiles } from "../../evaluate/stored/prediction-folder.ts";
import { exists, readJson } from "../../machine/files.ts";
import { lockHolder } from "../../machine/lock.ts";
import { mapOrdered } from "../../machine/pool.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { readLog } from "../../train/run.ts";
import type { EpochLog } from "../../train/runlog.ts";
import { evaluationsOf, type Study, type Task, taskPaths, tasksOf } from "../study.ts";
import { isEvaluated } from "./evaluate-task.ts";
import { type JournalEvent, readEvents } from "./journal.ts";

/** `unfinished` was begun and is worked on by nobody; `failed` is the same after an error. */
export const TASK_STATES = ["done", "running", "failed", "unfinished", "missing"] as const;
/** How far a task is. */
export type TaskState = (typeof TASK_STATES)[number];

/** How far one task is. */
export interface TaskStatus {
  readonly task: Task;
  readonly state: TaskState;
  /** Finished epochs, and those that are planned. */
  readonly epochs: number;
  readonly epochsPlanned: number;
  readonly evaluations: number;
  readonly evaluationsPlanned: number;
  /** Mean of its own epochs; null before the first. */
  readonly secondsPerEpoch: number | null;
  /** Times that it failed or was lost. */
  readonly failures: number;
  /** The last failure, unless it is done. */
  readonly error: JournalEvent["error"] | null;
  /** Version and commit that began its run, if they are not the plan's. */
  readonly otherCode: string | null;
  /** Estimated by epochs of the same cell, else of the study; null if there are none. */
  readonly secondsLeft: number | null;
}

/** All tasks of a study, and how many are in which state. */
export interface StudyStatus {
  readonly tasks: readonly TaskStatus[];
  readonly counts: Readonly<Record<TaskState, number>>;
  /** Of all tasks, one after another; null if nothing was measured yet. */
  readonly secondsLeft: number | null;
}

/**
 * The state of every task of a study.
 *
 * @throws AppError("data", ...) for damaged logs and facts
 * @example (await studyStatus(dir, await readStudy(dir))).counts.done
 */
export async function studyStatus(dir: string, study: Study): Promise<StudyStatus> {
  const found: Found[] = [];
  for await (const each of mapOrdered(tasksOf(study), 8, (task) => taskStatus(dir, study, task)))
    found.push(each);
  const tasks = found.map((each) => ({ ...each, secondsLeft: secondsLeft(each, found) }));
  const count = (state: TaskState) => tasks.filter((task) => task.state === state).length;
  const counts = Object.fromEntries(TASK_STATES.map((state) => [state, count(state)])) as Record<
    TaskState,
    number
  >;
  const left = tasks.map((task) => task.secondsLeft);
  const known = left.filter((seconds) => seconds !== null);
  return { tasks, counts, secondsLeft: known.length < left.length ? null : known.reduce((a, b) => a + b, 0) };
}

/** What is known of a task without reading the others. */
export type Found = Omit<TaskStatus, "secondsLeft">;

/** The state of one task. */
export async function taskStatus(dir: string, study: Study, task: Task): Promise<Found> {
  const paths = taskPaths(dir, task);
  const run = runPaths(paths.run);
  const begun = await exists(run.config);
  const log = begun ? await readLog(paths.run) : [];
  const trained = (await predictionFiles(run.predictions)).length > 0;
  const planned = evaluationsOf(study, task.cell);
  const made = trained
    ? await Promise.all(planned.map((evaluation) => isEvaluated(dir, task, evaluation)))
    : [];
  const evaluations = made.filter(Boolean).length;
  const events = await readEvents(paths.journal);
  const done = trained && evaluations === planned.length;
  const running = !done && (await lockHolder(paths.run)) !== undefined;
  const fault =
    events.at(-1)?.event === "failed" || events.at(-1)?.event === "lost" ? events.at(-1) : undefined;
  const state = done
    ? "done"
    : running
      ? "running"
      : fault
        ? "failed"
        : begun || events.length > 0
          ? "unfinished"
          : "missing";
  return {
    task,
    state,
    epochs: log.length,
    epochsPlanned: task.cell.config.epochs,
    evaluations,
    evaluationsPlanned: planned.length,
    secondsPerEpoch: meanSeconds(log),
    failures: events.filter(({ event }) => event === "failed" || event === "lost").length,
    error: state === "failed" ? (fault?.error ?? null) : null,
    otherCode: begun ? await codeOf(run.environment, study) : null,
  };
}

function meanSeconds(log: readonly EpochLog[]): number | null {
  return log.length === 0 ? null : log.reduce((sum, { seconds }) => sum + seconds, 0) / log.length;
}

/** Of a run's environment, what names the code; the rest is not asked about here. */
const codeSchema = z.object({ facehand: z.string(), commit: z.string().nullable() });

/** Other versions may give other results: reported, not refused. */
async function codeOf(path: string, { code }: Study): Promise<string | null> {
  if (!(await exists(path))) return null; // begun, and killed before it was written
  const { facehand, commit } = await readJson(path, codeSchema, "a run's environment");
  if (facehand === code.facehand && commit === code.commit) return null;
  return `${facehand}${commit === null ? "" : ` at ${commit.slice(0, 12)}`}`;
}

/** Epochs that are left, at the speed of the same cell, else of all. */
function secondsLeft(own: Found, all: readonly Found[]): number | null {
  if (own.state === "done") return 0;
  const speeds = (found: readonly Found[]) => found.flatMap(({ secondsPerEpoch }) => secondsPerEpoch ?? []);
  const same = speeds(all.filter(({ task }) => task.cell === own.task.cell));
  const known = own.secondsPerEpoch === null ? (same.length > 0 ? same : speeds(all)) : [own.secondsPerEpoch];
  if (known.length === 0) return null;
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  return Math.max(0, own.epochsPlanned - own.epochs) * mean;
}
