// The folder of a retraction's new version: what the tables and the ledger name of others, and nothing else.
import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Interrupted, unexpected } from "../../core/errors.ts";
import { COLUMNS, MODALITIES, SPLITS } from "../../core/words.ts";
import type { CheckedDataset } from "../../dataset/check/check.ts";
import { stemOf } from "../../dataset/check/tables.ts";
import { CHANGELOG, cleanedFolder, imagePath, type Layout, planLayout } from "../../dataset/layout.ts";
import { placesOf } from "../../derive/judge/remains.ts";
import { writeCsv } from "../../formats/csv.ts";
import { exists, readText, writeAtomic } from "../../machine/files.ts";
import { countFiles } from "../../machine/folder.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import { isSystemFile } from "../../machine/sniff-file.ts";
import { withEntry } from "./changelog.ts";
import { type StoredNote, writeNote } from "./note.ts";
import type { RetractOptions } from "./options.ts";
import { REWRITTEN, writeLedger, writeLogs, writeManifest } from "./records.ts";
import type { Taken } from "./taken.ts";

interface About {
  readonly note: StoredNote | undefined;
  /** How many stay. */
  readonly subjects: number;
  readonly stated: RetractOptions;
}

/**
 * Writes the new version into a folder that is to get its name.
 *
 * @returns how many files it has, and what of the dataset was not taken over
 * @throws AppError("internal", "RETRACT_REMAINS") if an id of the person is found in it
 */
export async function writeVersion(
  checked: CheckedDataset,
  dir: string,
  taken: Taken,
  { note, subjects, stated }: About,
): Promise<{ readonly files: number; readonly leftOut: readonly string[] }> {
  const { layout, root } = checked;
  const to = planLayout(dir);
  const { erasure, stay } = taken;
  await copyPairs(layout, to, taken, stated);
  for (const split of SPLITS) {
    const rows = stay.filter((row) => row.split === split);
    await writeCsv(
      to.csv[split],
      COLUMNS,
      rows.map(({ cells }) => cells),
    );
  }
  const ledger = await writeLedger(layout, dir, erasure);
  await copyRemoved(layout, to, ledger.removed, stated);
  await writeLogs(layout, dir, erasure);
  const manifest = await writeManifest(layout, dir, taken, ledger.counts);
  const derivationHash = manifest?.derivationHash ?? null;
  if (note !== undefined)
    await writeNote(
      dir,
      note,
      { version: stated.version, date: stated.date },
      { pairs: stay.length, subjects, derivationHash },
    );
  await writeChangelog(root, dir, taken, stated);
  const { same } = await placesOf(to, erasure);
  if (same.size > 0) throw remains(same.size);
  return { files: await countFiles(dir), leftOut: await leftOutOf(checked, dir) };
}

function remains(count: number) {
  return unexpected("internal", {
    code: "RETRACT_REMAINS",
    expected: "no id of the subject",
    name: "the new version before it gets its name",
    got: `${count} places`,
    hint: "report this; nothing was published",
  });
}

async function copyPairs(from: Layout, to: Layout, { stay }: Taken, options: RetractOptions): Promise<void> {
  for (const modality of MODALITIES) {
    await makeFolders(to.images[modality]);
    for (const name of new Set(stay.map(({ cells }) => cells[`${modality}_image_name`])))
      await copy(imagePath(from, modality, name), imagePath(to, modality, name), options);
  }
}

async function copyRemoved(
  from: Layout,
  to: Layout,
  ids: ReadonlySet<string>,
  options: RetractOptions,
): Promise<void> {
  for (const modality of MODALITIES) {
    const folder = cleanedFolder(from, modality);
    const names = (await exists(folder)) ? (await readdir(folder)).sort() : [];
    const listed = names.filter((name) => ids.has(stemOf(name)));
    if (listed.length > 0) await makeFolders(cleanedFolder(to, modality));
    for (const name of listed)
      await copy(join(folder, name), join(cleanedFolder(to, modality), name), options);
  }
}

async function copy(from: string, to: string, { signal, onFile }: RetractOptions): Promise<void> {
  if (signal?.aborted === true) throw new Interrupted("Stopped; the same command begins again");
  await copyFile(from, to);
  onFile?.();
}

async function writeChangelog(
  root: string,
  dir: string,
  { gone, frames, alike, erasure }: Taken,
  { reason, version, date }: RetractOptions,
): Promise<void> {
  const path = join(root, CHANGELOG);
  const before = (await exists(path)) ? erasure.clean(await readText(path, "a changelog"), true) : undefined;
  const entry = { pairs: gone.length, frames: frames + alike, reason, version, date };
  await writeAtomic(join(dir, CHANGELOG), withEntry(before, entry));
}

/** Entries of the dataset's folder that the new version lacks: made of it, or nobody knows what of. */
async function leftOutOf({ layout, findings }: CheckedDataset, dir: string): Promise<string[]> {
  const own = (await readdir(layout.root)).filter((name) => !isSystemFile(name) && !name.startsWith("."));
  const made = new Set(await readdir(dir));
  const images = findings.filter(({ code }) => code === "IMAGE_ORPHAN").length;
  return [
    ...own.filter((name) => !made.has(name) && !REWRITTEN.includes(name)).sort(),
    ...(images === 0 ? [] : [`${images} images that no row names`]),
    ...(own.includes("removed") && made.has("removed") ? ["images in removed/"] : []),
  ];
}
