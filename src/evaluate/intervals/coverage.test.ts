// A short, seeded part of bench/coverage.ts: intervals of few people contain the truth about as often as they claim.
import { describe, expect, test } from "vitest";
import { coverageOf, simulations } from "../../../bench/coverage.ts";

const ROUNDS = 200;

describe("intervals of 20 subjects a class or group", () => {
  const named = (name: string) => simulations([20]).find((simulation) => simulation.name === name)!;

  test("rates near 1 are covered, which percentiles alone cannot do", () => {
    for (const name of ["accuracy, truth 0.99", "tprFemale, truth 0.99", "balancedAccuracy, truth 0.99"]) {
      const { covered, ownEstimate, undecided } = coverageOf(named(name), ROUNDS);
      expect(covered, name).toBeGreaterThan(0.95);
      expect([ownEstimate, undecided], name).toEqual([1, 0]);
    }
    expect(coverageOf(named("accuracy, truth 0.99"), ROUNDS).percentiles).toBeLessThan(0.7);
  });

  test("rates in the middle are covered in 88 % or more: percentiles of few people are narrow", () => {
    expect(coverageOf(named("accuracy, truth 0.8"), ROUNDS).covered).toBeGreaterThan(0.88);
  });

  test.each(["all .85", "one .7"])(
    "the spread of four groups, %s, is covered and contains itself",
    (which) => {
      for (const figure of ["difference", "ratio"]) {
        const { covered, ownEstimate } = coverageOf(named(`accuracy of 4 groups, ${which}: ${figure}`), 60);
        expect(covered).toBeGreaterThan(0.95);
        expect(ownEstimate).toBe(1);
      }
    },
  );

  test.each(["balancedAccuracy", "rocAuc"])("a difference of two models in %s is covered", (metric) => {
    for (const truth of ["no difference", "A better"]) {
      const { covered, ownEstimate } = coverageOf(named(`A minus B in ${metric}, ${truth}`), ROUNDS);
      expect(covered, truth).toBeGreaterThan(0.88);
      expect(ownEstimate).toBe(1);
    }
  });
});
