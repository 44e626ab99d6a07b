import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { seedSummary } from "../intervals/seeds.ts";
import { metricsByGroup, tablesByGroup } from "./groups.ts";

type Row = { subject: string; target: 0 | 1; probability: number; race: string; modality: string };
type Figures = Record<"accuracy" | "tprMale" | "tprFemale", number>;

const golden = JSON.parse(
  readFileSync(new URL("../../../test/parity/goldens/evaluate.json", import.meta.url), "utf8"),
) as {
  groups: {
    rows: Row[];
    overall: Figures;
    byGroup: Record<string, Figures>;
    difference: Figures;
    ratio: Figures;
    min: Figures;
    max: Figures;
  };
};

function rows(race: string, subjects: number, wrong: number): Row[] {
  return Array.from({ length: subjects }, (_, i) => ({
    subject: `${race}${i}`,
    target: (i % 2) as 0 | 1,
    probability: (i % 2 === 1) === i >= wrong ? 0.9 : 0.1,
    race,
    modality: "face",
  }));
}

describe("metrics by group", () => {
  test("fairlearn's values", () => {
    const { rows, ...expected } = golden.groups;
    const table = metricsByGroup(rows, ["race", "modality"], { minSubjects: 1 });
    expect(table.groups.map((g) => `${g.group["race"]}|${g.group["modality"]}`)).toEqual(
      Object.keys(expected.byGroup).sort(),
    );
    for (const metric of ["accuracy", "tprMale", "tprFemale"] as const) {
      expect(table.overall[metric]).toBeCloseTo(expected.overall[metric], 12);
      for (const { group, metrics } of table.groups) {
        const theirs = expected.byGroup[`${group["race"]}|${group["modality"]}`]!;
        expect(metrics[metric]).toBeCloseTo(theirs[metric], 12);
      }
      const ours = table.comparisons.find((c) => c.metric === metric)!;
      expect(ours.difference).toBeCloseTo(expected.difference[metric], 12);
      expect(ours.ratio).toBeCloseTo(expected.ratio[metric], 12);
      expect(ours.min).toBeCloseTo(expected.min[metric], 12);
      expect(ours.max).toBeCloseTo(expected.max[metric], 12);
    }
  });

  test("small groups and unrecorded values are shown but not compared", () => {
    const data = [...rows("a", 20, 2), ...rows("b", 40, 8), ...rows("c", 19, 19), ...rows("", 30, 30)];
    expect(
      metricsByGroup(data, ["race"]).groups.map((g) => [g.group["race"], g.nSubjects, g.small, g.compared]),
    ).toEqual([
      ["a", 20, false, true],
      ["b", 40, false, true],
      ["c", 19, true, false],
      ["", 30, false, false],
    ]);
    expect(metricsByGroup(data, ["race"]).comparisons).toEqual([]); // of a, 10 subjects of each class
    const table = metricsByGroup(data, ["race"], { minSubjects: 10 });
    const accuracy = table.comparisons.find((c) => c.metric === "accuracy")!;
    expect(accuracy).toMatchObject({ nGroups: 2, min: 0.8, max: 0.9, worst: { race: "b" } });
    expect(accuracy.errorMaxMin).toBeCloseTo(2, 10);
    expect(accuracy.errorMaxGeomean).toBeCloseTo(0.2 / Math.sqrt(0.02), 10);
    const all = metricsByGroup(data, ["race"], { minSubjects: 9 });
    expect(all.comparisons.find((c) => c.metric === "accuracy")).toMatchObject({ min: 0, nGroups: 3 });
    expect(() => metricsByGroup(data, ["race"], { minSubjects: 0 })).toThrowError(
      "Expected a whole number from 1 for the least number of subjects, got 0",
    );
  });

  test("the worst group of a loss is the one with the largest", () => {
    const table = metricsByGroup([...rows("a", 40, 0), ...rows("b", 40, 10)], ["race"]);
    const of = (metric: string) => table.comparisons.find((c) => c.metric === metric)!;
    expect(of("brier").worst).toEqual({ race: "b" });
    expect(of("rocAuc").worst).toEqual({ race: "b" });
    expect(of("accuracy").errorMaxMin).toBeNull(); // the best group makes no error
    expect(of("brier").errorMaxMin).toBeNull();
  });

  test("subjects are counted once, in all and by recorded class", () => {
    const row = { race: "a", modality: "face", probability: 0.7 };
    const table = metricsByGroup(
      [
        { ...row, subject: "x", target: 1 },
        { ...row, subject: "x", target: 1 },
        { ...row, subject: "x", target: 0 },
        { ...row, subject: "y", target: 0 },
      ],
      ["race"],
    );
    expect(table.groups[0]).toMatchObject({
      nImages: 4,
      nSubjects: 2,
      nSubjectsFemale: 2,
      nSubjectsMale: 1,
      small: true,
    });
    expect(table.comparisons).toEqual([]);
  });

  test("a rate rests on the subjects of its denominator", () => {
    // 30 subjects, of them 10 recorded as female (one image each) and 20 as male.
    const data = rows("a", 30, 0).map(
      (row, i): Row => ({ ...row, target: i < 10 ? 0 : 1, probability: i < 5 ? 0.2 : 0.9 }),
    );
    const [group] = metricsByGroup(data, ["race"]).groups;
    expect(group!.metrics.accuracy).toBeCloseTo(25 / 30, 12);
    expect(group!.metrics.tprMale).toBe(1);
    expect(group!.metrics.precisionMale).toBeCloseTo(20 / 25, 12);
    expect(group!.metrics).toMatchObject({
      tprFemale: null,
      balancedAccuracy: null,
      rocAuc: null,
      confusion: null,
    });
    expect(group!.metrics).toMatchObject({ precisionFemale: null, f1Female: null }); // five people decided so
    expect(group!.tooSmall).toContain("tprFemale");
    expect(group!.tooSmall).not.toContain("tprMale");
    const ten = metricsByGroup(data, ["race"], { minSubjects: 10 }).groups[0]!;
    expect(ten.metrics.tprFemale).toBe(0.5);
    expect(ten.tooSmall).toEqual(["precisionFemale"]);
  });

  test("images of one person are one subject of a rate, however many they are", () => {
    const many = rows("a", 19, 3).flatMap((row) => Array.from({ length: 10 }, () => row));
    expect(metricsByGroup(many, ["race"]).groups[0]!.metrics.accuracy).toBeNull();
  });

  test("values that would run together as text stay apart", () => {
    const base = { subject: "s", target: 1 as const, probability: 0.6 };
    const table = metricsByGroup(
      [
        { ...base, race: 'a","b', modality: "c" },
        { ...base, race: "a", modality: 'b","c' },
      ],
      ["race", "modality"],
    );
    expect(table.groups).toHaveLength(2);
  });

  test("refuses no keys and no rows", () => {
    expect(() => metricsByGroup(rows("a", 2, 0), [])).toThrowError(
      "Expected at least one key for groups, got []",
    );
    expect(() => metricsByGroup([], ["race" as never])).toThrowError(
      "Expected at least one image for evaluation, got 0",
    );
  });
});

