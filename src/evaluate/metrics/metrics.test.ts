import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AppError } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { eceOf, reliabilityBins } from "./calibration.ts";
import { type BinaryMetrics, evaluateBinary } from "./metrics.ts";
import { METRICS } from "./table.ts";
import { COMPARED_METRICS, weighable, weightedMetric, weightedMetrics } from "./weighted.ts";

interface Curve {
  share: number[];
  mean: number[];
  n: number[];
  ece: number;
}
interface Case {
  name: string;
  y: number[];
  p: number[];
  threshold: number;
  expected: Pick<BinaryMetrics, "confusion"> & { uniform: Curve; quantile: Curve };
}

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../test/parity/goldens/${name}.json`, import.meta.url), "utf8"));
const golden = read("evaluate") as { cases: Case[] };
/** Values by case; null where scikit-learn's is no definition of ours. */
const { metrics } = read("metrics") as { metrics: Record<string, { values: (number | null)[] }> };

describe("scikit-learn's values", () => {
  test.each(golden.cases.map((c, i) => ({ ...c, i })))("$name", ({ i, y, p, threshold, expected }) => {
    const ours = evaluateBinary(y, p, { threshold });
    expect(ours.confusion).toEqual(expected.confusion);
    for (const name of METRICS) {
      const value = metrics[name]?.values[i] ?? null;
      if (value !== null) expect(ours[name], name).toBeCloseTo(value, 12);
    }
    expect(ours.ece).toBeCloseTo(expected.uniform.ece, 12);
    expect(ours.eceAdaptive).toBeCloseTo(expected.quantile.ece, 12);
  });

  test("are there for every metric", () => {
    const compared = Object.keys(metrics).filter((name) =>
      metrics[name]!.values.some((value) => value !== null),
    );
    const known = new Set([...compared, "ece", "eceAdaptive"]); // the last two of the curves
    expect(METRICS.filter((name) => !known.has(name))).toEqual([]);
  });

  test.each(golden.cases)("calibration_curve: $name", ({ y, p, expected }) => {
    for (const [binning, curve] of [
      ["equal-width", expected.uniform],
      ["equal-mass", expected.quantile],
    ] as const) {
      const bins = reliabilityBins(y, p, binning);
      expect(bins.map((bin) => bin.n)).toEqual(curve.n);
      bins.forEach((bin, k) => {
        expect(bin.shareMale).toBeCloseTo(curve.share[k]!, 12);
        expect(bin.meanProbability).toBeCloseTo(curve.mean[k]!, 12);
      });
    }
  });
});

describe("weighed images", () => {
  test.each(golden.cases)("each once have the same figures: $name", ({ y, p, threshold }) => {
    const unit = Int32Array.from(y, (_, i) => i);
    const images = weighable({ y, p, unit }, threshold);
    const once = new Int32Array(y.length).fill(1);
    const plain = evaluateBinary(y, p, { threshold });
    const all = weightedMetrics(images, once);
    for (const name of COMPARED_METRICS) {
      const value = plain[name];
      const weighed = [weightedMetric(images, once, name), ...(name === "ece" ? [] : [all[name]])];
      for (const got of weighed) {
        if (value === null) expect(got, name).toBeNull();
        else expect(got, name).toBeCloseTo(value, 10);
      }
    }
  });

  test("have no figure where none has a weight", () => {
    const images = weighable({ y: [0, 1], p: [0.2, 0.8], unit: Int32Array.of(0, 1) }, 0.5);
    expect(new Set(Object.values(weightedMetrics(images, new Int32Array(2))))).toEqual(new Set([null]));
    for (const name of COMPARED_METRICS) expect(weightedMetric(images, new Int32Array(2), name)).toBeNull();
  });
});

describe("degenerate sets", () => {
  test("one class: what needs both is null, the rest stays", () => {
    const males = evaluateBinary([1, 1], [0.9, 0.4]);
    expect(males).toMatchObject({ tprMale: 0.5, tprFemale: null, balancedAccuracy: null });
    expect(males).toMatchObject({ rocAuc: null, prAuc: null, accuracy: 0.5, f1Female: 0, f1Macro: 1 / 3 });
    expect(males).toMatchObject({ prAucFemale: null, eer: null, tprGap: null, kappa: 0 });
    expect(males.meanError).toBeCloseTo(-0.35, 12);
    expect(evaluateBinary([1, 1], [0.9, 0.8]).kappa).toBeNull();
    const females = evaluateBinary([0, 0], [0.1, 0.2]);
    expect(females).toMatchObject({ tprMale: null, tprFemale: 1, f1Male: null, f1Female: 1, f1Macro: null });
  });

  test("p equal to the threshold is decided male", () => {
    expect(evaluateBinary([1, 0], [0.5, 0.5]).confusion).toEqual({
      truePositive: 1,
      falsePositive: 1,
      trueNegative: 0,
      falseNegative: 0,
    });
  });

  test("a certain and wrong prediction costs a finite, documented amount", () => {
    expect(evaluateBinary([1], [0]).nll).toBeCloseTo(52 * Math.log(2), 10);
  });

  test("negative zero ties with zero", () => {
    expect(evaluateBinary([1, 0], [-0, 0]).rocAuc).toBe(0.5);
    expect(evaluateBinary([1, 0], [0, -0]).rocAuc).toBe(0.5);
  });
});

describe("refused", () => {
  const cases: [string, string, () => unknown, string][] = [
    ["no image", "EMPTY", () => evaluateBinary([], []), "at least one image for evaluation, got 0"],
    [
      "unequal lengths",
      "LENGTH_MISMATCH",
      () => evaluateBinary([0, 1], [0.5]),
      "as many probabilities as targets (2) for probabilities, got 1",
    ],
    [
      "NaN",
      "BAD_PROBABILITY",
      () => evaluateBinary([0, 1], [0.5, Number.NaN]),
      "a number from 0 to 1 for the probability, got NaN (index 1)",
    ],
    [
      "p above 1",
      "BAD_PROBABILITY",
      () => evaluateBinary([0], [1.01]),
      "a number from 0 to 1 for the probability, got 1.01 (index 0)",
    ],
    [
      "another target",
      "BAD_TARGET",
      () => evaluateBinary([2], [0.5]),
      "0 (female) or 1 (male) for the target, got 2 (index 0)",
    ],
    [
      "threshold 1",
      "BAD_THRESHOLD",
      () => evaluateBinary([1], [0.5], { threshold: 1 }),
      "a number between 0 and 1 for the threshold, got 1",
    ],
    [
      "half a bin",
      "BAD_BIN_COUNT",
      () => reliabilityBins([1], [0.5], "equal-width", 0.5),
      "an integer from 1 to 1000 for the number of bins, got 0.5",
    ],
  ];
  test.each(cases)("%s", (_name, code, run, message) => {
    expect(run).toThrowError(expect.objectContaining({ code, message: `Expected ${message}` }));
    expect(run).toThrowError(AppError);
  });
});

describe("properties", () => {
  const sets = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 20 })), {
    minLength: 2,
    maxLength: 60,
  });

  test("ROC-AUC is the share of ordered pairs, PR-AUC the sum of recall steps times precision", () => {
    fc.assert(
      fc.property(sets, (rows) => {
        const y = rows.map(([target]) => target);
        const p = rows.map(([, k]) => k / 20);
        const { rocAuc, prAuc } = evaluateBinary(y, p);
        const males = p.filter((_, i) => y[i] === 1);
        const females = p.filter((_, i) => y[i] === 0);
        if (males.length === 0 || females.length === 0) return rocAuc === null && prAuc === null;
        const wins = males.flatMap((m) => females.map((f) => (m > f ? 1 : m === f ? 0.5 : 0) as number));
        expect(rocAuc).toBeCloseTo(wins.reduce((a, b) => a + b) / wins.length, 12);
        const precisions = males.map(
          (m) => males.filter((v) => v >= m).length / p.filter((v) => v >= m).length,
        );
        expect(prAuc).toBeCloseTo(precisions.reduce((a, b) => a + b) / males.length, 12);
        return true;
      }),
    );
  });

  test("the order of the images does not matter", () => {
    fc.assert(
      fc.property(sets, fc.integer(), (rows, seed) => {
        const of = (list: typeof rows) =>
          evaluateBinary(
            list.map(([target]) => target),
            list.map(([, k]) => k / 20),
          );
        expect(of(Random.of(seed).shuffle(rows))).toEqual(of(rows));
      }),
    );
  });

  test("bins cover every image and ECE lies in [0, 1]", () => {
    fc.assert(
      fc.property(sets, fc.integer({ min: 1, max: 30 }), (rows, count) => {
        for (const binning of ["equal-width", "equal-mass"] as const) {
          const y = rows.map(([target]) => target);
          const bins = reliabilityBins(
            y,
            rows.map(([, k]) => k / 20),
            binning,
            count,
          );
          expect(bins.reduce((sum, bin) => sum + bin.n, 0)).toBe(rows.length);
          expect(eceOf(bins)).toBeGreaterThanOrEqual(0);
          expect(eceOf(bins)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
