// How alike the splits are: pairs of each recorded group in each split.
// Source: our own; groups under 20 subjects are marked by whoever prints them. Labels are recorded, apparent ones.
import { COUNTED, countPairs, SMALL_GROUP } from "../data/check-counts.ts";
import type { Manifest } from "../data/manifest.ts";
import { type Pair, SPLITS, type Split } from "../data/record.ts";

export type Balance = Manifest["balance"];

/**
 * Counts the pairs of every group of gender, age, race and gesture; joint cells are left to `data check`.
 *
 * @param pairs - by split
 */
export function balanceOf(pairs: Readonly<Record<Split, readonly Pair[]>>): Balance {
  const all = SPLITS.flatMap((split) =>
    pairs[split].map(({ userId: subject, gender, age, race, gesture }) => {
      return { split, subject, gender, age, race, gesture };
    }),
  );
  const { groups } = countPairs(all);
  return COUNTED.flatMap((by) => {
    const own = groups.filter((group) => group.by === by);
    return own
      .filter(({ split }) => split === "all")
      .map(({ value, subjects }) => {
        const at = (split: Split) => own.find((g) => g.split === split && g.value === value)?.pairs ?? 0;
        return { by, value, subjects, pairs: { train: at("train"), val: at("val"), test: at("test") } };
      });
  });
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