describe("tables within modality and source", () => {
  /** `n` subjects with one image each, of which `wrong` are decided against the record; half of both classes. */
  const images = (modality: string, source: string, age: string, n: number, wrong: number) =>
    Array.from({ length: n }, (_, i) => ({
      subject: `${source}:${modality}${age}${i}`,
      target: (i % 2) as 0 | 1,
      probability: (i % 2 === 1) === i >= wrong ? 0.9 : 0.1,
      ...{ modality, source, age, race: source === "utkface" ? "White" : "fair" },
    }));

  test("Simpson: the group that is the worst only because most of its images are hands is not called so", () => {
    // Pooled, 20-29 is the worst (.73); among faces it is 70+, and hands have no other group.
    const data = [
      ...images("hand", "hands11k", "20-29", 85, 30),
      ...images("face", "utkface", "20-29", 53, 7),
      ...images("face", "utkface", "70+", 50, 13),
    ];
    const pooled = metricsByGroup(data, ["age"]).comparisons.find(({ metric }) => metric === "accuracy")!;
    expect(pooled.worst).toEqual({ age: "20-29" });
    const [hands, faces] = tablesByGroup(data, ["age"]);
    expect([hands!.within, faces!.within]).toEqual([{ modality: "hand" }, { modality: "face" }]);
    expect(hands!.comparisons).toEqual([]);
    const accuracy = faces!.comparisons.find(({ metric }) => metric === "accuracy")!;
    expect(accuracy.worst).toEqual({ age: "70+" });
    expect(accuracy.max).toBeCloseTo(46 / 53, 12);
  });

  test("modality as a key takes tables apart; it is compared only where it stands alone", () => {
    const data = [...images("hand", "pairs", "20-29", 30, 3), ...images("face", "pairs", "20-29", 30, 1)];
    const crossed = tablesByGroup(data, ["age", "modality"]);
    expect(crossed.map(({ keys, within }) => [keys, within])).toEqual([
      [["age"], { modality: "hand" }],
      [["age"], { modality: "face" }],
    ]);
    const [alone] = tablesByGroup(data, ["modality"]);
    expect(alone!.groups.map(({ group }) => group["modality"])).toEqual(["face", "hand"]);
  });

  test("races of sources with other vocabularies are not one table, ages that are buckets of one scale are", () => {
    const data = [...images("face", "utkface", "20-29", 20, 1), ...images("face", "hands11k", "70+", 20, 2)];
    expect(tablesByGroup(data, ["race"]).map(({ within }) => within["source"])).toEqual([
      "hands11k",
      "utkface",
    ]);
    expect(tablesByGroup(data, ["age"]).map(({ within }) => within)).toEqual([{ modality: "face" }]);
    const other = data.map((row) => (row.source === "utkface" ? row : { ...row, age: "25-35" }));
    expect(tablesByGroup(other, ["age"])).toHaveLength(2); // 20-29 and 25-35 overlap
    expect(tablesByGroup(data, ["race", "age"])).toHaveLength(2);
    // UTKFace's White is not FairFace's, although it is written alike; sites of one foreign table share their words.
    const alike = (source: string) =>
      data.map((row) => ({ ...row, race: "White", source: row.source === "utkface" ? "utkface" : source }));
    expect(tablesByGroup(alike("fairface"), ["race"])).toHaveLength(2);
    const sites = data.map((row) => ({
      ...row,
      race: "White",
      source: row.source === "utkface" ? "a" : "b",
    }));
    expect(tablesByGroup(sites, ["race"])).toHaveLength(1);
    expect(tablesByGroup(data, ["age", "source"])).toHaveLength(2);
  });

  test("a field that one modality lacks has no table there", () => {
    const data = [...images("hand", "a", "", 20, 1), ...images("face", "b", "20-29", 20, 1)];
    expect(tablesByGroup(data, ["age"]).map(({ within }) => within)).toEqual([{ modality: "face" }]);
  });
});

