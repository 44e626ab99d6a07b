import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { applyTemperature, fitTemperature, quantile, reliabilityBins } from "./calibration.ts";

const golden = JSON.parse(
  readFileSync(new URL("../../../test/parity/goldens/evaluate.json", import.meta.url), "utf8"),
) as {
  temperature: {
    y: number[];
    logits: number[];
    temperature: number;
    nllBefore: number;
    nllAfter: number;
  };
};

describe("reliability bins", () => {
  test("a value on an edge belongs to the bin below it, 0 to the first one", () => {
    expect(reliabilityBins([0, 1, 1], [0, 0.5, 1], "equal-width", 2)).toEqual([
      { low: 0, high: 0.5, n: 2, meanProbability: 0.25, shareMale: 0.5 },
      { low: 0.5, high: 1, n: 1, meanProbability: 1, shareMale: 1 },
    ]);
  });

  test("equal mass: distinct values are spread evenly, equal ones stay together", () => {
    const p = Array.from({ length: 60 }, (_, i) => (i + 1) / 61);
    const sizes = reliabilityBins(
      p.map(() => 1),
      p,
      "equal-mass",
    ).map((bin) => bin.n);
    expect(sizes).toEqual(Array(15).fill(4));
    const tied = reliabilityBins([0, 1, 1, 0], [0.3, 0.3, 0.3, 0.9], "equal-mass", 4);
    expect(tied.map((bin) => bin.n)).toEqual([3, 1]);
  });

  test("quantiles as numpy's", () => {
    expect(quantile([1, 2, 3], 0.25)).toBe(1.5);
    expect(quantile([4], 0.7)).toBe(4);
    expect(quantile([1, 5], 1)).toBe(5);
  });
});

describe("temperature", () => {
  test("scipy finds the same minimum", () => {
    const { y, logits, ...expected } = golden.temperature;
    const fit = fitTemperature(y, logits);
    expect(fit.temperature).toBeCloseTo(expected.temperature, 5);
    expect(fit.nllBefore).toBeCloseTo(expected.nllBefore, 12);
    expect(fit.nllAfter).toBeCloseTo(expected.nllAfter, 12);
    expect(fit.atBound).toBe(false);
  });

  test("scaling the logits scales the temperature", () => {
    const { y, logits } = golden.temperature;
    const tenfold = fitTemperature(
      y,
      logits.map((z) => z / 10),
    );
    expect(tenfold.temperature * 10).toBeCloseTo(fitTemperature(y, logits).temperature, 5);
  });

  test("reports that there is no minimum inside: all right, or all wrong", () => {
    expect(fitTemperature([0, 1], [-3, 3])).toMatchObject({ atBound: true });
    expect(fitTemperature([0, 1], [-3, 3]).temperature).toBeCloseTo(0.02, 6);
    expect(fitTemperature([1, 0], [-3, 3]).temperature).toBeCloseTo(50, 4);
  });

  test("where NLL vanishes over a whole range, the lowest temperature is taken and called a bound", () => {
    const fit = fitTemperature([0, 1], [-1000, 1000]);
    expect(fit).toMatchObject({ atBound: true, nllAfter: 0 });
    expect(fit.temperature).toBeCloseTo(0.02, 6);
  });

  test("huge logits stay finite", () => {
    expect(fitTemperature([0, 1, 1], [5000, 4000, -100]).nllBefore).toBeCloseTo(5100 / 3, 8);
  });

  test("a temperature above 1 pulls towards .5", () => {
    expect(applyTemperature(2, 1)).toBeCloseTo(1 / (1 + Math.exp(-2)), 15);
    expect(applyTemperature(2, 4)).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 15);
  });

  test.each([
    [
      "infinite",
      [0, 1],
      [1, Infinity],
      "BAD_LOGIT",
      "Expected a finite number for the logit, got Infinity (index 1)",
    ],
    [
      "all zero",
      [0, 1],
      [0, 0],
      "LOGITS_ZERO",
      "Expected logits that are not all 0 for the temperature fit, got 0",
    ],
    ["too few", [0, 1], [1], "LENGTH_MISMATCH", "Expected as many logits as targets (2) for logits, got 1"],
  ])("%s logits are refused", (_name, y, logits, code, message) => {
    expect(() => fitTemperature(y, logits)).toThrowError(expect.objectContaining({ code, message }));
  });
});
