// What happened to a task: a journal of one line an event, written by the one process that works on it.

import { hostname } from "node:os";
import { dirname } from "node:path";
import { z } from "zod";
import { fromErrno } from "../../core/errno.ts";
import { AppError, Interrupted } from "../../core/errors.ts";
import { exists } from "../../machine/files.ts";
import { appendJournal, type JournalFormat, readJournal } from "../../machine/journal.ts";
import { makeFolders } from "../../machine/make-folders.ts";

/** `stopped` is an interruption that leaves a task to resume; `lost` is a process that ended without a message. */
export const EVENTS = ["start", "done", "failed", "stopped", "lost"] as const;

const eventSchema = z.strictObject({
  at: z.iso.datetime(),
  event: z.enum(EVENTS),
  host: z.string(),
  pid: z.int(),
  /** For `failed` and `lost`. */
  error: z.strictObject({ kind: z.string(), code: z.string(), message: z.string() }).optional(),
});
/** A line of a task's journal. */
export type JournalEvent = z.infer<typeof eventSchema>;

/** Of a task. Lines that kills cut off and earlier versions ended are left out. */
const TASK: JournalFormat<JournalEvent> = {
  what: "a journal",
  schema: eventSchema,
  damaged: () => undefined,
};

/** Adds an event. */
export async function appendEvent(
  path: string,
  event: JournalEvent["event"],
  error?: JournalEvent["error"],
): Promise<void> {
  await makeFolders(dirname(path));
  const by = { at: new Date().toISOString(), event, host: hostname(), pid: process.pid };
  await appendJournal(path, TASK, [{ ...by, error }]);
}

/** All events so far, the oldest first; none if there is no journal. */
export async function readEvents(path: string): Promise<JournalEvent[]> {
  const events: JournalEvent[] = [];
  if (!(await exists(path))) return events;
  for await (const event of readJournal(path, TASK)) events.push(event);
  return events;
}

/** A journal's entry about a fault. */
export function faultOf(thrown: unknown): NonNullable<JournalEvent["error"]> {
  const error = fromErrno(thrown);
  if (error instanceof AppError) return { kind: error.kind, code: error.code, message: error.describe() };
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "internal", code: error instanceof Interrupted ? "INTERRUPTED" : "INTERNAL", message };
}

/** Faults of input and data come again however often a task is tried. */
export function isRetriable({ kind }: NonNullable<JournalEvent["error"]>): boolean {
  return kind !== "input" && kind !== "data";
}
