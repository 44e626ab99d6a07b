// What all exports share: the pairs as a stream, the note of what an export holds, and the same way back.
// Invariants: cells are those of the CSVs, character by character; image files are taken as they are, byte by byte;
// memory is bounded by the rows of one table (text) and a few images.
import { createHash } from "node:crypto";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AppError, Interrupted, unexpected } from "../../core/errors.ts";
import { FileNames } from "../../core/file-names.ts";
import { COLUMNS, type Modality, SPLITS, type Split } from "../../core/words.ts";
import { readCsv } from "../../formats/csv.ts";
import { exists, readBytes, readJson, sha256, sha256File, writeJson } from "../../machine/files.ts";
import { mapOrdered } from "../../machine/pool.ts";
import { placeBelow } from "../../machine/true-path.ts";
import { type Cells, isImageName } from "../check/tables.ts";
import { DATASET_FILES, imagePath, type Layout } from "../layout.ts";

/** Parquet and image folders as Hugging Face has them, tar shards as WebDataset has them. */
export const EXPORT_KINDS = ["parquet", "webdataset", "imagefolder"] as const;
/** A form that other programs read. */
export type ExportKind = (typeof EXPORT_KINDS)[number];

/** Hugging Face's names of the splits. */
export const HUB_SPLITS = { train: "train", val: "validation", test: "test" } as const;

/** One pair with the bytes of its two image files. */
export interface ExportedPair {
  readonly split: Split;
  readonly cells: Cells;
  readonly hand: Uint8Array;
  readonly face: Uint8Array;
}

/** Where the pairs of a split come from, in the order of its table. */
export type PairSource = (split: Split) => AsyncIterable<ExportedPair>;

export const EXPORT_NOTE = "facehand-export.json";
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().min(0);
/** Parquet and image folders of this version called the pictures `hand` and `face`; later ones have `hand_image` and `face_image`. */
export const FIRST_EXPORT_FORMAT = "facehand-export/1";
const EXPORT_FORMAT = "facehand-export/2";
const noteSchema = z.strictObject({
  format: z.enum([EXPORT_FORMAT, FIRST_EXPORT_FORMAT]),
  kind: z.enum(EXPORT_KINDS),
  note: z.string(),
  pairs: z.strictObject({ train: count, val: count, test: count }),
  /** SHA-256 over rows and images of each split in order, whatever they are stored as. */
  content: z.strictObject({ train: hash, val: hash, test: hash }),
  /** SHA-256 of every file but the single images of an imagefolder. */
  files: z.record(z.string(), hash),
});

/** What an export records about itself. */
export type ExportNote = z.output<typeof noteSchema>;

/** Size of shards, and who gets its progress. */
export interface ExportOptions {
  /** Bytes after which a new shard is begun; default 256 MiB. */
  readonly shardBytes?: number | undefined;
  /** Also takes the crops that cleaning took out; default false. */
  readonly withRemoved?: boolean | undefined;
  /** Called once with the number of pairs. */
  readonly onTotal?: ((pairs: number) => void) | undefined;
  /** Called after each pair. */
  readonly onPair?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const SHARD_BYTES = 256 * 1024 * 1024;

/** The pairs of a dataset, images read a few at a time. */
export function datasetPairs(layout: Layout): PairSource {
  return (split) => mapOrdered(tableRows(layout, split), 4, (cells) => readPair(layout, split, cells));
}

/** One row with its images. */
export async function readPair(layout: Layout, split: Split, cells: Cells): Promise<ExportedPair> {
  const read = (modality: Modality) =>
    readBytes(imagePath(layout, modality, cells[`${modality}_image_name`]), "an image");
  return { split, cells, hand: await read("hand"), face: await read("face") };
}

async function* tableRows(layout: Layout, split: Split): AsyncGenerator<Cells> {
  for await (const { values } of readCsv(layout.csv[split], COLUMNS)) yield values;
}

/** Counts and hashes pairs on their way. */
export class PairTally {
  readonly #hashes = bySplit(() => createHash("sha256"));
  readonly #images = new Set<string>();
  readonly #counts = bySplit(() => 0);

  /** The same pairs, seen. */
  watch(source: PairSource, { onPair, signal }: ExportOptions): PairSource {
    const tally = this;
    return async function* (split) {
      for await (const pair of source(split)) {
        if (signal?.aborted === true)
          throw new Interrupted("Stopped; nothing was left, the same command begins again");
        tally.#add(pair);
        yield pair;
        onPair?.();
      }
    };
  }

