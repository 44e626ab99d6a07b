import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../../core/random.ts";
import { SPLITS, type Split } from "../../core/words.ts";
import { assignSplits, DEFAULT_FRACTIONS, Strata, type Stratified } from "./splits.ts";

const pair = fc.record({
  subject: fc.integer({ min: 0, max: 30 }).map((n) => `s${n}`),
  groups: fc.tuple(
    fc.constantFrom("female", "male"),
    fc.constantFrom("20-29", "30-39"),
    fc.constantFrom("a", "b"),
  ),
});

function people(count: number): Stratified[] {
  const random = Random.of(1).split("people");
  return Array.from({ length: count }, (_, i) => {
    const who = [
      random.pick(["female", "male"]),
      random.pick(["20-29", "30-39", "40-49"]),
      random.pick(["x", "y"]),
    ];
    const gestures = ["palm", "stop", "fist"].slice(0, 1 + random.int(3));
    return gestures.map((gesture) => ({ subject: `person ${i}`, groups: [...who, gesture] }));
  }).flat();
}

function shares(pairs: readonly Stratified[], splits: ReadonlyMap<string, Split>, group?: string) {
  const rows = pairs.filter(({ groups }) => group === undefined || groups.includes(group));
  return Object.fromEntries(
    SPLITS.map((s) => [s, rows.filter(({ subject }) => splits.get(subject) === s).length / rows.length]),
  ) as Record<Split, number>;
}

describe("assignSplits", () => {
  it("gives every subject one split, and every split a subject, whatever the pairs", () => {
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 80 }), fc.nat(1000), (pairs, seed) => {
        const subjects = new Set(pairs.map(({ subject }) => subject));
        fc.pre(subjects.size >= 3);
        const splits = assignSplits(Strata.of(pairs), DEFAULT_FRACTIONS, seed);
        expect(new Set(splits.keys())).toEqual(subjects);
        expect(new Set(splits.values())).toEqual(new Set(SPLITS));
        const shuffled = Random.of(seed).shuffle(pairs);
        const again = assignSplits(Strata.of(shuffled), DEFAULT_FRACTIONS, seed);
        for (const [subject, split] of splits) expect(again.get(subject)).toBe(split);
      }),
    );
  });

  it("comes near the fractions, over all and in every group", () => {
    const pairs = people(600);
    const splits = assignSplits(Strata.of(pairs), DEFAULT_FRACTIONS, 42);
    for (const split of SPLITS) {
      expect(Math.abs(shares(pairs, splits)[split] - DEFAULT_FRACTIONS[split])).toBeLessThan(0.005);
      for (const group of ["female", "male", "20-29", "30-39", "40-49", "x", "y", "palm", "stop", "fist"]) {
        expect(Math.abs(shares(pairs, splits, group)[split] - DEFAULT_FRACTIONS[split])).toBeLessThan(0.01);
      }
    }
  });

  it("stratifies joint groups better than chance", () => {
    const pairs = people(600);
    const joint = pairs.map(({ subject, groups }) => ({ subject, groups: [groups.join("|")] }));
    const off = (splits: ReadonlyMap<string, Split>) => {
      const cells = new Set(joint.map(({ groups }) => groups[0]!));
      return (
        [...cells].reduce((sum, cell) => sum + Math.abs(shares(joint, splits, cell).test - 0.15), 0) /
        cells.size
      );
    };
    const ids = Random.of(3).shuffle([...new Set(pairs.map(({ subject }) => subject))]);
    const random = new Map(ids.map((id, i) => [id, i < 90 ? "test" : i < 144 ? "val" : "train"] as const));
    expect(off(assignSplits(Strata.of(pairs), DEFAULT_FRACTIONS, 42))).toBeLessThan(0.5 * off(random));
  });

  it("depends on the seed", () => {
    const pairs = people(60);
    const test = (seed: number) =>
      [...assignSplits(Strata.of(pairs), DEFAULT_FRACTIONS, seed)]
        .filter(([, s]) => s === "test")
        .map(([id]) => id)
        .sort();
    expect(test(1)).not.toEqual(test(2));
  });

  it("refuses too few subjects and fractions that do not add up", () => {
    expect(() => assignSplits(Strata.of(people(2)), DEFAULT_FRACTIONS, 1)).toThrow(
      "Expected at least 3 subjects, one a split, for the pairs that were kept, got 2",
    );
    expect(() => assignSplits(Strata.of(people(9)), { train: 0.9, val: 0.09, test: 0.15 }, 1)).toThrow(
      "Expected fractions from 0 to 1 with sum 1 and some train for the split",
    );
  });

  it("leaves out splits without a fraction", () => {
    const splits = assignSplits(Strata.of(people(20)), { train: 0.8, val: 0.2, test: 0 }, 1);
    expect(new Set(splits.values())).toEqual(new Set(["train", "val"]));
  });
});
