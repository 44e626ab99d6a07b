// What a job array keeps in its folder: which tasks were submitted when, what they ended with, who follows them.
// Invariant: a submission is recorded before sbatch is called, and found again by its name, so that a follower
// that was killed at any moment loses no job and submits none twice.
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { hasErrno, isNotFound, unexpected } from "./errors.ts";
import { canonicalJson, exists, readJson, sha256, writeJson } from "./files.ts";

const recordSchema = z.strictObject({
  format: z.literal("facehand-array/1"),
  /** Prefix of the jobs' names, of this folder only. */
  prefix: z.string(),
  /** Of the commands of all tasks. */
  commands: z.string(),
  submissions: z.array(
    z.strictObject({
      tasks: z.array(z.number()),
      /** The first task of the block of BLOCK tasks that these are in. */
      base: z.number(),
      jobId: z.string().nullable(),
    }),
  ),
});

/** What is written down of an array. */
export type ArrayRecord = z.output<typeof recordSchema>;
/** One call of sbatch. */
export type Submission = ArrayRecord["submissions"][number];

/** Name of the jobs of a submission, by its place in the record. */
export const jobName = ({ prefix }: ArrayRecord, submission: number) => `${prefix}-${submission}`;

/** Where the parts of an array's folder lie. */
export function arrayPaths(dir: string) {
  const root = resolve(dir);
  return {
    root,
    record: join(root, "array.json"),
    exits: join(root, "exits"),
    logs: join(root, "logs"),
    follower: join(root, "follower.lock"),
  };
}

/** Log of one task, of all its attempts. */
export function taskLog(dir: string, task: number): string {
  return join(arrayPaths(dir).logs, `${String(task).padStart(3, "0")}.log`);
}

/**
 * Opens the record of an array's folder, or starts it.
 *
 * @throws AppError("input", "ARRAY_OTHER") if the folder is of other commands
 */
export async function openRecord(dir: string, name: string, tasks: readonly unknown[]): Promise<ArrayRecord> {
  const paths = arrayPaths(dir);
  const commands = sha256(canonicalJson(tasks));
  await mkdir(paths.exits, { recursive: true });
  await mkdir(paths.logs, { recursive: true });
  const found = (await readRecord(dir)) ?? {
    format: "facehand-array/1" as const,
    prefix: `${name}-${sha256(`${paths.root} ${hostname()} ${process.pid} ${Date.now()}`).slice(0, 8)}`,
    commands,
    submissions: [],
  };
  if (found.commands === commands) return found;
  throw unexpected("input", {
    code: "ARRAY_OTHER",
    expected: "the folder of a job array of the same commands",
    name,
    got: "one of other commands",
    where: paths.root,
    hint: "run the command that began it, or remove the folder",
  });
}

/** The record in a folder, if there is one. */
export async function readRecord(dir: string): Promise<ArrayRecord | undefined> {
  const path = arrayPaths(dir).record;
  return (await exists(path)) ? readJson(path, recordSchema, "the record of a job array") : undefined;
}

/** Writes the record down. */
export async function saveRecord(dir: string, record: ArrayRecord): Promise<void> {
  await writeJson(arrayPaths(dir).record, record);
}

/** Exit codes that tasks left: `<submission>-<task>` to code. */
export async function readExits(dir: string, known: Map<string, number>): Promise<void> {
  const folder = arrayPaths(dir).exits;
  for (const name of await readdir(folder)) {
    if (name.startsWith(".") || known.has(name)) continue;
    const text = (await readFile(join(folder, name), "utf8")).trim();
    if (/^\d+$/.test(text)) known.set(name, Number(text));
  }
}

/** A follower that has not been seen for so long is taken for dead. */
const STALE_MS = 120_000;

/**
 * Makes this process the only one that follows the array of a folder.
 *
 * @returns `beat`, to be called at least every minute, and `release`
 * @throws AppError("input", "ARRAY_FOLLOWED") if another process follows it
 */
export async function claim(dir: string): Promise<{ beat(): Promise<void>; release(): Promise<void> }> {
  const path = arrayPaths(dir).follower;
  const mark = `${process.pid} ${hostname()}\n`;
  for (let attempt = 0; ; attempt++) {
    try {
      const file = await open(path, "wx");
      await file.writeFile(mark);
      await file.close();
      break;
    } catch (error) {
      if (!hasErrno(error, "EEXIST")) throw error;
      if (attempt > 0 || (await isFollowed(path))) throw followed(path, await readFile(path, "utf8"));
      await rm(path, { force: true }); // left by a kill
    }
  }
  return {
    beat: () => writeFile(path, mark), // its time is what others look at
    release: () => rm(path, { force: true }),
  };
}

function followed(where: string, text: string) {
  const [pid, host] = text.trim().split(" ");
  return unexpected("input", {
    code: "ARRAY_FOLLOWED",
    expected: "one process that follows these jobs",
    name: "the job array",
    got: `another one, ${pid} on ${host}`,
    where,
    hint: "stop that one first; jobs go on without it",
  });
}

/** A process of this machine is asked for; one of another machine has to have touched its file lately. */
async function isFollowed(path: string): Promise<boolean> {
  try {
    if (Date.now() - (await stat(path)).mtimeMs > STALE_MS) return false;
    const [pid, host] = (await readFile(path, "utf8")).trim().split(" ");
    return host !== hostname() || isAlive(Number(pid));
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return hasErrno(error, "EPERM");
  }
}
