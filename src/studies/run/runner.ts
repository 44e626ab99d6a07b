// Runs what is missing of a study: done tasks are skipped, begun ones resume, failures do not stop the others.
// Invariant: one runner works on a study folder at a time; killed at any moment, the next one continues.

import { basename } from "node:path";
import { AppError, Interrupted } from "../../core/errors.ts";
import { formatSeconds } from "../../core/progress.ts";
import { canonicalJson } from "../../core/schema.ts";
import { sourceFolder } from "../../dataset/sources/sources.ts";
import { exists, writeJson } from "../../machine/files.ts";
import { withLock } from "../../machine/lock.ts";
import { sweepTemporaries } from "../../machine/temporary.ts";
import { checkApart, isInside, truePath } from "../../machine/true-path.ts";
import { countEpochs, type EpochCount } from "../plan/epochs.ts";
import { readStudy, type Study, studyPaths, type Task, tasksOf } from "../study.ts";
import { isRetriable, type JournalEvent } from "./journal.ts";
import { studyStatus } from "./status.ts";
import type { TaskNews } from "./task-main.ts";

/** How an attempt at a task ended. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly fault: NonNullable<JournalEvent["error"]> };

/** How a task is run. */
export interface RunOptions {
  readonly signal: AbortSignal;
  /** Called with what happens to each task. */
  readonly onNews: (task: Task, news: Exclude<TaskNews, { kind: "fault" }>) => void;
}

/** Where tasks are run. */
export interface Executor {
  /** Tasks at a time. */
  readonly parallel: number;
  /** One attempt at a task; never throws for what is the task's fault. */
  run(dir: string, task: Task, options: RunOptions): Promise<Outcome>;
}

/** How a job array is run. */
export interface ArrayOptions {
  readonly signal: AbortSignal;
  readonly retries: number;
  /** Called with what happens, a line each. */
  readonly report: (text: string) => void;
}

/** A place that takes all tasks at once and sees to order and retries itself. */
export interface ArrayExecutor {
  /** Every task of the study with how it ended; Interrupted after the signal. */
  runAll(dir: string, study: Study, options: ArrayOptions): Promise<(readonly [Task, Outcome])[]>;
}

/** How to run a study, without influence on its results. */
export interface StudyRunOptions {
  readonly executor: Executor | ArrayExecutor;
  /** Further attempts at a task that failed for another reason than its input or data; default 1. */
  readonly retries?: number | undefined;
  /** Begin nothing new, and stop what runs, after the first failure. */
  readonly failFast?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A line for people. */
  readonly report?: ((text: string) => void) | undefined;
  /** Called with what happens to each task. @param left - `12 of 96 epochs, 1:42 left`, of the whole study */
  readonly onNews?:
    | ((task: Task, news: Parameters<RunOptions["onNews"]>[1], left: string) => void)
    | undefined;
}

/** How the tasks of a study ended. */
export interface StudyResult {
  readonly done: number;
  /** Done before, and not touched. */
  readonly skipped: number;
  readonly failed: readonly { readonly task: Task; readonly fault: NonNullable<JournalEvent["error"]> }[];
}

/**
 * Runs a study in a folder.
 *
 * @param dir - new, or of a plan of the same name; runs of cells that are no longer planned are left alone
 * @throws AppError("input", "LOCKED") if another runner works there, ("input", "STUDY_OTHER") if the folder is of
 *   another study; Interrupted after the signal, when all tasks have stopped
 * @example await runStudy("studies/ablation", study, { executor: localExecutor({ maxParallel: 2 }) })
 */
export async function runStudy(dir: string, study: Study, options: StudyRunOptions): Promise<StudyResult> {
  const folders = Object.values(study.data).flatMap(({ sources }) => sources.map(sourceFolder));
  for (const folder of folders) if (isInside(truePath(dir), truePath(folder))) checkApart(dir, [folder]);
  return await withLock(dir, `the study in ${dir}`, async (lock) => {
    await sweepTemporaries(dir, (name) => name === basename(studyPaths(dir).study));
    await placePlan(dir, study, options.report);
    const { executor, ...rest } = options;
    if ("runAll" in executor) return await runArrays(dir, study, executor, rest, lock.lost);
    return await runMissing(dir, study, { ...rest, executor }, lock.lost);
  });
}

async function placePlan(dir: string, study: Study, report: StudyRunOptions["report"]): Promise<void> {
  const path = studyPaths(dir).study;
  if (await exists(path)) {
    const before = await readStudy(dir);
    if (before.name !== study.name) {
      const message = `Expected study ${before.name} as in ${path}, got ${study.name}`;
      throw new AppError("input", "STUDY_OTHER", message, { hint: "give each study an --out of its own" });
    }
    const planned = new Set(study.cells.map(({ id }) => id));
    const left = before.cells.filter(({ id }) => !planned.has(id));
    if (left.length > 0)
      report?.(`${left.length} cells of an earlier plan are not planned any more; their runs stay`);
    if (canonicalJson(before) === canonicalJson(study)) return;
  }
  await writeJson(path, study);
}

