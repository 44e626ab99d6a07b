// Orders of images by loss and by two models.
import { describe, expect, it } from "vitest";
import { inventedPredictions } from "../../../test/run-fixture.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { byOutcome, lossOf, paired, wordsOf, worst } from "./mistakes.ts";

const rows = inventedPredictions(40);

describe("worst mistakes", () => {
  it("are those decided against the record, costliest first", () => {
    const found = worst(rows, {}, 0.5);
    const wrong = rows.filter(({ target, probability }) => probability >= 0.5 !== (target === 1));
    expect(found).toHaveLength(wrong.length);
    for (const { row, loss } of found)
      expect(loss).toBeCloseTo(-Math.log(row.target === 1 ? row.probability : 1 - row.probability), 9);
    expect(found.map(({ loss }) => loss)).toEqual(found.map(({ loss }) => loss).toSorted((a, b) => b - a));
  });

  it("are those of a modality and a group, if asked for", () => {
    const found = worst(rows, { modality: "hand", age: "20-29" }, 0.5);
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found.map(({ row }) => `${row.modality} ${row.age}`))).toEqual(new Set(["hand 20-29"]));
    expect(wordsOf(rows, "age")).toEqual(["20-29", "70+"]);
  });

  it("have a loss where the probability is 0 to the last bit", () => {
    expect(lossOf({ ...rows[0]!, target: 1, logit: -900, probability: 0 } as never)).toBe(900);
  });
});

describe("two models", () => {
  it("are compared on images that both predicted, recorded alike", () => {
    const others = rows
      .slice(1)
      .map((row, i): Prediction => (i === 0 ? { ...row, target: row.target === 1 ? 0 : 1 } : row));
    const both = paired(rows, others);
    expect(both.rows).toHaveLength(rows.length - 2);
    expect(both.leftOut).toBe(2);
    expect(both.rows.map(({ id }) => id)).toEqual(both.others.map(({ id }) => id));
  });

  it("decide each image both, one or neither as recorded", () => {
    const others = rows.map((row) => ({ ...row, probability: 1 - row.probability }));
    const { both, first, second, neither } = byOutcome(paired(rows, others), 0.5);
    expect([both, neither]).toEqual([[], []]);
    expect(first.length + second.length).toBe(rows.length);
    expect(second).toHaveLength(worst(rows, {}, 0.5).length);
  });
});
