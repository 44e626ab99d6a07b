// Journals: one JSON line for everything that is done, in order, written by the one process that does it.
// Source: our own. Invariants: a line that has its end is never changed; a last line that a kill cut off has none, is left
// out by readers and taken away before the next line is written, so that what remains is a prefix of the journal that was
// never stopped. A line that has its end and cannot be read is damage, not a kill.
import { open, stat } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { z } from "zod";
import type { AppError } from "../core/errors.ts";
import { safeParse } from "../core/schema.ts";
import { exists, readChunks, writeAtomic, writing } from "./files.ts";

/** What the lines of a journal are. */
export interface JournalFormat<T> {
  /** For messages, e.g. `a journal`. */
  readonly what: string;
  readonly schema: z.ZodType<T>;
  /** Behind the JSON of a line stand a tab and its CRC-32; lines without are read too. Left out where others read the lines. */
  readonly checksums?: boolean | undefined;
  /** Lines are on the disk when they have been added, not only with the system. */
  readonly synced?: boolean | undefined;
  /** The error for a line that cannot be read; undefined to leave the line out. */
  readonly damaged: (text: string, where: string, cause: unknown) => AppError | undefined;
}

/** A journal that is being written. */
export interface Journal<T> {
  /** Lines that were there when it was opened. */
  readonly done: number;
  append(values: readonly T[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a journal to continue it, or starts one; a last line that was cut off is removed.
 *
 * @example const journal = await openJournal("journal.jsonl", EVENTS); await journal.append([event]); await journal.close();
 */
export async function openJournal<T>(path: string, format: JournalFormat<T>): Promise<Journal<T>> {
  let done = 0;
  let bytes = 0;
  if (await exists(path)) {
    for await (const { end } of readLines(path, format)) {
      done++;
      bytes = end;
    }
  }
  const file = await writing(path, () => open(path, "a"));
  if ((await file.stat()).size > bytes) await file.truncate(bytes);
  return {
    done,
    // A line that was written in part is dropped by the next opening.
    append: (values) =>
      writing(path, async () => {
        await file.appendFile(values.map((value) => journalLine(format, value)).join(""));
        if (format.synced === true) await file.datasync();
      }),
    close: () => file.close(),
  };
}

/** Adds values to a journal, which is made if it is not there. */
export async function appendJournal<T>(
  path: string,
  format: JournalFormat<T>,
  values: readonly T[],
): Promise<void> {
  const journal = await openJournal(path, format);
  try {
    await journal.append(values);
  } finally {
    await journal.close();
  }
}

/** Bytes of a last line that was cut off; 0 if there is none, or no journal. */
export async function unfinishedBytes<T>(path: string, format: JournalFormat<T>): Promise<number> {
  if (!(await exists(path))) return 0;
  let whole = 0;
  for await (const { end } of readLines(path, format)) whole = end;
  return (await stat(path)).size - whole;
}

/**
 * The values in a journal, the oldest first.
 *
 * @throws AppError("data", "FILE_MISSING"); `format.damaged` for a line that cannot be read
 */
export async function* readJournal<T>(path: string, format: JournalFormat<T>): AsyncGenerator<T> {
  for await (const { value } of readEntries(path, format)) yield value;
}

/**
 * The lines of some values, byte by byte as they were written.
 *
 * @param keeps - asked about every value, in order
 * @throws as readJournal
 */
export async function* journalLines<T>(
  path: string,
  format: JournalFormat<T>,
  keeps: (value: T) => boolean,
): AsyncGenerator<Uint8Array> {
  for await (const { text, value } of readEntries(path, format)) {
    if (keeps(value)) yield Buffer.from(`${text}\n`);
  }
}

/**
 * Cuts a journal back to its first values, in one step; what comes after them is not read.
 *
 * @returns the values that stay
 * @throws as readJournal
 */
export async function cutJournal<T>(path: string, format: JournalFormat<T>, count: number): Promise<T[]> {
  const first: T[] = [];
  const lines: Uint8Array[] = [];
  if (count > 0) {
    for await (const { text, value } of readEntries(path, format)) {
      lines.push(Buffer.from(`${text}\n`));
      if (first.push(value) === count) break;
    }
  }
  await writeAtomic(path, lines);
  return first;
}

/** A value as its line in a journal. */
export function journalLine<T>({ checksums = false }: JournalFormat<T>, value: T): string {
  const json = JSON.stringify(value);
  return checksums ? `${json}\t${checksum(json)}\n` : `${json}\n`;
}

const checksum = (json: string) => crc32(json).toString(16).padStart(8, "0");

async function* readEntries<T>(
  path: string,
  format: JournalFormat<T>,
): AsyncGenerator<{ readonly text: string; readonly value: T }> {
  let line = 0;
  for await (const { text } of readLines(path, format)) {
    line++;
    let value: T;
    try {
      value = parseLine(text, format);
    } catch (cause) {
      const error = format.damaged(text, `${path}:${line}`, cause);
      if (error === undefined) continue;
      throw error;
    }
    yield { text, value };
  }
}

function parseLine<T>(text: string, { schema, checksums = false }: JournalFormat<T>): T {
  // JSON has no tab outside of its words, and writes those as \t
  const [json = "", sum] = checksums ? text.split("\t") : [text];
  if (sum !== undefined && sum !== checksum(json))
    throw new Error("the line is not the one that was written");
  const result = safeParse(schema, JSON.parse(json));
  if (!result.success) throw result.error;
  return result.data;
}

/** Lines that have their end; `end` is the byte after it. */
async function* readLines<T>(
  path: string,
  { what }: JournalFormat<T>,
): AsyncGenerator<{ readonly text: string; readonly end: number }> {
  let begun: Uint8Array[] = []; // of a line; put together when its end is there
  let end = 0;
  for await (const chunk of readChunks(path, what)) {
    begun.push(chunk);
    if (!chunk.includes(10)) continue;
    let rest = Buffer.concat(begun);
    for (let at = rest.indexOf(10); at !== -1; at = rest.indexOf(10)) {
      const text = rest.subarray(0, at).toString("utf8");
      rest = rest.subarray(at + 1);
      end += at + 1;
      yield { text, end };
    }
    begun = [rest];
  }
}
