import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Random } from "../../core/random.ts";
import { delong, wilson } from "./intervals.ts";
import { criticalValue, normalCdf } from "./normal.ts";

const golden = JSON.parse(
  readFileSync(new URL("../../../test/parity/goldens/evaluate.json", import.meta.url), "utf8"),
) as {
  wilson: { k: number; n: number; level: number; limits: [number, number] }[];
  critical: [number, number][];
};

describe("normal distribution", () => {
  test.each(golden.critical)("level %d as in scipy", (level, z) => {
    expect(criticalValue(level)).toBeCloseTo(z, 10);
  });

  test("is symmetric and ends at 0 and 1", () => {
    expect(normalCdf(0)).toBe(0.5);
    expect(normalCdf(-1.3) + normalCdf(1.3)).toBeCloseTo(1, 15);
    expect([normalCdf(-40), normalCdf(40)]).toEqual([0, 1]);
  });

  test.each([0.4, 1, Number.NaN])("level %d is refused", (level) => {
    expect(() => criticalValue(level)).toThrowError(
      `Expected a number from .5 to .9999 for the confidence level, got ${level}`,
    );
  });
});

describe("Wilson", () => {
  test.each(golden.wilson)("$k of $n at $level as in statsmodels", ({ k, n, level, limits }) => {
    const interval = wilson(k, n, level);
    expect(interval.estimate).toBe(k / n);
    expect(interval.low).toBeCloseTo(limits[0], 10);
    expect(interval.high).toBeCloseTo(limits[1], 10);
  });

  test("knows nothing without cases", () => {
    expect(wilson(0, 0)).toEqual({ estimate: null, low: 0, high: 1, level: 0.95 });
  });

  test("refuses impossible counts", () => {
    expect(() => wilson(3, 2)).toThrowError(
      'Expected integers with 0 <= successes <= n for a rate, got "3 of 2"',
    );
  });

  test("covers the true rate in about 95 % of the draws", () => {
    const random = Random.of(3);
    let covered = 0;
    for (let draw = 0; draw < 2000; draw++) {
      let k = 0;
      for (let i = 0; i < 60; i++) k += random.next() < 0.9 ? 1 : 0;
      const { low, high } = wilson(k, 60);
      if (low! <= 0.9 && 0.9 <= high!) covered++;
    }
    expect(covered / 2000).toBeGreaterThan(0.925);
    expect(covered / 2000).toBeLessThan(0.98);
  });
});

// Patients of DeLong, DeLong and Clarke-Pearson 1988 with all three tests recorded:
// albumin, total protein, K-G score (low is good), benefit of surgery.
const PATIENTS = `3.0 5.8 10 0|3.2 6.3 5 1|3.9 6.8 3 1|2.8 4.8 6 0|3.2 5.8 3 1|0.9 4.0 5 0|2.5 5.7 8 0
1.6 5.6 5 1|3.8 5.7 5 1|3.7 6.7 6 1|3.2 5.4 4 1|3.8 6.6 6 1|4.1 6.6 5 1|3.6 5.7 5 1|4.3 7.0 4 1|3.6 6.7 4 0
2.3 4.4 6 1|4.2 7.6 4 0|4.0 6.6 6 0|3.5 5.8 6 1|3.8 6.8 7 1|3.0 4.7 8 0|4.5 7.4 5 1|3.7 7.4 5 1|3.1 6.6 6 1
4.1 8.2 6 1|4.3 7.0 5 1|4.3 6.5 4 1|3.2 5.1 5 1|2.6 4.7 6 1|3.3 6.8 6 0|1.7 4.0 7 0|3.7 6.1 5 1|3.3 6.3 7 1
4.2 7.7 6 1|3.5 6.2 5 1|2.9 5.7 9 0|2.1 4.8 7 1|2.8 6.2 8 0|4.0 7.0 7 1|3.3 5.7 6 1|3.7 6.9 5 1|3.6 6.6 5 1`
  .split(/[|\n]/)
  .map((row) => row.split(" ").map(Number));

describe("DeLong", () => {
  const y = PATIENTS.map((row) => row[3]!);
  // AUC depends on order only, so any rising map into [0, 1] will do.
  test.each([
    ["albumin", 0, 1, 0.7366, 0.0927],
    ["K-G score", 2, -1, 0.7258, 0.1028],
    ["total protein", 1, 1, 0.6478, 0.1],
  ])("the published areas and standard errors: %s", (_name, column, sign, area, error) => {
    const p = PATIENTS.map((row) => 0.5 + (sign * row[column]!) / 100);
    const { estimate, variance } = delong(y, p);
    expect(estimate).toBeCloseTo(area, 4);
    expect(Math.sqrt(variance!)).toBeCloseTo(error, 4);
  });

  test("equals the definition over all pairs, ties included", () => {
    const random = Random.of(11);
    for (let round = 0; round < 20; round++) {
      const targets = Array.from({ length: 40 }, (_, i) => (i < 4 ? i % 2 : random.int(2)));
      const p = targets.map((t) => (random.int(8) + 2 * t) / 10);
      const { estimate, variance } = delong(targets, p);
      const expected = byDefinition(targets, p);
      expect(estimate).toBeCloseTo(expected.area, 12);
      expect(variance).toBeCloseTo(expected.variance, 12);
    }
  });

  test("is undefined where a class has under two images", () => {
    expect(delong([0, 0], [0.1, 0.2])).toMatchObject({ estimate: null, variance: null, low: null });
    expect(delong([0, 1, 1], [0.1, 0.2, 0.3])).toMatchObject({ estimate: 1, variance: null, high: null });
  });

  test("covers the true area in about 95 % of the draws", () => {
    const random = Random.of(5);
    const truth = normalCdf(1.5 / Math.SQRT2);
    let covered = 0;
    for (let draw = 0; draw < 500; draw++) {
      const targets = Array.from({ length: 120 }, (_, i) => i % 2);
      const p = targets.map((t) => normalCdf(random.normal() + 1.5 * t));
      const { low, high } = delong(targets, p);
      if (low! <= truth && truth <= high!) covered++;
    }
    expect(covered / 500).toBeGreaterThan(0.91);
    expect(covered / 500).toBeLessThan(0.98);
  });
});

function byDefinition(y: readonly number[], p: readonly number[]): { area: number; variance: number } {
  const males = p.filter((_, i) => y[i] === 1);
  const females = p.filter((_, i) => y[i] === 0);
  const psi = (m: number, f: number): number => (m > f ? 1 : m === f ? 0.5 : 0);
  const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const v10 = males.map((m) => mean(females.map((f) => psi(m, f))));
  const v01 = females.map((f) => mean(males.map((m) => psi(m, f))));
  const s = (list: number[]) =>
    list.reduce((total, v) => total + (v - mean(list)) ** 2, 0) / (list.length - 1);
  return { area: mean(v10), variance: s(v10) / v10.length + s(v01) / v01.length };
}
