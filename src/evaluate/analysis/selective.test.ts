import { describe, expect, test } from "vitest";
import { formatSelective } from "../../report/format-analysis.ts";
import { selectiveCurve } from "./selective.ts";

const row = (i: number, target: 0 | 1, probability: number, race: string) => ({
  subject: `s${i}`,
  target,
  probability,
  race,
});

/** 20 subjects each, 10 of a class: group a is right and sure, group b half right and unsure; "small" has one subject. */
const rows = [
  ...Array.from({ length: 20 }, (_, i) => row(i, (i % 2) as 0 | 1, i % 2 === 1 ? 0.95 : 0.05, "a")),
  ...Array.from({ length: 20 }, (_, i) => row(20 + i, (i % 2) as 0 | 1, i < 10 ? 0.6 : 0.3, "b")),
  row(40, 1, 0.01, "small"),
];

describe("abstention", () => {
  test("keeps the most confident images, those of one confidence together", () => {
    const curve = selectiveCurve(rows, (r) => r.race, { coverages: [1, 0.5, 0.52] });
    expect(curve[0]).toMatchObject({ coverage: 1, accuracy: 30 / 41 });
    // Half of 41 needs 21 images: "small" and group a, whose confidence of .45 is the 21st.
    expect(curve[1]).toMatchObject({
      coverage: 21 / 41,
      accuracy: 20 / 21,
      confidence: expect.closeTo(0.45),
    });
    // One image more brings all ten of confidence .2.
    expect(curve[2]).toMatchObject({ coverage: 31 / 41, confidence: expect.closeTo(0.2) });
  });

  test("names the worst of the groups with enough subjects of both classes", () => {
    const of = (minSubjects: number) =>
      selectiveCurve(rows, (r) => r.race, { coverages: [1, 0.6], minSubjects });
    const [all, most] = of(10);
    expect(all!.groups.map(({ group }) => group)).toEqual(["a", "b"]);
    expect(all!.worst).toEqual({ group: "b", coverage: 1, accuracy: 0.5 });
    // Of b, five subjects of each class are left: too few for a gap, as they would be in any table.
    expect(most).toMatchObject({ worst: null, rareClass: ["b"] });
    expect(of(5)[1]!.worst).toEqual({ group: "b", coverage: 0.5, accuracy: 0.5 });
    expect(of(20)[0]).toMatchObject({ worst: null, rareClass: ["a", "b"] });
    expect(selectiveCurve(rows, (r) => r.race, { minSubjects: 42 })[0]!.accuracy).toBeNull();
  });

  test("no group is the worst of one", () => {
    expect(selectiveCurve(rows, (r) => r.race, { coverages: [0.5] })[0]!.worst).toBeNull();
    expect(selectiveCurve(rows, () => "", { coverages: [1] })[0]!.groups).toEqual([]);
  });

  test("a group of one recorded class is no worst group", () => {
    const women = rows.map((r) => (r.race === "b" ? { ...r, target: 0 as const } : r));
    const [point] = selectiveCurve(women, (r) => r.race, { coverages: [1], minSubjects: 10 });
    expect(point).toMatchObject({ worst: null, rareClass: ["b"] });
    const further = Array.from({ length: 20 }, (_, i) => row(60 + i, (i % 2) as 0 | 1, 0.9, "c"));
    const [three] = selectiveCurve([...women, ...further], (r) => r.race, {
      coverages: [1],
      minSubjects: 10,
    });
    expect(three!.worst).toMatchObject({ group: "c", accuracy: 0.5 });
    const text = formatSelective({
      minSubjects: 20,
      within: { modality: "face" },
      key: "race",
      curve: [point!],
    });
    expect(text.split("\n")[1]).toMatch(/class mix +- +-$/);
    expect(text.replaceAll("\n", " ")).toMatch(
      /under 20 subjects of their kept images are recorded as female, or under 20 as male: b$/,
    );
  });

  test.each([0, 1.2, Number.NaN])("refuses a coverage of %d", (coverage) => {
    expect(() => selectiveCurve(rows, (r) => r.race, { coverages: [coverage] })).toThrowError(
      `Expected a number above 0, up to 1 for a coverage, got ${coverage}`,
    );
  });
});
