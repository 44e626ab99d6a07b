// What happened to a task, one JSON line an event, appended by the one process that works on it.
// Invariant: a line is never changed; a last line that a kill cut off is left out when reading.
import { appendFile, mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { z } from "zod";
import { fromErrno } from "../../core/errno.ts";
import { AppError, Interrupted } from "../../core/errors.ts";
import { exists, readText, writing } from "../../machine/files.ts";

/** `stopped` is an interruption that leaves a task to go on with; `lost` is a process that ended without a word. */
export const EVENTS = ["start", "done", "failed", "stopped", "lost"] as const;

const eventSchema = z.strictObject({
  at: z.iso.datetime(),
  event: z.enum(EVENTS),
  host: z.string(),
  pid: z.int(),
  /** For `failed` and `lost`. */
  error: z.strictObject({ kind: z.string(), code: z.string(), message: z.string() }).optional(),
});
export type JournalEvent = z.infer<typeof eventSchema>;

/** Adds an event. */
export async function appendEvent(
  path: string,
  event: JournalEvent["event"],
  error?: JournalEvent["error"],
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const whole = !(await exists(path)) || (await readText(path, "a journal")).endsWith("\n");
  const at = new Date().toISOString();
  const line: JournalEvent = {
    at,
    event,
    host: hostname(),
    pid: process.pid,
    ...(error === undefined ? {} : { error }),
  };
  await writing(path, () => appendFile(path, `${whole ? "" : "\n"}${JSON.stringify(line)}\n`));
}

/** All events so far, the oldest first; none if there is no journal. */
export async function readJournal(path: string): Promise<JournalEvent[]> {
  if (!(await exists(path))) return [];
  const lines = (await readText(path, "a journal")).split("\n");
  return lines.flatMap((line) => {
    try {
      return eventSchema.safeParse(JSON.parse(line)).data ?? [];
    } catch {
      return [];
    }
  });
}

/** What a journal says of a fault. */
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
