// The local executor: each task in a process of its own, so that one that crashes takes nothing else with it.
// Children are in process groups of their own: Ctrl-C reaches the runner alone, which then stops them.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { EXIT_INTERRUPTED } from "../../core/errors.ts";
import { nodeCommand } from "../../machine/child.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import { type Task, taskPaths } from "../study.ts";
import { appendEvent, type JournalEvent, readEvents } from "./journal.ts";
import type { Executor, Outcome, RunOptions } from "./runner.ts";
import type { TaskNews, TaskOrder } from "./task-main.ts";

/** How tasks run on this machine. */
export interface LocalExecutorOptions extends Pick<TaskOrder, "workers" | "device"> {
  /** Tasks at a time; default 1. */
  readonly maxParallel?: number | undefined;
  /** Threads of ONNX Runtime of each task; default: the cores, shared among the tasks at a time. */
  readonly threads?: number | undefined;
}

/** Runs tasks on this machine. */
export function localExecutor(options: LocalExecutorOptions = {}): Executor {
  const {
    maxParallel = 1,
    threads = Math.max(1, Math.floor(availableParallelism() / maxParallel)),
    ...rest
  } = options;
  return {
    parallel: maxParallel,
    run: (dir, task, run) =>
      runChild({ dir, cell: task.cell.id, seed: task.seed, threads, ...rest }, task, run),
  };
}

async function runChild(order: TaskOrder, task: Task, { signal, onNews }: RunOptions): Promise<Outcome> {
  const paths = taskPaths(order.dir, task);
  await makeFolders(dirname(paths.log));
  const log = await open(paths.log, "a");
  const { command, args } = nodeCommand(new URL("./task-main", import.meta.url), [JSON.stringify(order)]);
  let fault: JournalEvent["error"];
  try {
    const child = spawn(command, args, { detached: true, stdio: ["ignore", log.fd, log.fd, "ipc"] });
    child.on("message", (news: TaskNews) => {
      if (news.kind === "fault") fault = news.fault;
      else onNews(task, news);
    });
    const stop = () => tellToStop(child);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    const [code, killedBy] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    signal.removeEventListener("abort", stop);
    if (code === 0) return { kind: "done" };
    if (code === EXIT_INTERRUPTED) return { kind: "stopped" };
    return { kind: "failed", fault: fault ?? (await lost(paths.journal, killedBy ?? `exit code ${code}`)) };
  } finally {
    await log.close();
  }
}

function tellToStop(child: ChildProcess): void {
  if (child.connected) child.send("stop", () => undefined); // it may be gone by now
}

/** A process that ended without a message: the journal gets one in its place. */
async function lost(journal: string, how: string): Promise<NonNullable<JournalEvent["error"]>> {
  const last = (await readEvents(journal)).at(-1);
  if (last?.event === "failed" && last.error !== undefined) return last.error;
  const message = `Expected the task's process to finish, got its end by ${how}`;
  const error = { kind: "internal", code: "TASK_LOST", message };
  await appendEvent(journal, "lost", error);
  return error;
}
