// How many pairs and subjects a dataset has by split, gender, age, race and gesture, jointly and one by one.
// `gender`, `age` and `race` are recorded, apparent labels. Groups under 20 subjects are marked where they are printed.

import { SPLITS, type Split } from "../../core/words.ts";
import type { ScannedRow } from "./tables.ts";

/** Groups with fewer subjects are too small to compare. */
export const SMALL_GROUP = 20;

/** What datasets are counted by, beside the split. */
export const COUNTED = ["gender", "age", "race", "gesture"] as const;
export type Counted = (typeof COUNTED)[number];

/** One cell of the joint table; an empty string is an unknown value. */
export interface JointCount extends Readonly<Record<Counted, string>> {
  readonly split: Split;
  readonly pairs: number;
  readonly subjects: number;
}

/** One value of one label in one split. */
export interface GroupCount {
  readonly split: Split | "all";
  readonly by: Counted;
  readonly value: string;
  readonly pairs: number;
  readonly subjects: number;
}

/** The pairs of one split. */
export interface SplitCount {
  readonly split: Split | "all";
  readonly pairs: number;
  readonly subjects: number;
}

/** How many pairs and subjects there are, by split and by recorded group. */
export interface DatasetCounts {
  readonly splits: readonly SplitCount[];
  readonly groups: readonly GroupCount[];
  readonly joint: readonly JointCount[];
}

/** What is counted: one pair, whatever it is read from. */
export interface CountedPair extends Readonly<Record<Counted, string>> {
  readonly split: Split;
  readonly subject: string;
}

/** The pairs of scanned tables, without rows that are repeated whole. */
export function countedPairs(rows: readonly ScannedRow[]): CountedPair[] {
  return rows
    .filter(({ repeated }) => !repeated)
    .map(({ split, cells: { user_id: subject, gender, age, race, labels: gesture } }) => {
      return { split, subject, gender, age, race, gesture };
    });
}

/** Counts, sorted by split in the order of use, then by value. */
export function countPairs(pairs: readonly CountedPair[]): DatasetCounts {
  const joint = tally(pairs, ({ split, gender, age, race, gesture }) => [split, gender, age, race, gesture]);
  const groups = COUNTED.flatMap((by) => [
    ...tally(pairs, (pair) => [pair.split, by, pair[by]]),
    ...tally(pairs, (pair) => ["all", by, pair[by]]),
  ]);
  const splits = [...tally(pairs, ({ split }) => [split]), ...tally(pairs, () => ["all"])];
  return {
    splits: splits.map(({ key: [split], ...n }) => ({ split: split as Split, ...n })),
    groups: groups.map(({ key: [split, by, value], ...n }) => {
      return { split: split as Split, by: by as Counted, value: value!, ...n };
    }),
    joint: joint.map(({ key: [split, gender, age, race, gesture], ...n }) => {
      return { split: split as Split, gender: gender!, age: age!, race: race!, gesture: gesture!, ...n };
    }),
  };
}

interface Tally {
  readonly key: readonly string[];
  readonly pairs: number;
  readonly subjects: number;
}

function tally(pairs: readonly CountedPair[], keyOf: (pair: CountedPair) => readonly string[]): Tally[] {
  const cells = new Map<string, { key: readonly string[]; pairs: number; subjects: Set<string> }>();
  for (const pair of pairs) {
    const key = keyOf(pair);
    const text = JSON.stringify(key);
    const cell = cells.get(text) ?? { key, pairs: 0, subjects: new Set<string>() };
    cells.set(text, cell);
    cell.pairs++;
    cell.subjects.add(pair.subject);
  }
  return [...cells.values()]
    .sort((a, b) => compareKeys(a.key, b.key))
    .map(({ key, pairs: n, subjects }) => ({ key, pairs: n, subjects: subjects.size }));
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  const order = (key: readonly string[]) => SPLITS.indexOf(key[0] as Split);
  if (order(a) !== order(b)) return order(a) - order(b);
  const at = a.findIndex((part, i) => part !== b[i]);
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
}
