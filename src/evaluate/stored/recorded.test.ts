import { describe, expect, test } from "vitest";
import { inventedPredictions } from "../../../test/run-fixture.ts";
import { findContradictions } from "../analysis/contradictions.ts";
import { summarizeSeeds } from "../analysis/seed-summary.ts";
import type { Prediction } from "./prediction-row.ts";
import { recordedOtherwise } from "./recorded.ts";

const rows = inventedPredictions(30);
const changed = (change: Partial<Prediction>, at = 3) =>
  rows.map((row, i) => (i === at ? { ...row, ...change } : row));
const seeds = (others: readonly Prediction[]) =>
  summarizeSeeds([
    { seed: 1, rows },
    { seed: 2, rows: others },
  ]);

test("what a model predicted is not what was recorded", () => {
  const [row] = rows;
  expect(recordedOtherwise({ ...row!, ...{ probability: 0.1, logit: -2 } }, row!)).toBeUndefined();
  expect(recordedOtherwise({ ...row!, target: null }, { ...row!, target: 1 })).toBe(
    "target nothing instead of 1",
  );
});

describe("seeds", () => {
  test("in another order have the same figures", () => {
    expect(seeds([...rows].reverse()).overall.metrics.accuracy!.std).toBe(0);
  });

  test.each([
    ["another person", { subject: "pairs:other" }, "with subject pairs:other instead of pairs:"],
    [
      "another age, which would be averaged with a group of another name",
      { age: "0-2" },
      "with age 0-2 instead of ",
    ],
    ["another tone", { race: "tan" }, "with race tan instead of "],
    ["no label", { target: null }, "with target nothing instead of "],
    ["another image", { id: "more/hand" }, "pairs more/hand, which is not among them"],
  ])("with %s are refused", (_, change, got) => {
    const start = `Expected the ${rows.length} images of seed 1, recorded as there, for seed 2, got "pairs `;
    const act = () => seeds(changed(change));
    expect(act).toThrowError(start);
    expect(act).toThrowError(got);
  });

  test("with fewer images are refused", () => {
    expect(() => seeds(rows.slice(1))).toThrowError(`got "${rows.length - 1} images"`);
  });
});

describe("contradictions of several runs", () => {
  const labelled = rows.filter(({ source, target }) => source === "pairs" && target !== null);
  const [first] = labelled;
  const relabelled = { ...first!, target: first!.target === 1 ? 0 : 1 } as Prediction;

  test("of one version of the data are listed", () => {
    expect(findContradictions([...labelled, first!], 0.5).pairs).toBeGreaterThan(0);
  });

  test.each([
    ["a label", relabelled, `target ${relabelled.target} instead of ${first!.target}`],
    ["a person", { ...first!, subject: "pairs:other" }, "subject pairs:other instead of "],
  ])("that disagree about %s are refused", (_, row, got) => {
    const act = () => findContradictions([...labelled, row], 0.5);
    expect(act).toThrowError(`Expected what ${first!.id} records for ${first!.id}, got "${got}`);
  });
});
