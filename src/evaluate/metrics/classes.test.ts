import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatSummary } from "../../report/format.ts";
import { summarize } from "../analysis/summary.ts";
import type { ClassProbabilities, Prediction } from "../stored/prediction-row.ts";
import { decideClass, evaluateClasses } from "./classes.ts";

const { classes: golden } = JSON.parse(
  readFileSync(new URL("../../../test/parity/goldens/evaluate.json", import.meta.url), "utf8"),
) as {
  classes: {
    names: string[];
    recorded: string[];
    probabilities: number[][];
    accuracy: number;
    balancedAccuracy: number;
    recall: number[];
    oneOffAccuracy: number;
    meanAbsoluteError: number;
  };
};

const row = (i: number, more: Partial<Prediction>): Prediction => ({
  id: `i${i}`,
  source: "pairs",
  subject: `pairs:${i}`,
  modality: i % 2 === 0 ? "hand" : "face",
  split: "test",
  target: (i % 2) as 0 | 1,
  probability: 0.5,
  modalityUsed: null,
  gateHand: null,
  logit: 0,
  age: "",
  race: "",
  gesture: "",
  ...more,
});
const named = (values: readonly number[]): ClassProbabilities =>
  Object.fromEntries(golden.names.map((name, k) => [name, values[k]!]));
const rows = golden.recorded.map((age, i) =>
  row(i, { age, race: age, ageProbabilities: named(golden.probabilities[i]!) }),
);

describe("evaluateClasses", () => {
  test("gives scikit-learn's figures; a class that is never recorded has no recall and no part in the mean", () => {
    const metrics = evaluateClasses(rows, "age")!;
    expect(metrics.nImages).toBe(160);
    expect(metrics.accuracy).toBeCloseTo(golden.accuracy, 12);
    expect(metrics.balancedAccuracy).toBeCloseTo(golden.balancedAccuracy, 12);
    expect(metrics.oneOffAccuracy).toBeCloseTo(golden.oneOffAccuracy, 12);
    expect(metrics.meanAbsoluteError).toBeCloseTo(golden.meanAbsoluteError, 12);
    const recalls = metrics.classes.map(({ recall }) => recall);
    golden.recall.forEach((recall, k) => {
      expect(recalls[k]).toBeCloseTo(recall, 12);
    });
    expect(recalls[4]).toBeNull();
  });

  test("leaves out images without a record and of unknown classes, and counts them", () => {
    const some = [
      ...rows.slice(0, 10),
      row(200, { ageProbabilities: rows[0]!.ageProbabilities }),
      row(201, { age: "z", ageProbabilities: rows[0]!.ageProbabilities }),
      row(202, { age: "a" }), // of a model without the target
    ];
    const { nUnlabelled, unknown, ...figures } = evaluateClasses(some, "age")!;
    expect([nUnlabelled, unknown]).toEqual([1, { z: 1 }]);
    expect(figures).toEqual(expect.objectContaining({ nImages: 10 }));
    expect(figures.accuracy).toBe(evaluateClasses(rows.slice(0, 10), "age")!.accuracy);
  });

  test("counts subjects, and knows no order of races", () => {
    const p = { a: 0.9, b: 0.1 };
    const two = [
      row(0, { subject: "s", race: "a", raceProbabilities: p }),
      row(1, { subject: "s", race: "a", raceProbabilities: p }),
    ];
    const metrics = evaluateClasses(two, "race")!;
    expect(metrics).toMatchObject({ accuracy: 1, balancedAccuracy: null, oneOffAccuracy: null });
    expect(metrics.meanAbsoluteError).toBeNull();
    expect(metrics.classes[0]).toEqual({ name: "a", nImages: 2, nSubjects: 1, small: true, recall: null });
  });

  test("is undefined where there is nothing to compare", () => {
    expect(evaluateClasses(rows, "race")).toBeUndefined();
    expect(evaluateClasses([row(0, { ageProbabilities: { a: 0.5, b: 0.5 } })], "age")).toBeUndefined();
  });

  test("refuses models with other classes", () => {
    const other = row(999, { age: "a", ageProbabilities: { a: 0.5, b: 0.5 } });
    expect(() => evaluateClasses([...rows, other], "age")).toThrowError(
      /^Expected predictions of models with the same classes for age, got/,
    );
  });

  test("of equal probabilities the first class is taken", () => {
    expect(decideClass({ a: 0.2, b: 0.4, c: 0.4 })).toBe("b");
  });
});

describe("a summary of further targets", () => {
  const summary = summarize(rows, { replicates: 0 });
  test("has them overall and by modality, and nothing of targets that no row has", () => {
    expect(summary.targets!.map(({ target }) => target)).toEqual(["age"]);
    const { parts } = summary.targets![0]!;
    expect(parts.map(({ name }) => name)).toEqual(["overall", "hand", "face"]);
    const faces = rows.filter(({ modality }) => modality === "face");
    expect(parts[2]!.metrics).toEqual(evaluateClasses(faces, "age"));
    const without = rows.map(({ ageProbabilities: _, ...rest }) => rest);
    expect(summarize(without, { replicates: 0 })).not.toHaveProperty("targets");
  });

  test("is shown with figures, classes and what is left out", () => {
    const more = [...rows, row(998, { age: "z", ageProbabilities: rows[0]!.ageProbabilities })];
    const text = formatSummary(summarize(more, { replicates: 0 }));
    expect(text).toContain("Apparent age, by bucket: agreement with the recorded class");
    expect(text).toMatch(/^within one class +0\.\d{3} +0\.\d{3} +0\.\d{3}$/m);
    expect(text).toMatch(/^mean classes off +\d\.\d{3} +\d\.\d{3} +\d\.\d{3}$/m);
    expect(text).toContain("left out: 1 as z, which the model does not know");
    expect(text).toMatch(/^e +0 +0( +-)+$/m);
    const few = formatSummary(summarize(rows.slice(0, 12), { replicates: 0 }));
    expect(few).toMatch(/^\d columns? left out, every figure too small \(under 20 subjects\): recall/m);
  });
});