describe("summary over seeds", () => {
  test("mean and sample standard deviation of the published seeds", () => {
    const { n, mean, std } = seedSummary([0.91, 0.9085, 0.9137]);
    expect(n).toBe(3);
    expect(mean).toBeCloseTo(0.910733, 6);
    expect(std).toBeCloseTo(0.002676, 6);
  });

  test.each([
    ["light", "light ", 'Expected no blanks around the value for group race, got "light "'],
    ["light", "Light", 'Expected one spelling of a value ("light") for group race, got "Light"'],
    ["light", "nan", 'Expected a recorded value for group race, got "nan"'],
    ["2", "2.0", 'Expected one spelling of a value ("2") for group race, got "2.0"'],
  ])("refuses to make two groups of %j and %j", (one, other, message) => {
    const both = [one, other].flatMap((race) => rows(race, 3, 1));
    expect(() => metricsByGroup(both, ["race"])).toThrow(message);
  });

  test("one seed has no spread; none or NaN is refused", () => {
    expect(seedSummary([0.9])).toEqual({ n: 1, mean: 0.9, std: null });
    expect(() => seedSummary([])).toThrowError(
      "Expected at least one value, all finite for the summary over seeds, got nothing",
    );
    expect(() => seedSummary([1, Number.NaN])).toThrowError('got "1 NaN"');
  });
});
