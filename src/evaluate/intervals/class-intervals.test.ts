// Intervals of further targets: against draws put together image by image, against the normal limit of a share, and
// that subjects, not images, are drawn.
import { describe, expect, test } from "vitest";
import { Random } from "../../core/random.ts";
import { formatSummary } from "../../report/format.ts";
import { summarize } from "../analysis/summary.ts";
import { quantile } from "../metrics/calibration.ts";
import { evaluateClasses } from "../metrics/classes.ts";
import type { Prediction } from "../stored/prediction-row.ts";
import { drawSubjects } from "./bootstrap.ts";
import { bootstrapClasses, CLASS_METRICS } from "./class-intervals.ts";

const NAMES = ["a", "b", "c", "d"];
const random = Random.of(5);

/** `n` subjects with `images` each; decisions are right about two times in three, else mostly a neighbour. */
function drawRows(n: number, images: number): Prediction[] {
  return Array.from({ length: n }, (_, s) => {
    const recorded = random.int(4);
    const off = random.uniform(0, 1) < 0.66 ? 0 : random.int(3);
    const guess = (recorded + off) % 4;
    return Array.from({ length: images }, (_, i) => rowOf(s, i, recorded, guess));
  }).flat();
}

const rowOf = (s: number, i: number, recorded: number, guess: number): Prediction => ({
  id: `i${s}-${i}`,
  source: "pairs",
  subject: `pairs:${s}`,
  modality: i % 2 === 0 ? "hand" : "face",
  split: "test",
  target: (s % 2) as 0 | 1,
  probability: 0.5,
  modalityUsed: null,
  gateHand: null,
  logit: 0,
  age: NAMES[recorded]!,
  race: NAMES[recorded]!,
  gesture: "",
  ageProbabilities: Object.fromEntries(NAMES.map((name, k) => [name, k === guess ? 0.7 : 0.1])),
  raceProbabilities: Object.fromEntries(NAMES.map((name, k) => [name, k === guess ? 0.7 : 0.1])),
});

describe("bootstrapClasses", () => {
  test("has the percentiles of figures of drawn subjects, put together image by image", () => {
    // Few subjects of unequal numbers of images, so that draws lack classes and images weigh differently.
    const rows = drawRows(9, 3).filter((_, i) => i % 4 !== 3);
    const options = { replicates: 300, seed: 7 };
    const subjects = [...new Set(rows.map(({ subject }) => subject))];
    const recorded = evaluateClasses(rows, "age")!.classes.map(({ nImages }) => nImages);
    const figures: Record<string, number[]> = Object.fromEntries(CLASS_METRICS.map((name) => [name, []]));
    drawSubjects(subjects.length, options, (weights) => {
      const drawn = subjects.flatMap((subject, s) =>
        Array.from({ length: weights[s]! }, () => rows.filter((row) => row.subject === subject)).flat(),
      );
      const metrics = evaluateClasses(drawn, "age")!;
      const lacks = metrics.classes.some(({ nImages }, k) => nImages === 0 && recorded[k]! > 0);
      for (const name of CLASS_METRICS)
        if (!(lacks && name === "balancedAccuracy")) figures[name]!.push(metrics[name]!);
    });
    const intervals = bootstrapClasses(rows, "age", options)!;
    expect(intervals.balancedAccuracy.replicates).toBeGreaterThan(150);
    expect(intervals.balancedAccuracy.replicates).toBeLessThan(300);
    for (const name of CLASS_METRICS) {
      const sorted = Float64Array.from(figures[name]!).sort();
      expect(intervals[name].estimate).toBe(evaluateClasses(rows, "age")![name]);
      expect(intervals[name].replicates).toBe(sorted.length);
      expect(intervals[name].low).toBeCloseTo(quantile(sorted, 0.025), 12);
      expect(intervals[name].high).toBeCloseTo(quantile(sorted, 0.975), 12);
    }
  });

  test("of independent images is about the normal interval of a share", () => {
    const rows = drawRows(800, 1);
    const { low, high, estimate } = bootstrapClasses(rows, "age", { seed: 1 })!.accuracy;
    const wide = 2 * 1.96 * Math.sqrt((estimate! * (1 - estimate!)) / 800);
    expect((high! - low!) / wide).toBeGreaterThan(0.92);
    expect((high! - low!) / wide).toBeLessThan(1.08);
  });

  test("draws subjects: more images of the same ones, all alike, add no information", () => {
    const one = drawRows(60, 1);
    const four = one.flatMap((row) => [0, 1, 2, 3].map((i) => ({ ...row, id: `${row.id}-${i}` })));
    expect(bootstrapClasses(four, "age")).toEqual(bootstrapClasses(one, "age"));
  });

  test("knows no order of races, and nothing of one subject or of no record", () => {
    const rows = drawRows(30, 2);
    const race = bootstrapClasses(rows, "race")!;
    expect(race.oneOffAccuracy).toMatchObject({ estimate: null, low: null, high: null });
    expect(race.accuracy.low).toBeLessThan(race.accuracy.high!);
    expect(bootstrapClasses(rows.slice(0, 2), "age")!.accuracy).toMatchObject({ low: null, high: null });
    expect(
      bootstrapClasses(
        rows.map((row) => ({ ...row, age: "" })),
        "age",
      ),
    ).toBeUndefined();
  });

  test("refuses too few draws", () => {
    expect(() => bootstrapClasses(drawRows(3, 1), "age", { replicates: 10 })).toThrowError(
      "Expected an integer from 100 to 1000000 for the number of bootstrap draws, got 10",
    );
  });
});

describe("a summary", () => {
  const rows = drawRows(40, 2);
  test("has intervals of every part of a target, or none if none are asked for", () => {
    const { parts } = summarize(rows, { replicates: 200, seed: 3 }).targets![0]!;
    expect(parts.map(({ name }) => name)).toEqual(["overall", "hand", "face"]);
    expect(parts[0]!.intervals).toEqual(bootstrapClasses(rows, "age", { replicates: 200, seed: 3 }));
    expect(summarize(rows, { replicates: 0 }).targets![0]!.parts[0]!.intervals).toBeNull();
  });

  test("shows them as text", () => {
    const text = formatSummary(summarize(rows, { replicates: 200 }));
    const one = String.raw` +\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]`;
    for (const title of ["within one class", "mean classes off"])
      expect(text).toMatch(new RegExp(`^${title}(${one}){3}$`, "m"));
  });
});
