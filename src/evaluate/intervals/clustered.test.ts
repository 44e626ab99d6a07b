import { describe, expect, test } from "vitest";
import { Random } from "../../core/random.ts";
import { evaluateBinary } from "../metrics/metrics.ts";
import { aucDifference, clusteredAuc, meanAucDifference } from "./clustered.ts";
import { delong } from "./intervals.ts";
import { normalCdf } from "./normal.ts";

const names = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`);

describe("clustered ROC-AUC", () => {
  test("is DeLong's where every subject has one image", () => {
    const random = Random.of(4);
    for (let round = 0; round < 10; round++) {
      const y = Array.from({ length: 30 }, (_, i) => (i < 4 ? i % 2 : random.int(2)));
      const p = y.map((t) => (random.int(9) + t) / 10);
      const [ours, theirs] = [clusteredAuc(y, p, names(30)), delong(y, p)];
      expect(ours.estimate).toBeCloseTo(theirs.estimate!, 14);
      expect(ours.variance).toBeCloseTo(theirs.variance!, 14);
    }
  });

  test("a copy of every image adds nothing: subjects count, not images", () => {
    const random = Random.of(5);
    const y = Array.from({ length: 60 }, (_, i) => i % 2);
    const p = y.map((t) => normalCdf(random.normal() + t));
    const twice = <T>(list: readonly T[]) => list.flatMap((value) => [value, value]);
    const once = clusteredAuc(y, p, names(60));
    expect(clusteredAuc(twice(y), twice(p), twice(names(60))).variance).toBeCloseTo(once.variance!, 14);
    // DeLong takes the copies for strangers and halves the variance.
    expect(delong(twice(y), twice(p)).variance! / once.variance!).toBeCloseTo(0.5, 1);
  });

  test("counts subjects with images of both classes in both, as in Obuchowski's formula", () => {
    const y = [1, 0, 1, 0, 1, 0, 1, 1];
    const p = [0.9, 0.4, 0.7, 0.6, 0.3, 0.2, 0.8, 0.5];
    const subjects = ["a", "a", "b", "b", "c", "d", "d", "e"];
    const { estimate, variance } = clusteredAuc(y, p, subjects);
    // By hand: placements of the males .9 .7 .3 .8 .5 among females .4 .6 .2: 1 1 1/3 1 2/3.
    const area = (1 + 1 + 1 / 3 + 1 + 2 / 3) / 5;
    expect(estimate).toBeCloseTo(area, 14);
    // Of the females .4 .6 .2 (subjects a b d): 4/5 3/5 1.
    const male = [1 - area, 1 - area, 1 / 3 - area, 1 - area, 2 / 3 - area]; // a b c d e
    const female = [4 / 5 - area, 3 / 5 - area, 0, 1 - area, 0];
    const squares = (list: number[]) => list.reduce((sum, v) => sum + v * v, 0);
    const cross = male.reduce((sum, v, i) => sum + v * female[i]!, 0);
    const expected =
      ((5 / 4) * squares(male)) / 25 + ((3 / 2) * squares(female)) / 9 + (2 * (5 / 4) * cross) / 15;
    expect(variance).toBeCloseTo(expected, 14);
  });

  test("is undefined with one subject of a class", () => {
    expect(clusteredAuc([0, 1, 1], [0.1, 0.5, 0.9], ["a", "b", "b"])).toMatchObject({
      estimate: 1,
      variance: null,
    });
    expect(clusteredAuc([1, 1], [0.5, 0.9], ["a", "b"])).toMatchObject({ estimate: null, low: null });
  });

  test("covers the true area in 93 to 97 % of the draws, with images of a subject alike", () => {
    const random = Random.of(8);
    let covered = 0;
    for (let round = 0; round < 1000; round++) {
      const { y, p, subjects } = draw(random, 100);
      const { low, high } = clusteredAuc(y, p[0]!, subjects);
      if (low! <= TRUTH && TRUTH <= high!) covered++;
    }
    expect(covered / 1000).toBeGreaterThan(0.93);
    expect(covered / 1000).toBeLessThan(0.97);
  });
});

/** Scores N(+-1, 1) of a subject plus N(0, 1) of an image: a male is above a female with probability Phi(1). */
const TRUTH = normalCdf(1);

function draw(random: Random, count: number): { y: number[]; p: [number[], number[]]; subjects: string[] } {
  const out = { y: [] as number[], p: [[], []] as [number[], number[]], subjects: [] as string[] };
  for (let s = 0; s < count; s++) {
    const own = random.normal() + 2 * (s % 2) - 1;
    for (let i = 0; i < 3; i++) {
      out.y.push(s % 2);
      out.subjects.push(`s${s}`);
      for (const p of out.p) p.push(normalCdf(own + random.normal()));
    }
  }
  return out;
}

describe("difference of two areas", () => {
  test("is DeLong's test of two correlated areas where every subject has one image", () => {
    const random = Random.of(12);
    const y = Array.from({ length: 40 }, (_, i) => i % 2);
    const [a, b] = [1, 0.5].map((gain) => y.map((t) => (random.int(20) + 8 * gain * t) / 30)) as [
      number[],
      number[],
    ];
    const { estimate, variance } = aucDifference(y, a, b, names(40));
    const of = (p: number[]) => evaluateBinary(y, p).rocAuc!;
    expect(estimate).toBeCloseTo(of(a) - of(b), 14);
    expect(variance).toBeCloseTo(varianceByDefinition(y, a, b), 14);
  });

  test("rejects a true null in 3 to 7 % of the draws", () => {
    const random = Random.of(9);
    let rejected = 0;
    for (let round = 0; round < 1000; round++) {
      const { y, p, subjects } = draw(random, 100);
      if (aucDifference(y, p[0]!, p[1]!, subjects).p! < 0.05) rejected++;
    }
    expect(rejected / 1000).toBeGreaterThan(0.03);
    expect(rejected / 1000).toBeLessThan(0.07);
  });

  test("of several seeds is the mean difference, and of copies of one seed that of the seed", () => {
    const [one, two] = [draw(Random.of(1), 30), draw(Random.of(2), 30)];
    const { y, subjects } = one;
    const single = aucDifference(y, one.p[0]!, one.p[1]!, subjects);
    const copies = meanAucDifference(y, [one.p[0]!, one.p[0]!], [one.p[1]!, one.p[1]!], subjects);
    expect(copies.estimate).toBeCloseTo(single.estimate!, 12);
    expect(copies.variance).toBeCloseTo(single.variance!, 12);
    const both = meanAucDifference(y, [one.p[0]!, two.p[0]!], [one.p[1]!, two.p[1]!], subjects);
    const other = aucDifference(y, two.p[0]!, two.p[1]!, subjects);
    expect(both.estimate).toBeCloseTo((single.estimate! + other.estimate!) / 2, 12);
    expect(both.variance).toBeLessThan((single.variance! + other.variance!) / 2);
  });

  test("of equal models is nothing", () => {
    const { y, p, subjects } = draw(Random.of(1), 10);
    expect(aucDifference(y, p[0]!, p[0]!, subjects)).toMatchObject({ estimate: 0, variance: 0, p: 1 });
  });
});

/** DeLong's covariance matrix from all pairs: var(A) + var(B) - 2 cov(A, B). */
function varianceByDefinition(y: readonly number[], a: readonly number[], b: readonly number[]): number {
  const males = y.flatMap((t, i) => (t === 1 ? [i] : []));
  const females = y.flatMap((t, i) => (t === 0 ? [i] : []));
  const psi = (p: readonly number[], m: number, f: number): number =>
    p[m]! > p[f]! ? 1 : p[m] === p[f] ? 0.5 : 0;
  const mean = (list: readonly number[]) => list.reduce((x, v) => x + v, 0) / list.length;
  const parts = (p: readonly number[]) => [
    males.map((m) => mean(females.map((f) => psi(p, m, f)))),
    females.map((f) => mean(males.map((m) => psi(p, m, f)))),
  ];
  const covariance = (u: readonly number[], v: readonly number[]) =>
    u.reduce((sum, x, i) => sum + (x - mean(u)) * (v[i]! - mean(v)), 0) / (u.length - 1) / u.length;
  const [pa, pb] = [parts(a), parts(b)];
  return [0, 1].reduce(
    (sum, k) =>
      sum + covariance(pa[k]!, pa[k]!) + covariance(pb[k]!, pb[k]!) - 2 * covariance(pa[k]!, pb[k]!),
    0,
  );
}
