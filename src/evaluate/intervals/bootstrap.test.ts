import { describe, expect, test } from "vitest";
import { Random } from "../../core/random.ts";
import { quantile } from "../metrics/calibration.ts";
import { evaluateBinary } from "../metrics/metrics.ts";
import { BOOTSTRAP_METRICS, bootstrapBySubject } from "./bootstrap.ts";
import { wilson } from "./intervals.ts";
import { normalCdf } from "./normal.ts";

interface Set {
  y: number[];
  p: number[];
  subjects: string[];
}

/** Images in clusters: a subject's score has a part of its own and a part of the image. */
function draw(random: Random, subjects: number, imagesEach: number, digits = 12): Set {
  const out: Set = { y: [], p: [], subjects: [] };
  for (let s = 0; s < subjects; s++) {
    const own = random.normal();
    for (let i = 0; i < imagesEach; i++) {
      out.y.push(s % 2);
      out.p.push(Number(normalCdf(own + random.normal() + 2 * ((s % 2) - 0.5)).toFixed(digits)));
      out.subjects.push(`s${s}`);
    }
  }
  return out;
}

describe("bootstrap over subjects", () => {
  test("takes rounding for no width of an interval", () => {
    // Every image has the loss -ln .9; its sums in another order differ in their last digits.
    const y = Uint8Array.from({ length: 120 }, (_, i) => (i >> 1) % 2);
    const p = Float64Array.from(y, (target) => (target === 1 ? 0.9 : 0.1));
    const subjects = Array.from(y, (_, i) => `s${i >> 1}`);
    const { nll, brier } = bootstrapBySubject(y, p, subjects, { replicates: 300 });
    expect([nll.low, nll.high, brier.low, brier.high]).toEqual([null, null, null, null]);
  });

  test("equals drawing subjects, copying their rows and evaluating them, ties included", () => {
    const { y, p, subjects } = draw(Random.of(1), 13, 3, 1);
    const names = [...new Set(subjects)];
    const random = Random.of(9).split("bootstrap");
    const draws = Array.from({ length: 150 }, () => {
      const rows = names.flatMap(() => {
        const name = names[random.int(names.length)]!;
        return subjects.flatMap((subject, i) => (subject === name ? [i] : []));
      });
      return evaluateBinary(
        rows.map((i) => y[i]!),
        rows.map((i) => p[i]!),
      );
    });
    const ours = bootstrapBySubject(y, p, subjects, { replicates: 150, seed: 9, level: 0.9 });
    for (const name of BOOTSTRAP_METRICS) {
      const values = draws.flatMap((metrics) => metrics[name] ?? []).sort((a, b) => a - b);
      expect(ours[name].replicates, name).toBe(values.length);
      expect(ours[name].low, name).toBeCloseTo(quantile(values, 0.05), 10);
      expect(ours[name].high, name).toBeCloseTo(quantile(values, 0.95), 10);
      expect(ours[name].estimate, name).toBe(evaluateBinary(y, p)[name]);
    }
  });

  test("the same seed gives the same interval, another one does not", () => {
    const { y, p, subjects } = draw(Random.of(2), 30, 2);
    const of = (seed: number) => bootstrapBySubject(y, p, subjects, { seed, replicates: 200 });
    expect(of(1)).toEqual(of(1));
    expect(of(1).rocAuc).not.toEqual(of(2).rocAuc);
  });

  test("copies of a subject's images add no certainty", () => {
    const { y, p, subjects } = draw(Random.of(4), 40, 1);
    const many = <T>(list: T[]) => list.flatMap((v) => Array<T>(10).fill(v));
    const once = bootstrapBySubject(y, p, subjects, { seed: 3 }).accuracy;
    const tenfold = bootstrapBySubject(many(y), many(p), many(subjects), { seed: 3 }).accuracy;
    expect([tenfold.low, tenfold.high]).toEqual([once.low, once.high]);
    const asStrangers = bootstrapBySubject(
      many(y),
      many(p),
      many(subjects).map((_, i) => `x${i}`),
      { seed: 3 },
    ).accuracy;
    expect(asStrangers.high! - asStrangers.low!).toBeLessThan(0.6 * (once.high! - once.low!));
  });

  test("covers the true figures in 93 to 97 % of the draws although images of a subject resemble each other", () => {
    const random = Random.of(6);
    const accuracy = normalCdf(1 / Math.SQRT2);
    // Classes are mirror images of one another and equally frequent.
    const truths = { accuracy, rocAuc: normalCdf(1), tprGap: 0, eer: 1 - accuracy, kappa: 2 * accuracy - 1 };
    const names = Object.keys(truths) as (keyof typeof truths)[];
    const covered = Object.fromEntries(names.map((name) => [name, 0]));
    const rounds = 1000;
    for (let round = 0; round < rounds; round++) {
      const { y, p, subjects } = draw(random, 120, 3);
      const intervals = bootstrapBySubject(y, p, subjects, { replicates: 200, seed: round });
      for (const name of names) {
        const { low, high } = intervals[name];
        if (low! <= truths[name] && truths[name] <= high!) covered[name]! += 1;
      }
    }
    for (const name of names) {
      expect(covered[name]! / rounds, name).toBeGreaterThan(0.93);
      expect(covered[name]! / rounds, name).toBeLessThan(0.97);
    }
  });

  test("no interval from one subject, or where the metric is rarely defined", () => {
    const single = bootstrapBySubject([0, 1], [0.2, 0.8], ["a", "a"]);
    expect(single.accuracy).toEqual({
      estimate: 1,
      low: null,
      high: null,
      level: 0.95,
      replicates: 0,
      method: "none",
    });
    const oneClass = bootstrapBySubject([1, 1], [0.6, 0.8], ["a", "b"]);
    expect(oneClass.rocAuc).toMatchObject({ estimate: null, low: null, replicates: 0 });
    expect(oneClass.accuracy).toMatchObject({ low: wilson(2, 2).low, high: 1, replicates: 2000 });
  });

  test("no interval has width 0: rates of 0 and 1 have Wilson's of their subjects, other figures say that they have none", () => {
    // 25 females and 25 males, two images each; all females right, two images of males wrong.
    const subjects = Array.from({ length: 100 }, (_, i) => `s${i >> 1}`);
    const y = subjects.map((_, i) => (i < 50 ? 0 : 1));
    const p = y.map((target, i) => (i === 60 || i === 80 ? 0.4 : 0.1 + 0.8 * target));
    const found = bootstrapBySubject(y, p, subjects);
    expect(found.tprFemale).toMatchObject({
      estimate: 1,
      low: wilson(25, 25).low,
      high: 1,
      method: "wilson",
    });
    expect(found.tprFemale.low).toBeCloseTo(1 / (1 + 1.959963985 ** 2 / 25), 8); // 0.867
    expect(found.tprMale.method).toBe("bootstrap");
    expect(found.precisionMale).toMatchObject({ estimate: 1, low: wilson(25, 25).low, method: "wilson" });
    expect(found.rocAuc).toMatchObject({ estimate: 1, low: null, high: null, method: "none" });
    // The mean of a rate that cannot vary and of one that can: as wide as both of them allow.
    const half = Math.hypot(1 - found.tprFemale.low!, found.tprMale.estimate! - found.tprMale.low!) / 2;
    expect(found.balancedAccuracy.low).toBeCloseTo(found.balancedAccuracy.estimate! - half, 12);
    for (const [name, { low, high }] of Object.entries(found))
      expect(low === null || low < high!, name).toBe(true);
  });

  test("refuses too few draws and missing subjects", () => {
    expect(() => bootstrapBySubject([0, 1], [0.2, 0.8], ["a", "b"], { replicates: 10 })).toThrowError(
      "Expected an integer from 100 to 1000000 for the number of bootstrap draws, got 10",
    );
    expect(() => bootstrapBySubject([0, 1], [0.2, 0.8], ["a"])).toThrowError(
      "Expected as many subjects as targets (2) for subjects, got 1",
    );
  });
});
