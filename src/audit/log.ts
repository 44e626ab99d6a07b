// The log of judgements on the disk: lines are added, one whole line after the other, and stay as they are.
// Invariants: a line is on the disk when `annotate` returns, and there once however often it is sent; whoever writes at the
// same time waits; a last line that a kill cut off is left out, reported, and taken away before the next one.
import { z } from "zod";
import { AppError, Interrupted } from "../core/errors.ts";
import { parseJson } from "../core/schema.ts";
import { exists } from "../machine/files.ts";
import { appendJournal, type JournalFormat, readJournal, unfinishedBytes } from "../machine/journal.ts";
import { withLock } from "../machine/lock.ts";
import { addedTo } from "./added.ts";
import { ANNOTATION_SCHEMA, type Annotation, parseAnnotation } from "./annotation.ts";

/** How long another writer is waited for, ms: one line takes a few. */
const PATIENCE_MS = 30_000;

/** Where the judgements about a dataset lie: beside it, for it is published and they are not. */
export const annotationsOf = (dir: string): string => `${dir}.annotations.jsonl`;

/** It has no checksums: others read it as JSON lines. */
const LOG: JournalFormat<Annotation> = {
  what: "a log of judgements",
  schema: ANNOTATION_SCHEMA,
  synced: true,
  damaged: (text, where) => {
    try {
      parseAnnotation(parseJson(text, z.unknown(), where), where);
    } catch (error) {
      if (error instanceof AppError) return error;
      throw error;
    }
    return undefined;
  },
};

/** A log as it was found. */
export interface AnnotationLog {
  readonly lines: readonly Annotation[];
  /** Bytes of a last line that a kill cut off; 0 for a whole log. */
  readonly unfinishedBytes: number;
}

const EMPTY: AnnotationLog = { lines: [], unfinishedBytes: 0 };

/**
 * Reads a log.
 *
 * @throws AppError("data", "FILE_MISSING" | "ANNOTATION_INVALID") with file:line
 * @example standing((await readAnnotations("annotations.jsonl")).lines)
 */
export async function readAnnotations(path: string): Promise<AnnotationLog> {
  const lines: Annotation[] = [];
  for await (const one of readJournal(path, LOG)) lines.push(one);
  return { lines, unfinishedBytes: await unfinishedBytes(path, LOG) };
}

/**
 * Adds judgements to a log, which is made if it is not there; those that it has already stay as they are.
 *
 * @returns how many bytes of a line that a kill cut off were taken away
 * @throws AppError("data", "ANNOTATION_INVALID" and those of `addedTo`) before anything is written; ("input", "LOCKED") if another process does not
 *   let it go; ("data", ...) for a full disk and the like, with the log as it was
 */
export async function annotate(path: string, judgements: readonly Annotation[]): Promise<number> {
  for (const one of judgements) parseAnnotation(one, "a new judgement");
  const what = `the log ${path}`;
  const write = async () => {
    const { lines, unfinishedBytes: cut } = (await exists(path)) ? await readAnnotations(path) : EMPTY;
    const added = addedTo(lines, judgements, path);
    if (added.length > 0) await appendJournal(path, LOG, added);
    return added.length > 0 ? cut : 0;
  };
  try {
    return await withLock(path, what, write, { wait: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return await withLock(path, what, write); // tells who holds it
  }
}
