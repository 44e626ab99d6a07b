import { describe, expect, test } from "vitest";
import { Random } from "../../core/random.ts";
import { evaluateBinary } from "../metrics/metrics.ts";
import { COMPARED_METRICS } from "../metrics/weighted.ts";
import { meanAucDifference } from "./clustered.ts";
import { compareArms, type PairedArms } from "./compare.ts";
import { criticalValue, normalCdf, normalQuantile } from "./normal.ts";

/** Subjects with three images; both models see the same person, the first one is better by `gain`. */
function draw(random: Random, count: number, gain: number, seeds = 1): PairedArms {
  const y: number[] = [];
  const subjects: string[] = [];
  const first: number[][] = Array.from({ length: seeds }, () => []);
  const second: number[][] = Array.from({ length: seeds }, () => []);
  for (let s = 0; s < count; s++) {
    const own = random.normal();
    for (let i = 0; i < 3; i++) {
      y.push(s % 2);
      subjects.push(`s${s}`);
      const sign = 2 * (s % 2) - 1;
      for (let k = 0; k < seeds; k++) {
        first[k]!.push(normalCdf(own + random.normal() + (1 + gain) * sign));
        second[k]!.push(normalCdf(own + random.normal() + sign));
      }
    }
  }
  return { y, subjects, first, second };
}

