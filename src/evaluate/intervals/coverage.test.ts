// A short, seeded part of bench/coverage.ts: intervals of few people contain the truth about as often as they claim.
import { describe, expect, test } from "vitest";
import { coverageOf, simulations } from "../../../bench/coverage.ts";

const ROUNDS = 200;

describe("intervals of 20 subjects a class or group", () => {
  const coverage = (name: string, rounds = ROUNDS) => {
    const simulation = simulations([20]).find(({ names }) => names.includes(name))!;
    return coverageOf(simulation, rounds);
  };

  test("rates near 1 are covered, which percentiles alone cannot do", () => {
    for (const metric of ["accuracy", "tprFemale", "balancedAccuracy"]) {
      const name = `${metric}, truth 0.99`;
      const { covered, ownEstimate, undecided, percentiles } = coverage(name)[name]!;
      expect(covered, name).toBeGreaterThan(0.95);
      expect([ownEstimate, undecided], name).toEqual([1, 0]);
      if (metric === "accuracy") expect(percentiles).toBeLessThan(0.7);
    }
  });

  test("rates in the middle are covered in 88 % or more: percentiles of few people are narrow", () => {
    expect(coverage("accuracy, truth 0.8")["accuracy, truth 0.8"]!.covered).toBeGreaterThan(0.88);
  });

  test.each(["all .85", "one .7"])(
    "the spread of four groups, %s, is covered and contains itself",
    (which) => {
      const name = (figure: string) => `accuracy of 4 groups, ${which}: ${figure}`;
      const found = coverage(name("ratio"), 60); // of the same draws
      for (const figure of ["difference", "ratio"]) {
        const { covered, ownEstimate } = found[name(figure)]!;
        expect(covered).toBeGreaterThan(0.95);
        expect(ownEstimate).toBe(1);
      }
    },
  );

  test.each(["balancedAccuracy", "rocAuc"])("a difference of two models in %s is covered", (metric) => {
    for (const truth of ["no difference", "A better"]) {
      const name = `A minus B in ${metric}, ${truth}`;
      const { covered, ownEstimate } = coverage(name)[name]!;
      expect(covered, truth).toBeGreaterThan(0.88);
      expect(ownEstimate).toBe(1);
    }
  });
});
