// What a staged dataset contains, counted from its files: the last check before it gets its name.
// Source: our own. Invariant: every number comes from what lies on the disk, none from notes made on the way.
import { join } from "node:path";
import { COLUMNS, MODALITIES, type Modality, SPLITS } from "../../core/words.ts";
import { cleanedFolder } from "../../dataset/layout.ts";
import type { Manifest } from "../../dataset/manifest.ts";
import { readCsv, readRecords } from "../../formats/csv.ts";
import { countRows } from "../../formats/parquet/rows.ts";
import { exists, sha256File } from "../../machine/files.ts";
import { type Count, countFiles } from "../../machine/folder.ts";
import { readJournal } from "../../machine/journal.ts";
import { FRAMES } from "./journal.ts";
import type { Stage } from "./stage.ts";

type Counted = Pick<Stage, "root" | "layout" | "journal">;

/**
 * Counts a dataset whose manifest is written: rows against the manifest, images against rows and journal, the ledger
 * against frames, tables against their hashes.
 */
export async function countDataset(
  { root, layout, journal }: Counted,
  { counts, files }: Manifest,
): Promise<Count[]> {
  const all: Count[] = [];
  let pairs = 0;
  for (const split of SPLITS) {
    let found = 0;
    for await (const _ of readCsv(layout.csv[split], COLUMNS)) found++;
    all.push({ what: `rows of ${split}.csv`, made: counts.pairs[split], found });
    pairs += found;
  }
  let lines = -1; // the header
  for await (const _ of readRecords(layout.ledger)) lines++;
  all.push({ what: "rows of ledger.csv", made: counts.frames, found: lines });
  const rows = await countRows(layout.ledgerParquet);
  all.push({ what: "rows of ledger.parquet", made: counts.frames, found: rows });
  for (const modality of MODALITIES) {
    all.push({ what: `${modality} images`, made: pairs, found: await countFiles(layout.images[modality]) });
  }
  let same = 0;
  for (const [name, hash] of Object.entries(files)) if ((await sha256File(join(root, name))) === hash) same++;
  all.push({ what: "tables with the manifest's hashes", made: Object.keys(files).length, found: same });
  if (await exists(journal)) all.push(...(await countJournal({ layout, journal }, counts.frames, pairs)));
  return all;
}

async function countJournal(
  { layout, journal }: Pick<Counted, "layout" | "journal">,
  frames: number,
  pairs: number,
): Promise<Count[]> {
  const { lines, crops } = await journalCounts(journal);
  const all: Count[] = [{ what: "frames in the journal", made: frames, found: lines }];
  for (const modality of MODALITIES) {
    const found = await countFiles(cleanedFolder(layout, modality));
    all.push({ what: `${modality} crops that were taken out`, made: crops[modality] - pairs, found });
  }
  return all;
}

/** Crops of a shard on the disk, beside those of its journal. */
export async function countShard({ layout, journal }: Counted): Promise<Count[]> {
  const { crops } = await journalCounts(journal);
  const count = async (modality: Modality) => ({
    what: `${modality} crops`,
    made: crops[modality],
    found: await countFiles(layout.images[modality]),
  });
  return Promise.all(MODALITIES.map(count));
}

async function journalCounts(path: string) {
  const crops: Record<Modality, number> = { hand: 0, face: 0 };
  let lines = 0;
  for await (const result of readJournal(path, FRAMES)) {
    lines++;
    for (const modality of result.crops ?? []) crops[modality]++;
  }
  return { lines, crops };
}
