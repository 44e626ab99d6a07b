// A task in a process of its own: what the runner and batch scripts start. One argument: a `TaskOrder` as JSON.
// It stops cleanly at a message "stop", at SIGINT and SIGTERM, and when the runner that started it is gone.
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { AppError, type ErrorKind, EXIT_CODES, EXIT_INTERRUPTED, Interrupted } from "../../core/errors.ts";
import { visibleLines } from "../../core/visible.ts";
import { type Output, onUncaught, openOutput } from "../../machine/output.ts";
import { formatEpoch } from "../../train/runlog.ts";
import { readStudy } from "../study.ts";
import { faultOf, type JournalEvent } from "./journal.ts";
import { runTask, type TaskOptions } from "./task.ts";

/** What to work on, and how. */
export interface TaskOrder {
  readonly dir: string;
  readonly cell: string;
  readonly seed: number;
  readonly threads?: number | undefined;
  readonly workers?: number | undefined;
  /** How long to wait for another process to let go of the task; default 0. */
  readonly lockWaitSeconds?: number | undefined;
  readonly device?: NonNullable<TaskOptions["device"]> | undefined;
}

/** What a task reports to its runner. */
export type TaskNews =
  | { readonly kind: "epoch"; readonly text: string; readonly epoch: number }
  | { readonly kind: "evaluation"; readonly text: string }
  | { readonly kind: "fault"; readonly fault: NonNullable<JournalEvent["error"]> };

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  process.exitCode = await main(JSON.parse(process.argv[2] ?? "{}") as TaskOrder);
  if (process.connected) process.disconnect();
}

async function main({ dir, cell: id, seed, lockWaitSeconds = 0, ...options }: TaskOrder): Promise<number> {
  const stop = new AbortController();
  const onStop = () => stop.abort();
  for (const event of ["message", "disconnect", "SIGINT", "SIGTERM"] as const)
    process.on(event as "message", onStop);
  const [out, err] = [openOutput("stdout"), openOutput("stderr")];
  const send = (news: Exclude<TaskNews, { kind: "fault" }>) => {
    out.write(visibleLines(`${news.kind} ${news.text}\n`));
    if (process.connected) process.send?.(news, undefined, undefined, () => undefined); // the runner may be gone
  };
  onUncaught((error) => fail(error, err));
  try {
    const study = await readStudy(dir);
    const cell = study.cells.find((each) => each.id === id);
    if (cell === undefined)
      throw new AppError("internal", "NO_CELL", `Expected a cell of the study, got ${id}`);
    const work = () =>
      runTask(
        dir,
        study,
        { cell, seed },
        {
          ...options,
          signal: stop.signal,
          onEpoch: (epoch) =>
            send({ kind: "epoch", text: formatEpoch(epoch, cell.config.epochs), epoch: epoch.epoch }),
          onEvaluation: (name) => send({ kind: "evaluation", text: name }),
        },
      );
    await patiently(work, lockWaitSeconds);
    return 0;
  } catch (error) {
    return fail(error, err);
  }
}

/** Reports to log and runner what ended the task. @returns the exit code */
function fail(error: unknown, err: Output): number {
  const fault = faultOf(error);
  err.write(`${visibleLines(fault.message)}\n`);
  if (fault.code === "INTERNAL")
    err.write(`${visibleLines(error instanceof Error ? (error.stack ?? "") : String(error))}\n`);
  if (process.connected)
    process.send?.({ kind: "fault", fault } satisfies TaskNews, undefined, undefined, () => undefined);
  return error instanceof Interrupted ? EXIT_INTERRUPTED : EXIT_CODES[fault.kind as ErrorKind];
}

/** A lost attempt on another machine holds its lock until it is known as dead. */
async function patiently(work: () => Promise<void>, seconds: number): Promise<void> {
  for (const endMs = Date.now() + 1000 * seconds; ; await sleep(5000)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "LOCKED" || Date.now() >= endMs) throw error;
    }
  }
}
