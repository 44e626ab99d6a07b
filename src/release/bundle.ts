// `release bundle`: everything that is needed to publish a dataset, in one folder.
// Source of the layout: UnifiedGenderNet's release (aligned_dataset.zip and three CSVs side by side).
// Invariants: the same dataset and statements give the same bytes; nothing is published that the tables, the ledger or
// this list do not name; what the check finds serious is not published.
import { copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { MODALITIES, SPLITS } from "../core/words.ts";
import type { CheckedDataset } from "../dataset/check/check.ts";
import { PairTally } from "../dataset/export/common.ts";
import { countParquetPairs, writeParquetShards } from "../dataset/export/parquet.ts";
import { publishedPairs, publishRecords, publishTables } from "../dataset/export/publish.ts";
import { CHANGELOG, imagePath, isShard } from "../dataset/layout.ts";
import { countRemoved, type PackEntry, type PackOptions, packFiles, packRemoved } from "../dataset/pack.ts";
import type { Pseudonyms } from "../dataset/pseudonyms.ts";
import { readCsvHeader } from "../formats/csv.ts";
import { eachEntry } from "../formats/zip/archive-entries.ts";
import { exists, sha256File, writeAtomic, writeJson } from "../machine/files.ts";
import { type Count, countFiles, makeFolder } from "../machine/folder.ts";
import { checkApart } from "../machine/true-path.ts";
import { type Losses, ledgerLosses } from "../report/ledger/losses.ts";
import { checkAnswers } from "./answers.ts";
import { cardFiles } from "./card-files.ts";
import { type BundleFile, croissant } from "./croissant.ts";
import { type CroissantDocument, checkCroissant } from "./croissant-schema.ts";
import { datasetCard } from "./dataset-card.ts";
import { datasheet } from "./datasheet.ts";
import { type DatasetFacts, datasetFacts, type ReleaseInfo } from "./facts.ts";
import { dataLicenceText, LICENCE_TEXTS } from "./licence.ts";
import { readNote } from "./retract/note.ts";

/** What a bundle states about itself. */
export interface BundleNote {
  readonly format: "facehand-bundle/1";
  readonly info: Omit<ReleaseInfo, "rai" | "answers">;
  /** Version of facehand that made it. */
  readonly madeBy: string;
  readonly pairs: number;
  readonly subjects: number;
  /** Null for datasets without a manifest. */
  readonly recipeHash: string | null;
  readonly derivationHash: string | null;
  /** True if keyed hashes stand for the ids of subjects, pairs and frames. */
  readonly hashedIds: boolean;
  /** Crops that cleaning took out, and that are not published. */
  readonly withoutRemoved: number;
  /** Parquet shards, which hold the pairs once more, as `datasets.load_dataset` and the hub's viewer read them. */
  readonly shards: number;
}

/** How a bundle is written. */
export interface BundleOptions extends PackOptions {
  /** Publishes the crops that cleaning took out; default false. */
  readonly withRemoved?: boolean | undefined;
  /** Also writes the pairs as Parquet shards, which takes about the room of the archive once more; default true. */
  readonly parquet?: boolean | undefined;
  /** Bytes after which a new shard is begun; default 256 MiB. */
  readonly shardBytes?: number | undefined;
  /** Version of facehand, for the note and the metadata. */
  readonly madeBy: string;
}

/**
 * Refuses a dataset that should not be published as it is.
 *
 * @throws AppError("data", "BUNDLE_CHECK") after serious findings, AppError("data", "BUNDLE_UNLISTED") for files that
 *   nothing names: they may be a person's
 */
export function checkPublishable({ root, totals, findings }: CheckedDataset): void {
  if (totals.serious > 0) {
    const message = `Expected no serious findings in ${root}, got ${totals.serious}: ${findings[0]!.message}`;
    throw new AppError("data", "BUNDLE_CHECK", message, { hint: `facehand data check ${root}` });
  }
  const unlisted = findings.filter(({ code }) => code === "IMAGE_ORPHAN" || code === "FILE_UNKNOWN");
  if (unlisted.length === 0) return;
  const message = `Expected only files that the dataset's tables and ledger name, got ${unlisted.length} others: ${unlisted[0]!.file}`;
  throw new AppError("data", "BUNDLE_UNLISTED", message, {
    hint: `move them out; facehand data repair ${root} --apply does so with images, into removed/, which is not published`,
  });
}

/** Images of the pairs, as they lie in aligned_dataset.zip. */
function alignedEntries({ layout, rows }: CheckedDataset, pseudonyms?: Pseudonyms): PackEntry[] {
  return MODALITIES.flatMap((modality) =>
    rows.map(({ cells }) => {
      const name = cells[`${modality}_image_name`];
      const published = pseudonyms?.file(name) ?? name;
      return { name: `aligned_dataset/${modality}s/${published}`, path: imagePath(layout, modality, name) };
    }),
  );
}

/**
 * Writes a bundle.
 *
 * @param checked - of checkDataset
 * @param out - new or empty folder; appears whole or not at all
 * @throws as checkPublishable and packFiles, AppError("input", "OUT_EXISTS" | "OUT_INSIDE" | "LOCKED"), Interrupted
 *   after the signal
 * @example await writeBundle(await checkDataset("data/pairs"), info, "release", { madeBy: "0.1.0" })
 */
export async function writeBundle(
  checked: CheckedDataset,
  info: ReleaseInfo,
  out: string,
  options: BundleOptions,
): Promise<BundleNote> {
  checkApart(out, [checked.root]);
  checkPublishable(checked);
  const facts = await datasetFacts(checked);
  checkAnswers(info, facts);
  let files: BundleFile[] = [];
  const make = async (dir: string) => {
    files = [
      ...(await describeAll(dir, await publishTables(checked, dir, options.pseudonyms))),
      ...(await packImages(checked, dir, options)),
      ...(await writeShards(checked, dir, options)),
      ...(await describeAll(dir, await publishRecords(checked.layout, dir, options.pseudonyms))),
    ];
    const shards = files.filter(({ name }) => isShard(name)).length;
    const { sizes, content } = await cardFiles(checked, options.pseudonyms);
    const document = croissant(info, facts, files, options.madeBy);
    await writeJson(join(dir, "croissant.json"), checkCroissant(document));
    await writeAtomic(
      join(dir, "README.md"),
      datasetCard(info, facts, { sizes: shards === 0 ? undefined : sizes, content }),
    );
    await writeAtomic(join(dir, "DATASHEET.md"), datasheet(info, facts, await lossesOf(checked)));
    await writeAtomic(join(dir, "DATA-LICENSE.md"), dataLicenceText());
    await writeAtomic(join(dir, "ATTRIBUTION.txt"), attribution(info));
    const withoutRemoved = options.withRemoved === true ? 0 : await countRemoved(checked.layout);
    const wasHashed = (await readNote(checked.root))?.hashedIds === true; // fetched as a bundle of hashed ids
    const ownNote = noteOf(info, facts, options);
    const note = { ...ownNote, hashedIds: ownNote.hashedIds || wasHashed, withoutRemoved, shards };
    await writeJson(join(dir, "release.json"), note);
    const written = [
      "croissant.json",
      "README.md",
      "DATASHEET.md",
      "DATA-LICENSE.md",
      "ATTRIBUTION.txt",
      "release.json",
    ];
    const changelog = join(checked.root, CHANGELOG);
    if (await exists(changelog)) {
      await copyFile(changelog, join(dir, CHANGELOG));
      written.push(CHANGELOG);
    }
    for (const name of written) files.push(await describe(dir, name));
    await writeAtomic(join(dir, "SHA256SUMS"), sums(files));
    return note;
  };
  return await makeFolder(out, make, { count: (dir) => countBundle(dir, checked, files) });
}

/** Of ledgers that other programs wrote without subjects there are none. */
async function lossesOf({ layout }: CheckedDataset): Promise<Losses | undefined> {
  if (!(await exists(layout.ledger))) return undefined;
  return (await readCsvHeader(layout.ledger)).includes("user_id")
    ? await ledgerLosses(layout.ledger)
    : undefined;
}

/** Files that SHA256SUMS names, and it; images of the archive as it can be read again. */
async function countBundle(
  dir: string,
  { rows }: CheckedDataset,
  files: readonly BundleFile[],
): Promise<Count[]> {
  let images = 0;
  await eachEntry(join(dir, IMAGES_ZIP), async () => void images++);
  return [
    { what: "files", made: files.length + 1, found: await countFiles(dir) },
    { what: `images in ${IMAGES_ZIP}`, made: MODALITIES.length * rows.length, found: images },
    ...(await countShards(dir, rows, files)),
  ];
}

/** Pairs of the shards as they can be read again. */
async function countShards(
  dir: string,
  rows: CheckedDataset["rows"],
  files: readonly BundleFile[],
): Promise<Count[]> {
  const shards = Object.fromEntries(
    files.flatMap(({ name, sha256 }) => (isShard(name) ? [[name, sha256]] : [])),
  );
  if (Object.keys(shards).length === 0) return [];
  const counts: Count[] = [];
  for (const split of SPLITS) {
    const made = rows.filter((row) => row.split === split).length;
    const found = await countParquetPairs(dir, { files: shards }, split);
    counts.push({ what: `pairs of ${split} in shards`, made, found });
  }
  return counts;
}

/** The pairs as Parquet shards; into no folder to learn their names, sizes and hashes only. */
async function writeShards(
  checked: CheckedDataset,
  dir: string | undefined,
  { parquet = true, shardBytes, pseudonyms, onFile, signal }: Omit<BundleOptions, "madeBy">,
): Promise<BundleFile[]> {
  if (!parquet) return [];
  const onPair = () => {
    for (const _ of MODALITIES) onFile?.();
  };
  const pairs = new PairTally().watch(publishedPairs(checked, pseudonyms), { signal, onPair });
  return await writeParquetShards(pairs, dir, { shardBytes });
}

const IMAGES_ZIP = "aligned_dataset.zip";

async function packImages(
  checked: CheckedDataset,
  dir: string,
  options: BundleOptions,
): Promise<BundleFile[]> {
  const out: BundleFile[] = [];
  const name = IMAGES_ZIP;
  const entries = alignedEntries(checked, options.pseudonyms);
  out.push({ name, ...(await packFiles(entries, join(dir, name), options)) });
  if (options.withRemoved === true) out.push(...(await packRemoved(checked.layout, dir, options)));
  return out;
}

async function describeAll(dir: string, names: readonly string[]): Promise<BundleFile[]> {
  const out: BundleFile[] = [];
  for (const name of names) out.push(await describe(dir, name));
  return out;
}

async function describe(dir: string, name: string): Promise<BundleFile> {
  const path = join(dir, name);
  return { name, sizeBytes: await sizeOf(path), sha256: await sha256File(path) };
}

const sizeOf = async (path: string) => (await stat(path)).size;

/** As `sha256sum -c` reads them. */
function sums(files: readonly BundleFile[]): string {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
}

/** Whom to name, as the licence asks. */
export function attribution({ name, version, creator, licence, url }: ReleaseInfo): string {
  const { attribution: text, name: terms, url: link } = LICENCE_TEXTS[licence];
  return `${name} ${version}, by ${creator} (${url})\n\n${text}\n\nLicence: ${terms} (${link})\n`;
}

function noteOf(
  { rai: _rai, answers: _answers, ...info }: ReleaseInfo,
  { pairs, subjects, manifest }: DatasetFacts,
  { madeBy, pseudonyms }: BundleOptions,
): Omit<BundleNote, "withoutRemoved" | "shards"> {
  return {
    format: "facehand-bundle/1",
    info,
    madeBy,
    pairs,
    subjects,
    recipeHash: manifest?.recipeHash ?? null,
    derivationHash: manifest?.derivationHash ?? null,
    hashedIds: pseudonyms !== undefined,
  };
}

/**
 * The Croissant document that a bundle of this dataset would contain; archive and shards are made for their hashes, and written nowhere.
 *
 * @throws as writeBundle
 */
export async function croissantOf(
  checked: CheckedDataset,
  info: ReleaseInfo,
  options: Partial<Omit<BundleOptions, "withRemoved" | "pseudonyms">> = {},
): Promise<CroissantDocument> {
  checkPublishable(checked);
  const facts = await datasetFacts(checked);
  checkAnswers(info, facts);
  const files: BundleFile[] = [];
  for (const split of SPLITS) {
    const path = checked.layout.csv[split];
    files.push({ name: `${split}.csv`, sizeBytes: await sizeOf(path), sha256: await sha256File(path) });
  }
  const images = await packFiles(alignedEntries(checked), undefined, options);
  const shards = await writeShards(checked, undefined, options);
  const all = [...files, { name: IMAGES_ZIP, ...images }, ...shards];
  return checkCroissant(croissant(info, facts, all, options.madeBy));
}
