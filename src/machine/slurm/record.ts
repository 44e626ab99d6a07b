// What a job array keeps in its folder: which tasks were submitted when, and what they ended with.
// Invariant: a submission is recorded before sbatch is called, and found again by its name, so that a follower
// that was killed at any moment loses no job and submits none twice.

import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { unexpected } from "../../core/errors.ts";
import { canonicalJson } from "../../core/schema.ts";
import { exists, readJson, sha256, writeJson } from "../files.ts";
import { makeFolders } from "../make-folders.ts";

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

/** The record of an array. */
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
  await makeFolders(paths.exits);
  await makeFolders(paths.logs);
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
