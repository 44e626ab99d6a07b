// Groups of one recorded class, or nearly: their accuracy is the TPR of that class, and no gap of it is one of groups.
import { describe, expect, test } from "vitest";
import { formatGroups } from "../../report/format-groups.ts";
import { bootstrapTables } from "../intervals/group-intervals.ts";
import { metricsByGroup } from "./groups.ts";

const rows = (race: string, targets: readonly (0 | 1)[], right: number) =>
  Array.from({ length: 40 }, (_, i) => {
    const target = targets[i % targets.length]!;
    return { subject: `${race}${i}`, target, race, probability: (target === 1) === i < right ? 0.9 : 0.2 };
  });
const women = rows("a", [0], 24);
const men = rows("b", [1], 36);
const [mixed, others] = [rows("c", [0, 1], 30), rows("d", [0, 1], 20)];
const of = (data: typeof women) => metricsByGroup(data, ["race"]);
const metrics = (data: typeof women) => of(data).comparisons.map(({ metric }) => metric);

describe("groups of one recorded class", () => {
  test("have no gap, and the reason stands where it would", () => {
    const table = of([...women, ...men]);
    expect(table.groups.map((group) => group.metrics.accuracy)).toEqual([0.6, 0.9]);
    expect(table.comparisons).toEqual([]);
    expect(table.rareClass).toEqual([{ race: "a" }, { race: "b" }]);
    const intervals = bootstrapTables([...women, ...men], [table], { replicates: 100 })[0]!;
    expect(intervals.spreads).toEqual([]);
    const text = formatGroups(table, intervals);
    expect(text).toMatch(/\n {2}accuracy +class mix +class mix +class mix +class mix +- +-\n/);
    expect(text).toMatch(/\nclass mix: no gap but of TPR .*\(a, b\)/);
  });

  test("are left out of gaps between groups of both, and named", () => {
    const table = of([...women, ...mixed, ...others]);
    const accuracy = table.comparisons.find(({ metric }) => metric === "accuracy");
    expect(accuracy).toMatchObject({ nGroups: 2, min: 0.5, max: 0.75, worst: { race: "d" } });
    const tpr = table.comparisons.find(({ metric }) => metric === "tprFemale");
    expect(tpr!.nGroups).toBe(3); // of women it compares as it does of the others
    const { spreads } = bootstrapTables([...women, ...mixed, ...others], [table], { replicates: 100 })[0]!;
    expect(spreads.find(({ metric }) => metric === "accuracy")!.difference.estimate).toBe(0.25);
    expect(formatGroups(table)).toMatch(/\nclass mix: .*\(a\)/);
    expect(formatGroups(of([...mixed, ...others]))).not.toContain("class mix");
  });

  test("nor have groups in which one class is nearly absent", () => {
    const man = { subject: "m", target: 1 as const, race: "a", probability: 0.9 };
    const table = of([...women, man, ...mixed, ...others]);
    expect(table.rareClass).toEqual([{ race: "a" }]);
    expect(table.comparisons.find(({ metric }) => metric === "accuracy")).toMatchObject({ nGroups: 2 });
    expect(formatGroups(table)).toMatch(
      /under 20 subjects are recorded as female, or under 20 as male \(a\)/,
    );
    // With a limit of one subject it is compared as any other.
    const open = metricsByGroup([...women, man, ...mixed, ...others], ["race"], { minSubjects: 1 });
    expect(open.comparisons.find(({ metric }) => metric === "accuracy")).toMatchObject({ nGroups: 3 });
  });

  test("and groups that are all alike have no worst one", () => {
    const text = formatGroups(of([...rows("e", [0, 1], 30), ...rows("f", [0, 1], 30)]));
    expect(text).toMatch(/\n {2}accuracy +0\.000 +1\.000 +1\.00 +1\.00 +none, all alike +0\.750\n/);
  });

  test("of the same class are compared in its TPR", () => {
    expect(metrics([...women, ...rows("e", [0], 30)])).toEqual(["tprFemale"]);
    expect(metrics([...women, ...mixed])).toEqual(["tprFemale"]);
  });
});