type EachOptions = StudyRunOptions & { readonly executor: Executor };

async function runArrays(
  dir: string,
  study: Study,
  executor: ArrayExecutor,
  { retries = 1, signal, report = () => undefined }: Omit<StudyRunOptions, "executor">,
  lost: AbortSignal,
): Promise<StudyResult> {
  const before = (await studyStatus(dir, study)).counts.done;
  report(`${before} of ${tasksOf(study).length} tasks are done`);
  const all = signal === undefined ? lost : AbortSignal.any([signal, lost]);
  const outcomes =
    before === tasksOf(study).length
      ? []
      : await executor.runAll(dir, study, { signal: all, retries, report });
  const failed = outcomes.flatMap(([task, outcome]) =>
    outcome.kind === "failed" ? [{ task, fault: outcome.fault }] : [],
  );
  for (const { task, fault } of failed) tellFailed(task, fault, report);
  return { done: tasksOf(study).length - before - failed.length, skipped: before, failed };
}

async function runMissing(
  dir: string,
  study: Study,
  options: EachOptions,
  lost: AbortSignal,
): Promise<StudyResult> {
  const { executor, failFast = false, report = () => undefined, signal = lost } = options;
  const { tasks, secondsLeft } = await studyStatus(dir, study);
  const queue = tasks.filter(({ state }) => state !== "done").map(({ task }) => task);
  const skipped = tasks.length - queue.length;
  const epochs = countEpochs(
    tasks.map(({ task }) => task),
    queue,
  );
  report(plannedText(dir, { queue, all: tasks.length, secondsLeft, parallel: executor.parallel }));
  const stop = new AbortController();
  const all = AbortSignal.any([signal, lost, stop.signal]);
  const failed: { task: Task; fault: NonNullable<JournalEvent["error"]> }[] = [];
  let done = 0;
  let stopped = 0;
  const work = async () => {
    for (let task = queue.shift(); task !== undefined && !all.aborted; task = queue.shift()) {
      const outcome = await attempt(dir, task, options, all, epochs);
      if (outcome.kind !== "stopped") epochs.finish(task);
      if (outcome.kind === "done")
        report(`${nameOf(task)}: done (${++done + skipped} of ${tasks.length}; ${epochs.text()})`);
      else if (outcome.kind === "stopped") stopped++;
      else {
        failed.push({ task, fault: outcome.fault });
        tellFailed(task, outcome.fault, report);
        if (failFast) stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: executor.parallel }, work));
  if (signal.aborted || lost.aborted) {
    const more = stopped === 0 ? "" : `, ${stopped} tasks under way`;
    throw new Interrupted(`Stopped after ${done} tasks${more}; the same command continues with ${dir}`);
  }
  return { done, skipped, failed };
}

interface Planned {
  readonly queue: readonly Task[];
  readonly all: number;
  /** One task at a time, by epochs that ran before. */
  readonly secondsLeft: number | null;
  readonly parallel: number;
}

/** What will be done, where, and how long it takes if epochs of before tell. */
function plannedText(dir: string, { queue, all, secondsLeft, parallel }: Planned): string {
  const head = `${queue.length} of ${all} tasks to run, ${all - queue.length} are done`;
  if (queue.length === 0) return head;
  const epochs = queue.reduce((sum, { cell }) => sum + cell.config.epochs, 0);
  const at = `${Math.min(parallel, queue.length)} at a time, into ${dir}`;
  const rest = secondsLeft === null ? "" : `; about ${formatSeconds(secondsLeft)} of one task at a time`;
  return `${head}: at most ${epochs} epochs, ${at}${rest}`;
}

/** `<label> seed <n>`. */
export function nameOf({ cell, seed }: Task): string {
  return `${cell.label} seed ${seed}`;
}

async function attempt(
  dir: string,
  task: Task,
  options: EachOptions,
  signal: AbortSignal,
  epochs: EpochCount,
): Promise<Outcome> {
  const { executor, retries = 1, report } = options;
  const onNews: RunOptions["onNews"] = (from, news) => {
    if (news.kind === "epoch") epochs.epoch(from, news.epoch);
    options.onNews?.(from, news, epochs.text());
  };
  for (let tried = 1; ; tried++) {
    const outcome = await executor.run(dir, task, { signal, onNews });
    if (outcome.kind !== "failed" || tried > retries || signal.aborted || !isRetriable(outcome.fault))
      return outcome;
    tellFailed(task, outcome.fault, report, `, attempt ${tried + 1} of ${retries + 1}`);
  }
}

/** The fault and its hint, a line each. */
function tellFailed(
  task: Task,
  { message }: NonNullable<JournalEvent["error"]>,
  report: StudyRunOptions["report"],
  which = "",
): void {
  for (const line of `${nameOf(task)}: failed${which}. ${message}`.split("\n")) report?.(line);
}
