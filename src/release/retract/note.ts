// What a fetched bundle states about itself (release.json), read beside the tables and written again for the version without a
// person: its numbers change, and that hashed ids stand in it stays stated.
import { join } from "node:path";
import { z } from "zod";
import { exists, readJson, writeJson } from "../../machine/files.ts";

const NOTE = "release.json";

const schema = z.looseObject({
  info: z.looseObject({ version: z.string(), date: z.string().optional() }),
  hashedIds: z.boolean(),
  /** Of Parquet, which a retraction does not take over. */
  shards: z.number().optional(),
});

/** The note of a bundle, as far as a retraction reads it. */
export type StoredNote = z.output<typeof schema>;

/** The note beside a dataset's tables; undefined where it was not fetched as a bundle. */
export async function readNote(root: string): Promise<StoredNote | undefined> {
  const path = join(root, NOTE);
  return (await exists(path)) ? await readJson(path, schema, "the note of a bundle") : undefined;
}

/** Writes the note of the new version. */
export async function writeNote(
  dir: string,
  { info, ...note }: StoredNote,
  after: Readonly<Record<"version" | "date", string | undefined>>,
  numbers: { readonly pairs: number; readonly subjects: number; readonly derivationHash: string | null },
): Promise<void> {
  const { version = info.version, date = info.date } = after;
  const shards = note.shards === undefined ? {} : { shards: 0 };
  await writeJson(join(dir, NOTE), { ...note, ...shards, info: { ...info, version, date }, ...numbers });
}