describe("two arms", () => {
  test("estimates are the metrics of each arm, averaged over seeds", () => {
    const arms = draw(Random.of(1), 20, 0.3, 2);
    for (const metric of COMPARED_METRICS) {
      const ours = compareArms(arms, { metric, replicates: 100 });
      const mean = (ps: PairedArms["first"]) =>
        ps.reduce((sum, p) => sum + evaluateBinary(arms.y, p)[metric]!, 0) / ps.length;
      expect(ours.first).toBeCloseTo(mean(arms.first), 12);
      expect(ours.second).toBeCloseTo(mean(arms.second), 12);
      expect(ours.estimate).toBeCloseTo(mean(arms.first) - mean(arms.second), 12);
      expect(ours.estimate).toBe(ours.first! - ours.second!);
      expect(ours).toMatchObject({ nImages: 60, nSubjects: 20, nSeeds: 2, mcnemar: null });
    }
  });

  test("A against B is A minus B, and the interval is on its side", () => {
    const better = draw(Random.of(11), 60, 1.5);
    const swapped = { ...better, first: better.second, second: better.first };
    for (const metric of ["balancedAccuracy", "rocAuc", "nll"] as const) {
      const [ours, theirs] = [better, swapped].map((arms) => compareArms(arms, { metric, seed: 2 }));
      expect(theirs!.estimate).toBe(-ours!.estimate!);
      expect(Math.sign(ours!.estimate!)).toBe(metric === "nll" ? -1 : 1);
      expect(ours!.low! * ours!.high!).toBeGreaterThan(0); // 0 is left out
      expect(theirs!.low!).toBeCloseTo(-ours!.high!, 12);
      expect(theirs!.p).toBe(ours!.p);
    }
  });

  test("0 lies in the interval exactly where p is above .05, for every metric", () => {
    const random = Random.of(31);
    let rejected = 0;
    for (let round = 0; round < 60; round++) {
      const arms = draw(random, 30, 0.4);
      const metric = COMPARED_METRICS[round % COMPARED_METRICS.length]!;
      const { low, high, p, estimate } = compareArms(arms, { metric, replicates: 300, seed: round });
      if (low === null || high === null) continue;
      expect(low <= 0 && 0 <= high, `${metric}: p ${p}, [${low}, ${high}]`).toBe(p! > 0.05);
      expect(low <= estimate! && estimate! <= high, metric).toBe(true);
      if (p! <= 0.05) rejected++;
    }
    expect(rejected).toBeGreaterThan(5);
  });

  test("the interval holds the differences that the test does not reject, by shifting the answers themselves", () => {
    // Accuracy is linear: taking d off each subject's gain must give the test's own p.
    const arms = draw(Random.of(8), 12, 0.6);
    const { low, high, estimate } = compareArms(arms, { metric: "accuracy", replicates: 20_000, level: 0.9 });
    const right = (model: readonly number[], i: number) => Number(model[i]! >= 0.5 === (arms.y[i] === 1));
    const gains = Array.from({ length: 12 }, (_, s) =>
      arms.subjects.reduce(
        (sum, name, i) =>
          name === `s${s}` ? sum + (right(arms.first[0]!, i) - right(arms.second[0]!, i)) / 36 : sum,
        0,
      ),
    );
    const pOf = (d: number) => {
      let asLarge = 0;
      for (let signs = 0; signs < 4096; signs++) {
        const total = gains.reduce((sum, g, s) => sum + ((signs >> s) & 1 ? -1 : 1) * (g - d / 12), 0);
        if (Math.abs(total) >= Math.abs(estimate! - d) - 1e-12) asLarge++;
      }
      return asLarge / 4096;
    };
    for (const [inside, end] of [
      [1, low!],
      [-1, high!],
    ] as const) {
      expect(pOf(end + inside * 0.01)).toBeGreaterThan(0.09);
      expect(pOf(end - inside * 0.01)).toBeLessThan(0.11);
    }
  });

  test("areas are compared by ranks: another scale of the same order changes nothing", () => {
    const arms = draw(Random.of(6), 40, 0.3);
    const flat = { ...arms, second: arms.second.map((p) => p.map((value) => value ** 5)) };
    const [one, other] = [arms, flat].map((of) => compareArms(of, { metric: "rocAuc", replicates: 200 }));
    expect({ ...other, mcnemar: null }).toEqual({ ...one, mcnemar: null }); // decisions did change
  });

  test("two areas also have DeLong's p over subjects, other metrics have none", () => {
    const arms = draw(Random.of(5), 60, 0.5, 2);
    const options = { replicates: 400 };
    const { delongP, p } = compareArms(arms, { ...options, metric: "rocAuc" });
    expect(delongP).toBe(meanAucDifference(arms.y, arms.first, arms.second, arms.subjects).p);
    expect(Math.abs(delongP! - p!)).toBeLessThan(0.05);
    expect(compareArms(arms, options).delongP).toBeNull();
  });

  test("p is the share of all exchanges of few subjects, to the precision of the draws", () => {
    const arms = draw(Random.of(3), 8, 1);
    const { p, estimate } = compareArms(arms, { metric: "accuracy", replicates: 20_000 });
    const right = (model: readonly number[], i: number) => Number(model[i]! >= 0.5 === (arms.y[i] === 1));
    const gains = Array.from({ length: 8 }, (_, s) =>
      arms.subjects.reduce(
        (sum, name, i) =>
          name === `s${s}` ? sum + right(arms.second[0]!, i) - right(arms.first[0]!, i) : sum,
        0,
      ),
    );
    let asLarge = 0;
    for (let signs = 0; signs < 256; signs++) {
      const total = gains.reduce((sum, gain, s) => sum + ((signs >> s) & 1 ? -gain : gain), 0);
      if (Math.abs(total) / 24 >= Math.abs(estimate!) - 1e-9) asLarge++;
    }
    expect(p).toBeCloseTo(asLarge / 256, 1.7);
  });

  test("counts discordant images of a single seed", () => {
    const arms = {
      y: [1, 1, 0, 0],
      subjects: ["a", "b", "c", "d"],
      first: [[0.9, 0.2, 0.1, 0.2]],
      second: [[0.9, 0.8, 0.7, 0.2]],
    };
    const { mcnemar } = compareArms(arms, { replicates: 100 });
    expect(mcnemar).toMatchObject({ onlyFirst: 1, onlySecond: 1, p: 1 });
  });

  test("states the smallest difference that it would have found", () => {
    const { standardError, minimumDetectable } = compareArms(draw(Random.of(2), 60, 0.2), {
      replicates: 400,
    });
    expect(minimumDetectable! / standardError!).toBeCloseTo(criticalValue(0.95) + normalQuantile(0.8), 12);
    expect(criticalValue(0.95) + normalQuantile(0.8)).toBeCloseTo(2.8016, 4);
  });

  test("equal arms do not differ", () => {
    const { y, subjects, first } = draw(Random.of(2), 10, 0);
    const same = compareArms({ y, subjects, first, second: first }, { replicates: 100 });
    // No subject distinguishes the two: a point would claim that nobody ever could.
    expect(same).toMatchObject({ estimate: 0, low: null, high: null, p: 1, standardError: null });
  });

  test("gives nothing where nothing is defined", () => {
    const arms = { y: [1, 1], subjects: ["a", "b"], first: [[0.9, 0.2]], second: [[0.9, 0.8]] };
    expect(compareArms(arms, { replicates: 100 })).toMatchObject({ estimate: null, p: null, low: null });
    expect(
      compareArms({ ...arms, subjects: ["a", "a"] }, { metric: "accuracy", replicates: 100 }),
    ).toMatchObject({
      estimate: -0.5,
      low: null,
      minimumDetectable: null,
    });
  });

  test("refuses arms that do not pair", () => {
    const arms = draw(Random.of(2), 4, 0);
    expect(() => compareArms({ ...arms, second: [] })).toThrowError(
      'Expected as many seeds in both arms, at least one for a comparison, got "1 and 0"',
    );
    expect(() => compareArms({ ...arms, second: [[0.5]] })).toThrowError(
      "Expected as many probabilities as targets (12) for probabilities, got 1",
    );
  });
});

describe("simulation", () => {
  const rounds = 400;

  test("intervals cover the true difference in 92 to 98 % of the draws", () => {
    const random = Random.of(21);
    // Scores have variance 2: right with probability Phi(shift / sqrt 2) for either class.
    const truth = normalCdf(1.5 / Math.SQRT2) - normalCdf(1 / Math.SQRT2);
    let covered = 0;
    for (let round = 0; round < rounds; round++) {
      const { low, high } = compareArms(draw(random, 60, 0.5), { replicates: 100, seed: round });
      if (low! <= truth && truth <= high!) covered++;
    }
    expect(covered / rounds).toBeGreaterThan(0.92);
    expect(covered / rounds).toBeLessThan(0.98);
  });

  test("a true null is rejected in 3 to 7 % of the draws", () => {
    const random = Random.of(22);
    let rejected = 0;
    for (let round = 0; round < rounds; round++) {
      if (compareArms(draw(random, 60, 0), { replicates: 100, seed: round }).p! <= 0.05) rejected++;
    }
    expect(rejected / rounds).toBeGreaterThan(0.03);
    expect(rejected / rounds).toBeLessThan(0.07);
  });
});
