// `data export`: a paired dataset in forms that other programs read, and `data import`: the way back without loss.
// Invariant: what was exported and imported again has the same rows and the same image bytes; a hash over all of them
// stands in the export's note and is checked.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unexpected } from "../../core/errors.ts";
import { FileNames } from "../../core/file-names.ts";
import { COLUMNS, MODALITIES, SPLITS, type Split } from "../../core/words.ts";
import { readCsv, writeCsv } from "../../formats/csv.ts";
import { unpackZip } from "../../formats/zip/archive.ts";
import { writeAtomic, writing } from "../../machine/files.ts";
import { type Count, countFiles, makeFolder } from "../../machine/folder.ts";
import { withLock } from "../../machine/lock.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import { checkApart } from "../../machine/true-path.ts";
import { imagePath, type Layout, locate, placeRemoved, planLayout, REMOVED_FOLDERS } from "../layout.ts";
import { packRemoved } from "../pack.ts";
import { readPairs } from "../store.ts";
import { exportCard } from "./card.ts";
import {
  checkNames,
  copyExtras,
  datasetPairs,
  type ExportKind,
  type ExportNote,
  type ExportOptions,
  type PairSource,
  PairTally,
  readNote,
  writeNote,
} from "./common.ts";
import { readImageFolder, writeImageFolders } from "./imagefolder.ts";
import { countParquetPairs, readParquetShards, writeParquetShards } from "./parquet.ts";
import { publishRecords } from "./publish.ts";
import { countTarPairs, readTarShards, writeTarShards } from "./webdataset.ts";

const WRITERS: {
  readonly [K in ExportKind]: (source: PairSource, dir: string, options: ExportOptions) => Promise<string[]>;
} = {
  parquet: async (source, dir, options) =>
    (await writeParquetShards(source, dir, options)).map(({ name }) => name),
  webdataset: writeTarShards,
  imagefolder: writeImageFolders,
};

const READERS = {
  parquet: readParquetShards,
  webdataset: readTarShards,
  imagefolder: readImageFolder,
} as const;

/**
 * Writes a dataset in another form, with what stands beside its tables: manifest and ledger, without names and notes of who
 * decided, and only if it is asked for the crops that cleaning took out, as `removed_faces.zip` and `removed_hands.zip`.
 * What a repair put aside (`removed/`) stays behind, and so does where a dataset was fetched from.
 *
 * @param dir - as for `locate`; its rows have to be valid
 * @param out - new or empty folder; appears whole or not at all
 * @throws AppError as `readPairs` does, AppError("input", "OUT_EXISTS" | "OUT_INSIDE" | "LOCKED"), Interrupted after the signal
 * @example await exportDataset("data/pairs", "webdataset", "shards")
 */
export async function exportDataset(
  dir: string,
  kind: ExportKind,
  out: string,
  options: ExportOptions = {},
): Promise<ExportNote> {
  const layout = await locate(dir);
  checkApart(out, [layout.root]);
  return await withLock(out, `the folder ${out}`, async () => {
    const pairs = await readPairs(dir);
    options.onTotal?.(SPLITS.reduce((sum, split) => sum + pairs[split].length, 0));
    return await writeExport(layout, kind, out, options);
  });
}

async function writeExport(
  layout: Layout,
  kind: ExportKind,
  out: string,
  options: ExportOptions,
): Promise<ExportNote> {
  const tally = new PairTally();
  const make = async (staging: string) => {
    const written = await WRITERS[kind](tally.watch(datasetPairs(layout), options), staging, options);
    const { signal, withRemoved = false } = options;
    const removed = withRemoved
      ? await packRemoved(layout, staging, signal === undefined ? {} : { signal })
      : [];
    const records = await publishRecords(layout, staging, undefined);
    const extras = [...records, ...removed.map(({ name }) => name)];
    const result = tally.result();
    await writeAtomic(join(staging, "README.md"), exportCard(kind, result, removed.length > 0));
    return await writeNote(staging, kind, result, [...written, ...extras, "README.md"]);
  };
  return await makeFolder(out, make, {
    count: (staging, note) => countExport(staging, note, tally.images),
  });
}

