// The executor for those who outgrow one machine: every task of a study as a task of a job array on a Slurm cluster.
// Cells that ask for the same resources share one array. The study's folder has to be on a file system that all nodes
// see; tasks find their plan in it, and leave there what they leave when they are run here.

import { join, resolve } from "node:path";
import { Interrupted } from "../../core/errors.ts";
import { canonicalJson } from "../../core/schema.ts";
import { nodeCommand } from "../../machine/child.ts";
import { sha256 } from "../../machine/files.ts";
import { reportArray, runArray, type SlurmResources, type TaskOutcome } from "../../machine/slurm/slurm.ts";
import { type Study, type Task, taskPaths, tasksOf } from "../study.ts";
import { readEvents } from "./journal.ts";
import type { ArrayExecutor, ArrayOptions, Outcome } from "./runner.ts";
import { taskStatus } from "./status.ts";
import type { TaskOrder } from "./task-main.ts";

/** How tasks run on Slurm. */
export interface SlurmOptions extends Pick<TaskOrder, "workers" | "device"> {
  /** Threads of ONNX Runtime of each task, and so its CPUs, unless the study asks for others; default 2. */
  readonly threads?: number | undefined;
  /** Options of sbatch for all tasks, e.g. `--partition=long`. */
  readonly sbatch?: readonly string[] | undefined;
  /** Tasks that may run at once; default: as the cluster likes. */
  readonly maxParallel?: number | undefined;
  /** Time between two reads of the queue, ms. */
  readonly pollMs?: number | undefined;
  readonly graceMs?: number | undefined;
}

/** How long a task waits for the lock of a lost attempt at it: longer than it takes to be known as dead, s. */
const LOCK_WAIT_SECONDS = 150;

/** Runs tasks on a cluster. */
export function slurmExecutor(options: SlurmOptions = {}): ArrayExecutor {
  return {
    runAll: async (dir, study, run) => {
      const groups = groupByResources(study, options);
      const outcomes = await Promise.all(groups.map((group) => runGroup(dir, study, group, options, run)));
      return outcomes.flat();
    },
  };
}

interface Group {
  readonly resources: SlurmResources & { readonly cpus: number };
  readonly tasks: readonly Task[];
}

function groupByResources(study: Study, { threads = 2, sbatch = [] }: SlurmOptions): Group[] {
  const groups = new Map<string, { resources: Group["resources"]; tasks: Task[] }>();
  for (const task of tasksOf(study)) {
    const asked = study.resources.filter(({ cells }) => cells.includes(task.cell.id)).map(withoutCells);
    const resources: Group["resources"] = Object.assign({ cpus: threads, sbatch }, ...asked);
    const key = canonicalJson(resources);
    const group = groups.get(key) ?? { resources, tasks: [] };
    group.tasks.push(task);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function withoutCells({ cells: _, ...resources }: Study["resources"][number]): object {
  return resources;
}

async function runGroup(
  dir: string,
  study: Study,
  { resources, tasks }: Group,
  options: SlurmOptions,
  { signal, retries, report }: ArrayOptions,
): Promise<(readonly [Task, Outcome])[]> {
  const { workers = 2, device, maxParallel, pollMs, graceMs } = options;
  const commands = tasks.map(({ cell, seed }) => {
    const how = { threads: resources.cpus, workers, device };
    const order: TaskOrder = {
      dir: resolve(dir),
      cell: cell.id,
      seed,
      ...how,
      lockWaitSeconds: LOCK_WAIT_SECONDS,
    };
    const { command, args } = nodeCommand(new URL("./task-main", import.meta.url), [JSON.stringify(order)]);
    return [command, ...args];
  });
  const name = `facehand-${sha256(canonicalJson(commands)).slice(0, 8)}`;
  const onUpdate = reportArray(name, report);
  try {
    const outcomes = await runArray({
      // All tasks of the group, done or not: a runner that was killed finds its array again by what it is of.
      dir: join(resolve(dir), "slurm", name),
      name,
      tasks: commands,
      resources,
      retries,
      signal,
      onUpdate,
      atOnce: maxParallel,
      pollMs,
      graceMs,
      verify: async (task) => {
        const { state } = await taskStatus(dir, study, tasks[task]!);
        return state === "done" ? undefined : `the task is ${state}`;
      },
    });
    return await Promise.all(
      outcomes.map(async (ended) => [tasks[ended.task]!, await outcomeOf(dir, tasks, ended)] as const),
    );
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Interrupted(
      `Stopped following; the jobs ${name} continue, and the same command follows them again`,
    );
  }
}

async function outcomeOf(dir: string, tasks: readonly Task[], ended: TaskOutcome): Promise<Outcome> {
  if (ended.end === "done") return { kind: "done" };
  const last = (await readEvents(taskPaths(dir, tasks[ended.task]!).journal)).at(-1);
  if (last?.event === "failed" && last.error !== undefined) return { kind: "failed", fault: last.error };
  const more =
    ended.limit === undefined ? "" : `; raise it in the resources of the study (sbatch's ${ended.limit})`;
  const message = `Expected the task's job to end well, got ${ended.end} (${ended.detail})${more}; its log is ${ended.log}`;
  return { kind: "failed", fault: { kind: "remote", code: "TASK_LOST", message } };
}
