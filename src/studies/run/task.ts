// One task from beginning to end: a run, then every evaluation that is not there yet.
// Invariants: one process works on a task at a time; stopped anywhere and started again, it ends with the same bytes.
import { Interrupted } from "../../core/errors.ts";
import { type Lock, withLock } from "../../machine/lock.ts";
import { type TrainOptions, train } from "../../train/loop.ts";
import { type Study, type Task, taskPaths } from "../study.ts";
import { evaluateTask } from "./evaluate-task.ts";
import { appendEvent, faultOf } from "./journal.ts";

/** How to work on a task, without influence on the result. */
export interface TaskOptions
  extends Pick<
    TrainOptions,
    "threads" | "device" | "workers" | "signal" | "saveEveryMs" | "onStep" | "onEpoch"
  > {
  readonly onEvaluation?: ((name: string) => void) | undefined;
}

/**
 * Trains and evaluates one cell with one seed; what is done already stays.
 *
 * @param dir - the study's folder
 * @throws AppError("input", "LOCKED") if another process works on the task; what `train` and the sources throw;
 *   Interrupted after the signal. But for the first, the journal records it too.
 */
export async function runTask(
  dir: string,
  study: Study,
  task: Task,
  options: TaskOptions = {},
): Promise<void> {
  const paths = taskPaths(dir, task);
  const what = `seed ${task.seed} of ${task.cell.label}`;
  await withLock(paths.run, what, (lock) => work(dir, study, task, options, lock));
}

async function work(
  dir: string,
  study: Study,
  task: Task,
  options: TaskOptions,
  { lost }: Lock,
): Promise<void> {
  const paths = taskPaths(dir, task);
  const signal = options.signal === undefined ? lost : AbortSignal.any([options.signal, lost]);
  try {
    await appendEvent(paths.journal, "start");
    const { onEvaluation = () => undefined, ...training } = { ...options, signal };
    await train({ ...task.cell.config, seed: task.seed }, { ...training, dir: paths.run, resume: true });
    await evaluateTask(dir, study, task, { ...training, onEvaluation });
    await appendEvent(paths.journal, "done");
  } catch (error) {
    await appendEvent(paths.journal, error instanceof Interrupted ? "stopped" : "failed", faultOf(error));
    throw error;
  }
}
