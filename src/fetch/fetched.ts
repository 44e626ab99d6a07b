// `fetched.json`: what was fetched into a folder, where it came from, and its size and hash, so that a second fetch
// can check whether everything is still as it came. Invariant: a file is noted before it appears under its name.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../core/errors.ts";
import { exists, readJson, sha256File, writeJson } from "../machine/files.ts";
import { readTree } from "../machine/tree.ts";
import { placeBelow } from "../machine/true-path.ts";

const fileNoteSchema = z.strictObject({
  /** `drive:ID`, an address without its query, or `mirror`. */
  from: z.string(),
  sizeBytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
/** What is known of a fetched file. */
export type FileNote = z.infer<typeof fileNoteSchema>;

const folderNoteSchema = z.strictObject({
  /** The archive that it was unpacked from, by its path below the folder. */
  archive: z.string(),
  files: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Entries of the archive that belong to nothing. */
  leftOut: z.int().nonnegative(),
});
/** What is known of an unpacked folder. */
export type FolderNote = z.infer<typeof folderNoteSchema>;

const recordSchema = z.strictObject({
  format: z.literal(1),
  files: z.record(z.string(), fileNoteSchema),
  folders: z.record(z.string(), folderNoteSchema),
});

/** The notes of one folder. */
export interface FetchRecord {
  readonly path: string;
  file(name: string): FileNote | undefined;
  folder(name: string): FolderNote | undefined;
  noteFile(name: string, note: FileNote): Promise<void>;
  noteFolder(name: string, note: FolderNote): Promise<void>;
}

/** Name of the record in the folder that was fetched into. */
export const RECORD = "fetched.json";

/**
 * Opens the record of a folder, or begins one; it is written whole after each note.
 *
 * @throws AppError("data", "JSON_SYNTAX" | "JSON_SCHEMA" | "PATH_OUTSIDE")
 */
export async function openRecord(dir: string): Promise<FetchRecord> {
  const path = join(dir, RECORD);
  const record = (await exists(path))
    ? await readJson(path, recordSchema, "a record of fetched files")
    : { format: 1, files: {}, folders: {} };
  for (const name of [...Object.keys(record.files), ...Object.keys(record.folders)])
    placeBelow(dir, name, path);
  const files = new Map<string, FileNote>(Object.entries(record.files));
  const folders = new Map<string, FolderNote>(Object.entries(record.folders));
  const sorted = <T>(notes: ReadonlyMap<string, T>) =>
    Object.fromEntries([...notes].sort(([a], [b]) => (a < b ? -1 : 1)));
  let writing = Promise.resolve();
  const write = () => {
    const next = writing.then(() =>
      writeJson(path, { format: 1, files: sorted(files), folders: sorted(folders) }),
    );
    writing = next.catch(() => undefined); // its own caller gets the error; the next one tries again
    return next;
  };
  return {
    path,
    file: (name) => files.get(name),
    folder: (name) => folders.get(name),
    noteFile(name, note) {
      files.set(name, note);
      return write();
    },
    noteFolder(name, note) {
      folders.set(name, note);
      return write();
    },
  };
}

/**
 * Reads a file that is there again.
 *
 * @returns its note
 * @throws AppError("data", "FETCHED_UNKNOWN") without a note, AppError("data", "FETCHED_CHANGED") if it is not as noted
 */
export async function checkFile(dir: string, name: string, record: FetchRecord): Promise<FileNote> {
  const noted = record.file(name);
  const path = join(dir, name);
  if (noted === undefined) throw unknown(path, record);
  const same = (await stat(path)).size === noted.sizeBytes && (await sha256File(path)) === noted.sha256;
  if (!same) throw changed(path);
  return noted;
}

/**
 * Reads an unpacked folder that is there again.
 *
 * @returns its note
 * @throws as checkFile; Interrupted after the signal
 */
export async function checkFolder(
  dir: string,
  name: string,
  record: FetchRecord,
  signal?: AbortSignal,
): Promise<FolderNote> {
  const noted = record.folder(name);
  const path = join(dir, name);
  if (noted === undefined) throw unknown(path, record);
  const tree = await readTree(path, signal === undefined ? {} : { signal });
  if (tree.digest !== noted.digest) throw changed(path);
  return noted;
}

function unknown(path: string, record: FetchRecord): AppError {
  const message = `Expected ${path} to be as an earlier fetch left it, got no note of it in ${record.path}`;
  const hint =
    "give another folder, or move it away; a file that you have already can come by --mirror FOLDER";
  return new AppError("data", "FETCHED_UNKNOWN", message, { hint });
}

function changed(path: string): AppError {
  const message = `Expected ${path} to be as it was fetched, got other bytes`;
  const hint = "move it away to fetch it again; or work with it as it is: only a fetch minds";
  return new AppError("data", "FETCHED_CHANGED", message, { hint });
}
