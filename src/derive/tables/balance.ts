// How similar the splits are: pairs of each recorded group in each split.
// Source: our own; groups under 20 subjects are marked where they are printed. Labels are recorded, apparent ones.

import { type Pair, SPLITS, type Split } from "../../core/words.ts";
import { COUNTED, SMALL_GROUP } from "../../dataset/check/counts.ts";
import type { Manifest } from "../../dataset/manifest.ts";

export type Balance = Manifest["balance"];

/**
 * Counts the pairs and subjects of every group of gender, age, race and gesture as they come; joint cells are left to
 * `data check`.
 */
export class BalanceTally {
  /** Numbers stand for subjects: a set of texts would keep one for each row that brought a new member. */
  readonly #subjects = new Map<string, number>();
  readonly #groups = new Map<
    string,
    { readonly subjects: Set<number>; readonly pairs: Record<Split, number> }
  >();

  add(split: Split, pair: Pair): void {
    const subject = this.#subjects.get(pair.userId) ?? this.#subjects.size;
    if (subject === this.#subjects.size) this.#subjects.set(pair.userId, subject);
    for (const by of COUNTED) {
      const key = `${by} ${pair[by]}`;
      let group = this.#groups.get(key);
      if (group === undefined) {
        group = { subjects: new Set(), pairs: { train: 0, val: 0, test: 0 } };
        this.#groups.set(key, group);
      }
      group.subjects.add(subject);
      group.pairs[split]++;
    }
  }

  /** Sorted by value within each kind. */
  result(): Balance {
    return COUNTED.flatMap((by) =>
      [...this.#groups]
        .filter(([key]) => key.startsWith(`${by} `))
        .map(([key, group]) => ({ by, value: key.slice(by.length + 1), ...group }))
        .sort((a, b) => (a.value < b.value ? -1 : 1))
        .map(({ value, subjects, pairs }) => ({ by, value, subjects: subjects.size, pairs })),
    );
  }
}

/** How far the share of a group in a split is from its share of all pairs, percentage points. */
export interface Deviation {
  readonly by: string;
  readonly value: string;
  readonly split: Split;
  readonly points: number;
  readonly subjects: number;
}

/**
 * The largest deviation of each kind of group, groups of at least 20 subjects first choice.
 *
 * @param balance - of a manifest
 * @param pairs - number of pairs in each split
 * @returns one a kind that has a known value; groups under SMALL_GROUP subjects only where there is no larger one
 * @example worstDeviations(manifest.balance, manifest.counts.pairs)[0]?.points
 */
export function worstDeviations(balance: Balance, pairs: Readonly<Record<Split, number>>): Deviation[] {
  const total = SPLITS.reduce((sum, split) => sum + pairs[split], 0);
  return COUNTED.flatMap((by) => {
    const groups = balance.filter((group) => group.by === by && group.value !== "");
    const large = groups.filter(({ subjects }) => subjects >= SMALL_GROUP);
    const all = (large.length > 0 ? large : groups).flatMap(({ value, subjects, pairs: n }) => {
      const share = SPLITS.reduce((sum, split) => sum + n[split], 0) / total;
      return SPLITS.filter((split) => pairs[split] > 0).map((split) => {
        return { by, value, subjects, split, points: 100 * (n[split] / pairs[split] - share) };
      });
    });
    return all.sort((a, b) => Math.abs(b.points) - Math.abs(a.points)).slice(0, 1);
  });
}
