// The age target in years against numpy: values to the last digits, intervals within what draws differ by.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatSummary } from "../../report/format.ts";
import { formatAges } from "../../report/format-ages.ts";
import { wilson } from "../intervals/intervals.ts";
import type { Prediction } from "../stored/prediction-row.ts";
import { type AgeFigure, type AgeGroup, ageTables, middleYears } from "./ages.ts";
import { summarize } from "./summary.ts";

interface Golden {
  readonly images: number;
  readonly subjects: number;
  readonly error: number;
  readonly minors: number;
  readonly minorSubjects: number;
  readonly challenge: number | null;
  readonly errorInterval: readonly [number, number] | null;
  readonly challengeInterval: readonly [number, number] | null;
}
interface Case {
  readonly name: string;
  readonly buckets: readonly string[];
  readonly middles: readonly number[];
  readonly rows: readonly {
    readonly id: string;
    readonly subject: string;
    readonly target: 0 | 1;
    readonly race: string;
    readonly age: string;
    readonly p: readonly number[];
  }[];
  readonly all: Golden;
  readonly undecided: number;
  readonly groups: Readonly<Record<"gender" | "age" | "race", Readonly<Record<string, Golden>>>>;
}
const { cases } = JSON.parse(
  readFileSync(new URL("../../../test/parity/goldens/ages.json", import.meta.url), "utf8"),
) as { readonly cases: readonly Case[] };

const rowsOf = (
  { rows, buckets }: Pick<Case, "rows" | "buckets">,
  modality: "hand" | "face" = "face",
): Prediction[] =>
  rows.map(({ id, subject, target, race, age, p }) => ({
    ...{ id, subject, target, race, age, source: "pairs", modality, split: "test", gesture: "" },
    ...{ probability: 0.5, logit: 0, modalityUsed: null, gateHand: null },
    ageProbabilities: Object.fromEntries(buckets.map((bucket, k) => [bucket, p[k]!])),
  }));

/** Both are percentiles of draws: ours of 2,000. */
function expectInterval({ interval }: AgeFigure, golden: readonly [number, number]): void {
  const width = golden[1] - golden[0];
  expect(Math.abs(interval!.low! - golden[0])).toBeLessThan(0.08 * width);
  expect(Math.abs(interval!.high! - golden[1])).toBeLessThan(0.08 * width);
}

function expectGroup({ error, challenge }: AgeGroup, golden: Golden, minSubjects: number): void {
  expect([error.nImages, error.nSubjects]).toEqual([golden.images, golden.subjects]);
  expect([challenge.nImages, challenge.nSubjects]).toEqual([golden.minors, golden.minorSubjects]);
  if (golden.subjects < minSubjects) expect(error.value).toBe(null);
  else expect(error.value).toBeCloseTo(golden.error, 10);
  if (golden.minorSubjects < minSubjects || golden.challenge === null) expect(challenge.value).toBe(null);
  else expect(challenge.value).toBeCloseTo(golden.challenge, 12);
  if (golden.errorInterval !== null) expectInterval(error, golden.errorInterval);
  if (golden.challengeInterval !== null) expectInterval(challenge, golden.challengeInterval);
}

describe.each(cases)("$name", (one) => {
  it("has numpy's middles of buckets", () => {
    expect(middleYears(one.buckets)).toEqual(one.middles);
  });

  it.each([20, 1])("has numpy's figures by group, of at least %i subjects", (minSubjects) => {
    const tables = ageTables(rowsOf(one), { minSubjects });
    expect(tables.map(({ key, within }) => [key, within])).toEqual([
      ["gender", { modality: "face" }],
      ["age", { modality: "face" }],
      ["race", { modality: "face" }],
    ]);
    let intervals = 0;
    for (const { key, all, groups, undecided } of tables) {
      expect(undecided).toBe(one.undecided);
      expectGroup(all, one.all, minSubjects);
      expect(groups.map(({ value }) => value).sort()).toEqual(Object.keys(one.groups[key]).sort());
      for (const group of groups) {
        expectGroup(group, one.groups[key][group.value]!, minSubjects);
        if (one.groups[key][group.value]!.errorInterval !== null) intervals++;
      }
    }
    expect(intervals).toBeGreaterThan(5);
  });
});

describe("ageTables", () => {
  const legal = cases[1]!;

  it("has Wilson's interval of a rate of 0 or 1, and no false positive rate where nobody is surely under 18", () => {
    const never = legal.rows.map((row) => ({ ...row, p: [1, 0, 0, 0, 0] }));
    const { all } = ageTables(rowsOf({ ...legal, rows: never }))[0]!;
    const { low, high } = wilson(0, all.challenge.nSubjects);
    expect(all.challenge).toMatchObject({ value: 0, interval: { low, high, method: "wilson" } });
    const straddling = legal.rows.map((row) => ({ ...row, age: "10-19" }));
    const [table] = ageTables(rowsOf({ ...legal, rows: straddling }));
    expect(table!.undecided).toBe(legal.rows.length);
    expect(table!.all.challenge).toMatchObject({ nImages: 0, value: null });
    expect(table!.all.error.value).toBeGreaterThan(0);
  });

  it("takes an estimate of exactly 25 for one that passes, and a recorded single year for its middle", () => {
    const row = (p: readonly number[], age: string) => ({ ...legal.rows[0]!, p, age });
    const of = (p: readonly number[], age: string) =>
      ageTables(rowsOf({ buckets: ["20-29", "30-39"], rows: [row(p, age)] }), { minSubjects: 1 })[0]!.all;
    expect(of([1, 0], "17").challenge.value).toBe(1);
    expect(of([1, 0], "17").error.value).toBe(7.5);
    expect(of([0.5, 0.5], "29").error.value).toBe(0.5);
  });

  it("keeps hands and faces apart, and leaves out what has no recorded age or no age as a class", () => {
    const both = [...rowsOf(legal, "hand"), ...rowsOf(legal)];
    expect(new Set(ageTables(both).map(({ within }) => within["modality"]))).toEqual(
      new Set(["hand", "face"]),
    );
    expect(ageTables(rowsOf({ ...legal, rows: legal.rows.map((row) => ({ ...row, age: "" })) }))).toEqual([]);
    expect(ageTables(rowsOf({ ...legal, buckets: ["a", "b", "c", "d", "e"] }))).toEqual([]);
    expect(middleYears(["70+"])).toEqual([75]);
  });
});

it("stands in the text of a summary, with what is too small and the convention", () => {
  const summary = summarize(rowsOf(cases[0]!), { replicates: 200, groups: [] });
  const text = formatSummary(summary);
  expect(text).toContain("Years of apparent age by race, faces");
  expect(text).toContain("FPR: false positive rate of Challenge 25 (NIST's FATE)");
  expect(text).toContain("too small");
  expect(text).toContain(`${cases[0]!.undecided} images may be under 18 or not: in no false positive rate.`);
  const { error } = summary.targets![0]!.years![0]!.all;
  expect(formatAges(summary.targets![0]!.years!)).toContain(
    `${error.value!.toFixed(3)} [${error.interval!.low!.toFixed(3)}, ${error.interval!.high!.toFixed(3)}]`,
  );
  expect(formatAges([])).toBe("");
});
