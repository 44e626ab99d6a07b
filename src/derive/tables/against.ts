// Which val and test subjects of a dataset stand in HaGRID's own training lists.
// Source: HaGRID's annotation files, streamed: memory grows with the dataset, not with them.
// A subject is matched by user_id, a picture by its id; models pretrained on HaGRID's training list have seen both.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { AppError, isNotFound } from "../../core/errors.ts";
import { accept } from "../../core/spelling.ts";
import { subjectKey } from "../../core/subject.ts";
import { SPLITS, type Split } from "../../core/words.ts";
import { type Finding, finding } from "../../dataset/check/findings.ts";
import type { ScannedRow } from "../../dataset/check/tables.ts";
import { stemOf } from "../../dataset/check/tables.ts";
import { isSystemFile, unpackHint } from "../../machine/sniff-file.ts";
import { streamEntries } from "../hagrid/records.ts";

/** A dataset's overlap with HaGRID's lists. */
export interface AgainstReport {
  /** Annotation files and records that were read, by HaGRID's split. */
  readonly read: Readonly<Record<Split, { readonly files: number; readonly records: number }>>;
  /** Pairs of the dataset whose picture, and whose subject, stands in each of HaGRID's lists, by our split. */
  readonly matches: Readonly<Record<Split, Readonly<Record<Split, { images: number; subjects: number }>>>>;
  readonly findings: readonly Finding[];
}

/** How a comparison is watched. */
export interface AgainstOptions {
  /** Called after each record. */
  readonly onRecord?: (() => void) | undefined;
}

/** Where each picture and each subject of the dataset stands in HaGRID. */
class Matches {
  readonly images = new Map<string, { split: Split; userId: string }[]>();
  readonly subjects = new Map<string, Set<Split>>();

  constructor(rows: readonly ScannedRow[]) {
    for (const { cells } of rows) {
      for (const id of imageIds(cells)) this.images.set(id, []);
      this.subjects.set(cells.user_id, new Set());
    }
  }

  see(split: Split, imageId: string, userId: string): void {
    this.images.get(imageKey(imageId))?.push({ split, userId });
    this.subjects.get(userId)?.add(split);
  }
}

/** The pair's own id and the id in its file name: published sets number their pairs anew. */
const imageIds = ({ id, hand_image_name: image }: ScannedRow["cells"]) => [
  ...new Set([id, stemOf(image)].map(imageKey)),
];

/** UUIDs, in either case. */
const imageKey = (id: string) => id.toLowerCase();

/**
 * Compares a dataset with HaGRID's lists.
 *
 * @param rows - of scanTables or checkDataset
 * @param dir - HaGRID's folder, or its folder `annotations`
 * @throws AppError("data", "ANNOTATIONS_MISSING" | "JSON_SYNTAX"), and the fault's code of a record whose
 *   `user_id` is absent or not legible
 * @example await checkAgainst((await checkDataset("data/pairs")).rows, "hagrid")
 */
export async function checkAgainst(
  rows: readonly ScannedRow[],
  dir: string,
  options: AgainstOptions = {},
): Promise<AgainstReport> {
  const found = new Matches(rows);
  const read = emptyCounts(() => ({ files: 0, records: 0 }));
  for (const { split, file } of await listAnnotations(dir)) {
    read[split].files++;
    for await (const { key, value } of streamEntries(file, "HaGRID annotations")) {
      read[split].records++;
      found.see(split, key, userIdOf(value, `${file}: ${key}`));
      options.onRecord?.();
    }
  }
  return {
    read,
    matches: countMatches(rows, found),
    findings: rows.flatMap((row) => rowFindings(row, found)),
  };
}

/** A record without its person could be anybody's: "nobody was found" would rest on it. */
function userIdOf(value: unknown, where: string): string {
  const has = typeof value === "object" && value !== null && "user_id" in value;
  const got = has && typeof value.user_id === "string" ? value.user_id : "";
  return accept(subjectKey(got), { name: "field user_id", got, where });
}

const emptyCounts = <T>(of: () => T): Record<Split, T> => ({ train: of(), val: of(), test: of() });

function countMatches(rows: readonly ScannedRow[], found: Matches): AgainstReport["matches"] {
  const subjects = emptyCounts(() => emptyCounts(() => new Set<string>()));
  const images = emptyCounts(() => emptyCounts(() => 0));
  for (const { split, cells } of rows) {
    for (const theirs of SPLITS) {
      if (found.subjects.get(cells.user_id)!.has(theirs)) subjects[split][theirs].add(cells.user_id);
      if (imageIds(cells).some((id) => found.images.get(id)!.some((at) => at.split === theirs)))
        images[split][theirs]++;
    }
  }
  const cell = (ours: Split, theirs: Split) => ({
    images: images[ours][theirs],
    subjects: subjects[ours][theirs].size,
  });
  const line = (ours: Split) => ({
    train: cell(ours, "train"),
    val: cell(ours, "val"),
    test: cell(ours, "test"),
  });
  return { train: line("train"), val: line("val"), test: line("test") };
}

function rowFindings({ split, place, cells }: ScannedRow, found: Matches): Finding[] {
  const at = imageIds(cells).flatMap((id) => found.images.get(id)!);
  const out: Finding[] = [];
  const pictured = at.some((one) => one.split === "train");
  if (split !== "train" && (pictured || found.subjects.get(cells.user_id)!.has("train"))) {
    const expected = `a ${split} subject outside HaGRID's training list`;
    const got = pictured ? "one whose picture stands there" : "one who stands there";
    out.push(finding("HAGRID_TRAIN", place, { expected, name: `subject ${cells.user_id}`, got }));
  }
  const other = at.find((one) => one.userId !== cells.user_id);
  if (other !== undefined) {
    const e = { expected: `HaGRID's ${other.userId}`, name: "column user_id", got: cells.user_id };
    out.push(finding("HAGRID_SUBJECT", place, e));
  }
  return out;
}

async function listAnnotations(dir: string): Promise<{ split: Split; file: string }[]> {
  const out: { split: Split; file: string }[] = [];
  for (const root of [join(dir, "annotations"), dir]) {
    for (const split of SPLITS) {
      const names = await listFolder(join(root, split));
      for (const name of names.filter((one) => one.endsWith(".json") && !isSystemFile(one)).sort()) {
        out.push({ split, file: join(root, split, name) });
      }
    }
    if (out.length > 0) return out;
  }
  const message = `Expected <split>/<gesture>.json in ${dir}, or in its folder annotations, got none`;
  const hint = await unpackHint(dir, "give HaGRID's folder, with its annotations unpacked in it");
  throw new AppError("data", "ANNOTATIONS_MISSING", message, { hint });
}

async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
