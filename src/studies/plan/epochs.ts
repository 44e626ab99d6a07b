// How far a study is: epochs of all its runs, done and to do, and the time that those are going to take at the rate so far.
// Epochs of runs that were done before, or that a run stops before, take no time and do not count for the rate.
import { type ProgressOptions, startProgress } from "../../core/progress.ts";
import { counted } from "../../report/figure-text.ts";
import type { Task } from "../study.ts";

/** Counts epochs over the tasks of a study. */
export interface EpochCount {
  /** A task has finished its epoch of this number, from 1. */
  epoch(task: Task, number: number): void;
  /** Nothing more comes of a task. */
  finish(task: Task): void;
  /** `12 of 96 epochs, 1:42 left; 4 runs left`. */
  text(): string;
}

/**
 * Begins to count.
 *
 * @param tasks - all tasks of the study
 * @param queue - those of them that are to be run
 */
export function countEpochs(
  tasks: readonly Task[],
  queue: readonly Task[],
  options: Pick<ProgressOptions, "now"> = {},
): EpochCount {
  const sum = (of: readonly Task[]) => of.reduce((total, { cell }) => total + cell.config.epochs, 0);
  const line = startProgress("", sum(tasks), {
    ...options,
    unit: "epochs",
    stream: { write: () => true },
    done: sum(tasks) - sum(queue),
  });
  const at = new Map<Task, number>();
  const passTo = (task: Task, number: number) => {
    line.skip(Math.max(0, number - (at.get(task) ?? 0)));
    at.set(task, Math.max(number, at.get(task) ?? 0));
  };
  const open = new Set(queue);
  return {
    epoch(task, number) {
      if (number <= (at.get(task) ?? 0)) return; // an attempt that begins again, which takes longer than planned
      passTo(task, number - 1);
      line.tick();
      at.set(task, number);
    },
    finish(task) {
      passTo(task, task.cell.config.epochs);
      open.delete(task);
    },
    text: () => `${line.text()}; ${counted(open.size, "run")} left`,
  };
}
