import { describe, expect, test } from "vitest";
import { Random } from "../../core/random.ts";
import { evaluateBinary } from "../metrics/metrics.ts";
import { evaluateGroupThresholds, fitGroupThresholds } from "./thresholds.ts";

interface Row {
  subject: string;
  target: 0 | 1;
  probability: number;
  race: string;
  split: string;
}

/** Race b's scores are moved up, so that .5 is too low for it. */
function rows(seed: number, split: string, count = 200): Row[] {
  const random = Random.of(seed);
  return Array.from({ length: count }, (_, i) => {
    const target = (i % 2) as 0 | 1;
    const race = i % 4 < 2 ? "a" : "b";
    const centre = 0.35 + 0.2 * target + (race === "b" ? 0.2 : 0);
    const probability = Math.min(1, Math.max(0, centre + 0.1 * random.normal()));
    return { subject: `s${i}`, target, probability, race, split };
  });
}

describe("thresholds by group", () => {
  test("have the highest balanced accuracy of all thresholds, group by group", () => {
    const validation = rows(1, "val");
    const { byValue, common } = fitGroupThresholds(validation, "race");
    for (const [race, threshold] of [...Object.entries(byValue), ["", common] as const]) {
      const own = validation.filter((row) => race === "" || row.race === race);
      const at = (t: number) =>
        evaluateBinary(
          own.map((row) => row.target),
          own.map((row) => row.probability),
          { threshold: t },
        ).balancedAccuracy!;
      const best = Math.max(...Array.from({ length: 999 }, (_, k) => at((k + 1) / 1000)));
      expect(at(threshold)).toBeGreaterThanOrEqual(best - 1e-12);
    }
    expect(byValue["b"]!).toBeGreaterThan(byValue["a"]! + 0.1);
  });

  test("help on other images here, where the groups' scores are apart", () => {
    const thresholds = fitGroupThresholds(rows(1, "val"), "race");
    const test = rows(2, "test");
    const plain = evaluateBinary(
      test.map((row) => row.target),
      test.map((row) => row.probability),
      { threshold: thresholds.common },
    );
    expect(evaluateGroupThresholds(test, thresholds).balancedAccuracy!).toBeGreaterThan(
      plain.balancedAccuracy!,
    );
  });

  test("of equal ones the one nearest .5 is taken, whatever the order of the images", () => {
    const separable = ["0.1 0", "0.2 0", "0.8 1", "0.9 1"].flatMap((text, k) =>
      Array.from({ length: 10 }, (_, i): Row => {
        const [p, target] = text.split(" ");
        return {
          subject: `${k}-${i}`,
          target: Number(target) as 0 | 1,
          probability: Number(p),
          race: "a",
          split: "val",
        };
      }),
    );
    expect(fitGroupThresholds(separable, "race")).toEqual({
      analysisOnly: true,
      key: "race",
      common: 0.5,
      byValue: { a: 0.5 },
    });
    expect(fitGroupThresholds(separable.toReversed(), "race").common).toBe(0.5);
  });

  test("groups of too few subjects of either class use the common one", () => {
    const few = rows(3, "val", 60).filter((row, i) => row.race === "a" || i < 12);
    expect(fitGroupThresholds(few, "race").byValue).toEqual({}); // no class of a has 20 subjects
    const { byValue, common } = fitGroupThresholds(few, "race", 10);
    expect(Object.keys(byValue)).toEqual(["a"]);
    const one: Row = { subject: "x", target: 1, probability: common, race: "b", split: "test" };
    expect(
      evaluateGroupThresholds([one], { analysisOnly: true, key: "race", common, byValue }).accuracy,
    ).toBe(1);
  });

  test("are never chosen on test images, nor from one class", () => {
    expect(() => fitGroupThresholds(rows(1, "test"), "race")).toThrowError(
      'Expected predictions of split val only for the choice of thresholds, got "test"',
    );
    const males = rows(1, "val").filter((row) => row.target === 1);
    expect(() => fitGroupThresholds(males, "race")).toThrowError(
      'Expected images recorded as female and as male for the choice of thresholds, got "one class"',
    );
  });
});
