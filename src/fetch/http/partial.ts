// The part of a download that is there: `<path>.part`, and `<path>.part.json` that states what it is a part of.
// Invariant: a part without its note, or of another file, counts as nothing.
import { rm, stat } from "node:fs/promises";
import { z } from "zod";
import { AppError, isNotFound } from "../../core/errors.ts";
import { parseJson } from "../../core/schema.ts";
import { readText, writeJson } from "../../machine/files.ts";

const noteSchema = z.strictObject({
  /** Names the file that is downloaded; see partialOf. */
  id: z.string(),
  totalBytes: z.int().nonnegative().nullable(),
  /** As the server wrote it, weak or strong. */
  etag: z.string().nullable(),
});
/** What a part belongs to, as the server described it. */
export type Note = z.infer<typeof noteSchema>;

/** Where a part and its note lie. */
export interface Partial {
  readonly path: string;
  readonly notePath: string;
  readonly id: string;
}

/** What an earlier attempt left. */
export interface Received {
  readonly bytes: number;
  readonly note?: Note | undefined;
}

/** The part of `path`; `id` distinguishes remote files. */
export function partialOf(path: string, id: string): Partial {
  return { path: `${path}.part`, notePath: `${path}.part.json`, id };
}

/** What is there of this file. */
export async function readPart({ path, notePath, id }: Partial): Promise<Received> {
  try {
    const { size } = await stat(path);
    const note = parseJson(await readText(notePath, "a download's note"), noteSchema, notePath);
    return note.id === id ? { bytes: size, note } : { bytes: 0 };
  } catch (error) {
    if (isNotFound(error) || error instanceof AppError) return { bytes: 0 };
    throw error;
  }
}

/** Notes what the part belongs to; before its first byte is written. */
export async function writeNote({ notePath }: Partial, note: Note): Promise<void> {
  await writeJson(notePath, note);
}

/** Removes the part and its note. */
export async function discard({ path, notePath }: Partial): Promise<void> {
  await rm(path, { force: true });
  await rm(notePath, { force: true });
}