  #add({ split, cells, hand, face }: ExportedPair): void {
    const row = COLUMNS.map((column) => cells[column]);
    this.#hashes[split].update(`${JSON.stringify([row, sha256(hand), sha256(face)])}\n`);
    this.#counts[split]++;
    this.#images.add(`${split}/H/${cells.hand_image_name}`).add(`${split}/F/${cells.face_image_name}`);
  }

  /** Files of images, if each split has folders of its own: two rows may name one. */
  get images(): number {
    return this.#images.size;
  }

  /** What the note of an export holds; call it once, at the end. */
  result(): Pick<ExportNote, "pairs" | "content"> {
    const hashes = this.#hashes;
    return {
      pairs: { ...this.#counts },
      content: bySplit((split) => hashes[split].digest("hex")),
    };
  }
}

function bySplit<T>(of: (split: Split) => T): Record<Split, T> {
  return { train: of("train"), val: of("val"), test: of("test") };
}

/**
 * Refuses names that could lead out of a folder, or that some system takes for an earlier one: exports may come from others.
 *
 * @param before - names of the rows before
 * @throws AppError("data", "IMAGE_NAME")
 */
export function checkNames(cells: Cells, where: string, before = new FileNames()): Cells {
  for (const column of ["hand_image_name", "face_image_name"] as const) {
    const name = cells[column];
    const clash = before.clash(name);
    const twin = clash === name ? undefined : clash; // rows may share an image
    if (twin === undefined && isImageName(column, cells[column])) continue;
    const apart = `names that every system keeps apart (there is ${twin} before)`;
    const expected = twin === undefined ? "the file name of an image, without folders" : apart;
    throw unexpected("data", { code: "IMAGE_NAME", expected, name: column, got: cells[column], where });
  }
  return cells;
}

/** Copies what stands beside the tables of an export (manifest, ledger) into the dataset that is made of it. */
export async function copyExtras(from: string, to: string): Promise<string[]> {
  const tables: readonly string[] = SPLITS.map((split) => `${split}.csv`);
  const copied: string[] = [];
  for (const name of DATASET_FILES) {
    const path = placeBelow(from, name, from);
    if (tables.includes(name) || !(await exists(path))) continue;
    await copyFile(path, join(to, name));
    copied.push(name);
  }
  return copied;
}

/** Writes the note of an export whose files are written. */
export async function writeNote(
  dir: string,
  kind: ExportKind,
  tally: Pick<ExportNote, "pairs" | "content">,
  names: readonly string[],
): Promise<ExportNote> {
  const files: Record<string, string> = {};
  for (const name of [...names].sort()) files[name] = await sha256File(join(dir, name));
  const note = {
    format: EXPORT_FORMAT,
    kind,
    note: "gender is an apparent label, recorded by machines or annotators from pictures; it is not identity",
    ...tally,
    files,
  } as const;
  await writeJson(join(dir, EXPORT_NOTE), note);
  return note;
}

/**
 * The note of an export, once all files that it names are there and whole.
 *
 * @throws AppError("data", "EXPORT_MISSING" | "EXPORT_DAMAGED" | "PATH_OUTSIDE")
 */
export async function readNote(dir: string): Promise<ExportNote> {
  const path = join(dir, EXPORT_NOTE);
  if (!(await exists(path))) {
    const message = `Expected ${EXPORT_NOTE} in ${dir}, got no such file`;
    throw new AppError("data", "EXPORT_MISSING", message, { hint: "give a folder that data export wrote" });
  }
  const note = await readJson(path, noteSchema, "the note of an export");
  for (const [name, expected] of Object.entries(note.files)) {
    const file = placeBelow(dir, name, path);
    const got = (await exists(file)) ? await sha256File(file) : "no such file";
    if (got === expected) continue;
    throw unexpected("data", {
      code: "EXPORT_DAMAGED",
      expected: `SHA-256 ${expected}`,
      name: file,
      got,
      hint: "export or fetch it again",
    });
  }
  return note;
}

/** Groups the names of shards by split: `train-00000-of-00002.parquet`, `validation-000000.tar`. */
export function shardsOf(note: Pick<ExportNote, "files">, split: Split, ending: string): string[] {
  const pattern = new RegExp(`(^|/)${HUB_SPLITS[split]}-[^/]*\\.${ending}$`);
  return Object.keys(note.files)
    .filter((name) => pattern.test(name))
    .sort();
}
