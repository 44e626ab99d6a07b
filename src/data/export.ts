// `data export`: a paired dataset in forms that other programs read, and `data import`: the way back without loss.
// Invariant: what was exported and imported again has the same rows and the same image bytes; a hash over all of them
// stands in the export's note and is checked.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unexpected } from "../core/errors.ts";
import { FileNames } from "../core/file-names.ts";
import { writeAtomic } from "../core/files.ts";
import { makeFolder } from "../core/folder.ts";
import { writeCsv } from "../formats/csv.ts";
import { unpackZip } from "./archive.ts";
import { exportCard } from "./export-card.ts";
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
} from "./export-common.ts";
import { readImageFolder, writeImageFolders } from "./export-imagefolder.ts";
import { readParquetShards, writeParquetShards } from "./export-parquet.ts";
import { readTarShards, writeTarShards } from "./export-webdataset.ts";
import { imagePath, locate, placeRemoved, planLayout, REMOVED_FOLDERS } from "./layout.ts";
import { packRemoved } from "./pack.ts";
import { publishRecords } from "./publish.ts";
import { COLUMNS, SPLITS, type Split } from "./record.ts";
import { readPairs } from "./store.ts";

const WRITERS: {
  readonly [K in ExportKind]: (source: PairSource, dir: string, options: ExportOptions) => Promise<string[]>;
} = { parquet: writeParquetShards, webdataset: writeTarShards, imagefolder: writeImageFolders };

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
 * @throws AppError as `readPairs` does, AppError("input", "OUT_EXISTS"), Interrupted after the signal
 * @example await exportDataset("data/pairs", "webdataset", "shards")
 */
export async function exportDataset(
  dir: string,
  kind: ExportKind,
  out: string,
  options: ExportOptions = {},
): Promise<ExportNote> {
  const layout = await locate(dir);
  const pairs = await readPairs(dir);
  options.onTotal?.(SPLITS.reduce((sum, split) => sum + pairs[split].length, 0));
  return await makeFolder(out, async (staging) => {
    const tally = new PairTally();
    const written = await WRITERS[kind](tally.watch(datasetPairs(layout), options), staging, options);
    const { signal, withRemoved = false } = options;
    const removed = withRemoved
      ? await packRemoved(layout, staging, signal === undefined ? {} : { signal })
      : [];
    const records = await publishRecords(layout, staging, undefined);
    const extras = [...records, ...removed.map(({ name }) => name)];
    const result = tally.result();
    await writeAtomic(join(staging, "README.md"), exportCard(kind, result.pairs, removed.length > 0));
    return await writeNote(staging, kind, result, [...written, ...extras, "README.md"]);
  });
}

/**
 * Makes a paired dataset of an export again.
 *
 * @param dir - folder that `exportDataset` wrote, of any kind
 * @param out - new or empty folder; appears whole or not at all
 * @throws AppError("data", "EXPORT_MISSING" | "EXPORT_DAMAGED" | "IMAGE_NAME"), AppError("input", "OUT_EXISTS"),
 *   Interrupted after the signal
 * @example await importDataset("shards", "data/pairs")
 */
export async function importDataset(
  dir: string,
  out: string,
  options: ExportOptions = {},
): Promise<ExportNote> {
  const note = await readNote(dir);
  options.onTotal?.(SPLITS.reduce((sum, split) => sum + note.pairs[split], 0));
  return await makeFolder(out, async (staging) => {
    const tally = new PairTally();
    const source = tally.watch((split) => READERS[note.kind](dir, note, split), options);
    const names = new FileNames();
    for (const split of SPLITS) await writeSplit(staging, split, source, names);
    await copyExtras(dir, staging);
    await unpackRemoved(dir, note, staging);
    checkContent(dir, note, tally.result());
    return note;
  });
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
  for (const folder of Object.values(layout.images)) await mkdir(folder, { recursive: true });
  async function* rows() {
    for await (const { cells, hand, face } of source(split)) {
      checkNames(cells, `${split} of the export`, names);
      await writeFile(imagePath(layout, "hand", cells.hand_image_name), hand);
      await writeFile(imagePath(layout, "face", cells.face_image_name), face);
      yield cells;
    }
  }
  await writeCsv(layout.csv[split], COLUMNS, rows());
}

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