/** Pairs as they can be read again, and all files: those of the note, the note, and single images. */
async function countExport(dir: string, note: ExportNote, images: number): Promise<Count[]> {
  const files = Object.keys(note.files).length + 1 + (note.kind === "imagefolder" ? images : 0);
  const counts: Count[] = [{ what: "files", made: files, found: await countFiles(dir) }];
  if (note.kind === "imagefolder") return counts;
  const count = note.kind === "parquet" ? countParquetPairs : countTarPairs;
  for (const split of SPLITS) {
    const found = await count(dir, note, split);
    counts.push({ what: `pairs of ${split}`, made: note.pairs[split], found });
  }
  return counts;
}

/**
 * Makes a paired dataset of an export again.
 *
 * @param dir - folder that `exportDataset` wrote, of any kind
 * @param out - new or empty folder; appears whole or not at all
 * @throws AppError("data", "EXPORT_MISSING" | "EXPORT_DAMAGED" | "IMAGE_NAME"),
 *   AppError("input", "OUT_EXISTS" | "OUT_INSIDE" | "LOCKED"), Interrupted after the signal
 * @example await importDataset("shards", "data/pairs")
 */
export async function importDataset(
  dir: string,
  out: string,
  options: ExportOptions = {},
): Promise<ExportNote> {
  checkApart(out, [dir]);
  return await withLock(out, `the folder ${out}`, async () => {
    const note = await readNote(dir);
    options.onTotal?.(SPLITS.reduce((sum, split) => sum + note.pairs[split], 0));
    return await makeFolder(out, (staging) => readExport(dir, note, staging, options), { count: countPairs });
  });
}

async function readExport(
  dir: string,
  note: ExportNote,
  staging: string,
  options: ExportOptions,
): Promise<ExportNote> {
  const tally = new PairTally();
  const source = tally.watch((split) => READERS[note.kind](dir, note, split), options);
  const names = new FileNames();
  for (const split of SPLITS) await writeSplit(staging, split, source, names);
  await copyExtras(dir, staging);
  await unpackRemoved(dir, note, staging);
  checkContent(dir, note, tally.result());
  return note;
}

/** Rows of the tables as they can be read again, and the images that they name; two rows may name one. */
async function countPairs(root: string, note: ExportNote): Promise<Count[]> {
  const layout = planLayout(root);
  const images = { hand: new Set<string>(), face: new Set<string>() };
  const counts: Count[] = [];
  for (const split of SPLITS) {
    let found = 0;
    for await (const { values } of readCsv(layout.csv[split], COLUMNS)) {
      found++;
      for (const modality of MODALITIES) images[modality].add(values[`${modality}_image_name`]);
    }
    counts.push({ what: `rows of ${split}.csv`, made: note.pairs[split], found });
  }
  for (const modality of MODALITIES) {
    const found = await countFiles(layout.images[modality]);
    counts.push({ what: `${modality} images`, made: images[modality].size, found });
  }
  return counts;
}

/** Back to the folders that packRemoved packed; their archives' hashes stand in the note. */
async function unpackRemoved(dir: string, note: ExportNote, root: string): Promise<void> {
  for (const folder of Object.values(REMOVED_FOLDERS)) {
    const name = `${folder}.zip`;
    if (note.files[name] === undefined) continue;
    await unpackZip(join(dir, name), join(root, folder), { place: placeRemoved(folder) });
  }
}

async function writeSplit(root: string, split: Split, source: PairSource, names: FileNames): Promise<void> {
  const layout = planLayout(root);
  for (const folder of Object.values(layout.images)) await makeFolders(folder);
  async function* rows() {
    for await (const { cells, hand, face } of source(split)) {
      checkNames(cells, `${split} of the export`, names);
      await write(imagePath(layout, "hand", cells.hand_image_name), hand);
      await write(imagePath(layout, "face", cells.face_image_name), face);
      yield cells;
    }
  }
  await writeCsv(layout.csv[split], COLUMNS, rows());
}

const write = (path: string, bytes: Uint8Array) => writing(path, () => writeFile(path, bytes));

function checkContent(dir: string, note: ExportNote, got: Pick<ExportNote, "pairs" | "content">): void {
  for (const split of SPLITS) {
    if (got.content[split] === note.content[split] && got.pairs[split] === note.pairs[split]) continue;
    throw unexpected("data", {
      code: "EXPORT_DAMAGED",
      expected: `${note.pairs[split]} pairs with SHA-256 ${note.content[split]}`,
      name: `${split} of ${dir}`,
      got: `${got.pairs[split]} pairs with ${got.content[split]}`,
      hint: "export or fetch it again",
    });
  }
}
