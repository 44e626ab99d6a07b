import { describe, expect, test } from "vitest";
import { Random } from "../core/random.ts";
import { quantile } from "./calibration.ts";
import { meanAucDifference } from "./clustered.ts";
import { compareArms, type PairedArms } from "./compare.ts";
import { evaluateBinary } from "./metrics.ts";
import { criticalValue, normalCdf, normalQuantile } from "./normal.ts";
import { COMPARED_METRICS } from "./weighted.ts";

/** Subjects with three images; both models see the same person, the second one is better by `gain`. */
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
        first[k]!.push(normalCdf(own + random.normal() + sign));
        second[k]!.push(normalCdf(own + random.normal() + (1 + gain) * sign));
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
      expect(ours.estimate).toBeCloseTo(mean(arms.second) - mean(arms.first), 12);
      expect(ours).toMatchObject({ nImages: 60, nSubjects: 20, nSeeds: 2, mcnemar: null });
    }
  });

  test("a draw of a difference in ECE is that of the drawn subjects' rows, ties included", () => {
    const random = Random.of(4);
    const y = Array.from({ length: 40 }, (_, i) => Math.floor(i / 4) % 2);
    const subjects = y.map((_, i) => `s${Math.floor(i / 4)}`);
    const [a, b] = [0, 1].map(() => y.map(() => random.int(16) / 15)) as [number[], number[]];
    const ours = compareArms({ y, subjects, first: [a], second: [b] }, { metric: "ece", replicates: 200 });
    const drawn = Random.of(0).split("bootstrap");
    const differences = Array.from({ length: 200 }, () => {
      const rows = Array.from({ length: 10 }, () => drawn.int(10)).flatMap((s) =>
        [0, 1, 2, 3].map((k) => 4 * s + k),
      );
      const [before, after] = [a, b].map((p) =>
        evaluateBinary(
          rows.map((i) => y[i]!),
          rows.map((i) => p[i]!),
        ),
      );
      return after!.ece - before!.ece;
    }).sort((x, z) => x - z);
    expect(ours.low).toBeCloseTo(quantile(differences, 0.025), 10);
    expect(ours.high).toBeCloseTo(quantile(differences, 0.975), 10);
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
    expect(same).toMatchObject({ estimate: 0, low: 0, high: 0, p: 1, standardError: 0 });
  });

  test("says nothing of what is not defined", () => {
    const arms = { y: [1, 1], subjects: ["a", "b"], first: [[0.9, 0.2]], second: [[0.9, 0.8]] };
    expect(compareArms(arms, { replicates: 100 })).toMatchObject({ estimate: null, p: null, low: null });
    expect(
      compareArms({ ...arms, subjects: ["a", "a"] }, { metric: "accuracy", replicates: 100 }),
    ).toMatchObject({
      estimate: 0.5,
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
  const rounds = 600;

  test("intervals cover the true difference in 93 to 97 % of the draws", () => {
    const random = Random.of(21);
    // Scores have variance 2: right with probability Phi(shift / sqrt 2) for either class.
    const truth = normalCdf(1.5 / Math.SQRT2) - normalCdf(1 / Math.SQRT2);
    let covered = 0;
    for (let round = 0; round < rounds; round++) {
      const { low, high } = compareArms(draw(random, 200, 0.5), {
        replicates: 400,
        permutations: 0,
        seed: round,
      });
      if (low! <= truth && truth <= high!) covered++;
    }
    expect(covered / rounds).toBeGreaterThan(0.93);
    expect(covered / rounds).toBeLessThan(0.97);
  });

  test("a true null is rejected in 3 to 7 % of the draws", () => {
    const random = Random.of(22);
    let rejected = 0;
    for (let round = 0; round < rounds; round++) {
      if (compareArms(draw(random, 60, 0), { replicates: 200, seed: round }).p! <= 0.05) rejected++;
    }
    expect(rejected / rounds).toBeGreaterThan(0.03);
    expect(rejected / rounds).toBeLessThan(0.07);
  });
});
