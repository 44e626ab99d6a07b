import { describe, expect, it } from "vitest";
import { inventedPredictions } from "../../../test/run-fixture.ts";
import { scores } from "../../evaluate/metrics/binary.ts";
import { rocAucOf } from "../../evaluate/metrics/ranking.ts";
import { rocPoints } from "./roc.ts";

describe("rocPoints", () => {
  it("goes from corner to corner, one point a probability", () => {
    const y = [0, 0, 1, 1];
    const p = [0.1, 0.4, 0.35, 0.8]; // scikit-learn's documented example
    expect(rocPoints(y, p)).toEqual([
      { fpr: 0, tpr: 0 },
      { fpr: 0, tpr: 0.5 },
      { fpr: 0.5, tpr: 0.5 },
      { fpr: 0.5, tpr: 1 },
      { fpr: 1, tpr: 1 },
    ]);
  });

  it("takes equal probabilities together", () => {
    expect(rocPoints([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5])).toEqual([
      { fpr: 0, tpr: 0 },
      { fpr: 1, tpr: 1 },
    ]);
  });

  it("encloses the area that rocAucOf computes by ranks", () => {
    const rows = inventedPredictions(80);
    const y = rows.map(({ target }) => target!);
    const p = rows.map(({ probability }) => Math.round(20 * probability) / 20);
    const points = rocPoints(y, p);
    const area = points.slice(1).reduce((sum, { fpr, tpr }, i) => {
      const before = points[i]!;
      return sum + ((fpr - before.fpr) * (tpr + before.tpr)) / 2;
    }, 0);
    expect(area).toBeCloseTo(rocAucOf(scores(y, p))!, 12);
  });
});
