// What `facehand data show` prints about a paired dataset: counts by split, first rows, the first pair's files.
// Source: the published dataset's "Minimal usage example"; classes, subjects and gestures are added.
// `gender` is an apparent label recorded by machines or annotators; every rendering states that.

import { visible } from "../core/visible.ts";
import { SEXES, type Sex } from "../core/vocabulary.ts";
import { COLUMNS, type Pair, SPLITS, type Split } from "../core/words.ts";
import { imagePath, locate } from "./layout.ts";
import { readPairs } from "./store.ts";

export const LABEL_NOTE =
  "gender is an apparent label, recorded by machines or annotators from pictures; it is not identity";

/** What one split holds. */
export interface SplitSummary {
  readonly pairs: number;
  readonly subjects: number;
  readonly classes: Readonly<Record<Sex, number>>;
  /** Pairs by HaGRID gesture, most frequent first. */
  readonly gestures: Readonly<Record<string, number>>;
}

/** Counts and examples of a paired dataset. */
export interface ShowSummary {
  /** Absolute path of the dataset. */
  readonly root: string;
  readonly note: string;
  readonly splits: Readonly<Record<Split, SplitSummary>>;
  readonly total: SplitSummary;
  /** First rows of the training split. */
  readonly head: readonly Pair[];
  /** Files of the first training pair; null if that split is empty. */
  readonly first: { readonly hand: string; readonly face: string } | null;
}

/**
 * Summary of a paired dataset.
 *
 * @param dir - as for `locate`
 * @param rows - how many first rows to give
 * @example (await showDataset("data")).splits.train.pairs
 */
export async function showDataset(dir: string, rows = 5): Promise<ShowSummary> {
  const layout = await locate(dir);
  const pairs = await readPairs(dir);
  const [first] = pairs.train;
  return {
    root: layout.root,
    note: LABEL_NOTE,
    splits: { train: summarise(pairs.train), val: summarise(pairs.val), test: summarise(pairs.test) },
    total: summarise([...pairs.train, ...pairs.val, ...pairs.test]),
    head: pairs.train.slice(0, rows),
    first:
      first === undefined
        ? null
        : {
            hand: imagePath(layout, "hand", first.handImage),
            face: imagePath(layout, "face", first.faceImage),
          },
  };
}

function summarise(pairs: readonly Pair[]): SplitSummary {
  const gestures = new Map<string, number>();
  for (const { gesture } of pairs) gestures.set(gesture, (gestures.get(gesture) ?? 0) + 1);
  const male = pairs.filter((pair) => pair.gender === "male").length;
  return {
    pairs: pairs.length,
    subjects: new Set(pairs.map((pair) => pair.userId)).size,
    classes: { female: pairs.length - male, male },
    gestures: Object.fromEntries([...gestures].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
  };
}

/** The summary as text for a terminal, lines under about 110 columns, final newline. */
export function formatShow(summary: ShowSummary): string {
  const { root, note, splits, total, head, first } = summary;
  const gestures = Object.keys(total.gestures);
  const header = ["split", "pairs", "subjects", ...SEXES, ...gestures];
  const line = (name: string, s: SplitSummary) => [
    name,
    ...[s.pairs, s.subjects, ...SEXES.map((sex) => s.classes[sex])].map(thousands),
    ...gestures.map((gesture) => thousands(s.gestures[gesture] ?? 0)),
  ];
  const counts = [header, ...SPLITS.map((split) => line(split, splits[split])), line("all", total)];
  const paths = first === null ? ["no training pairs"] : [visible(first.hand), visible(first.face)];
  return `${[
    root,
    `${thousands(splits.train.pairs)} training pairs`,
    "",
    ...table(counts),
    "",
    ...table([[...COLUMNS], ...head.map(cells)]),
    "",
    ...paths,
    "",
    `Note: ${note}.`,
  ].join("\n")}\n`;
}

function cells(pair: Pair): string[] {
  const { id, userId, age, gender, race, gesture, handImage, faceImage } = pair;
  return [id, userId, age, gender, race, gesture, handImage, faceImage].map((text) => shorten(text, 18));
}

function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/** 15064 as 15,064, the same on every machine whatever its locale. */
function thousands(count: number): string {
  return count.toLocaleString("en-US");
}

/** Columns padded to equal width; the last one is not padded. */
function table(rows: readonly (readonly string[])[]): string[] {
  const shown = rows.map((row) => row.map(visible));
  const widths = shown[0]!.map((_, column) => Math.max(...shown.map((row) => row[column]!.length)));
  return shown.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}
