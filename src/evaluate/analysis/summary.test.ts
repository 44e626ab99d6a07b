import { describe, expect, test } from "vitest";
import { Random } from "../../core/random.ts";
import { formatSeeds, LABEL_NOTE } from "../../report/figure-text.ts";
import { formatSummary } from "../../report/format.ts";
import { seedSummary } from "../intervals/seeds.ts";
import { evaluateBinary } from "../metrics/metrics.ts";
import { METRICS } from "../metrics/table.ts";
import type { Prediction } from "../stored/prediction-row.ts";
import { fitTemperatureOn, summarize } from "./summary.ts";

function predictions(n: number, change: (i: number) => Partial<Prediction> = () => ({})): Prediction[] {
  const random = Random.of(8);
  return Array.from({ length: n }, (_, i) => {
    const target = random.int(2) as 0 | 1;
    const logit = 2 * (target - 0.5) + random.normal();
    const modality = i % 3 === 0 ? "face" : "hand";
    return {
      id: `i${i}`,
      source: "pairs",
      subject: `pairs:s${i >> 1}`,
      modality,
      split: "test",
      target,
      probability: 1 / (1 + Math.exp(-logit)),
      modalityUsed: i % 10 === 0 ? "hand" : modality,
      gateHand: null,
      logit,
      age: i < 30 ? "20-29" : "30-39",
      race: "",
      gesture: "palm",
      ...change(i),
    };
  });
}

describe("summary", () => {
  const rows = predictions(120);
  const summary = summarize(rows, { seed: 1, replicates: 200 });

  test("overall and by modality equal the metrics of those rows", () => {
    const of = (part: readonly Prediction[]) =>
      evaluateBinary(
        part.map((row) => row.target!),
        part.map((row) => row.probability),
      );
    expect(summary.overall.metrics).toEqual(of(rows));
    expect(summary.byModality.map((part) => part.name)).toEqual(["hand", "face"]);
    for (const part of summary.byModality) {
      const { metrics } = summarize(
        rows.filter((row) => row.modality === part.name),
        { replicates: 0, minSubjects: 1 },
      ).overall;
      expect(metrics).toEqual(of(rows.filter((row) => row.modality === part.name)));
      for (const metric of METRICS) {
        const small = part.tooSmall.includes(metric);
        expect(part.metrics[metric]).toBe(small ? null : metrics[metric]);
      }
      expect(part.intervals!.accuracy.estimate).toBe(part.metrics.accuracy);
    }
    expect(summary.overall).toMatchObject({ nImages: 120, nSubjects: 60 });
    expect(summary.overall.modalityAgreement).toBeCloseTo(116 / 120, 12); // i = 0, 30, 60, 90
  });

  test("keys without a recorded value have no table", () => {
    expect(summary.byGroup.map(({ keys, within }) => [keys[0], within["modality"]])).toEqual([
      ["age", "hand"],
      ["age", "face"],
      ["gesture", "hand"],
      ["gesture", "face"],
    ]);
    expect(summary.byGroup[0]!.groups.map((g) => [g.group["age"], g.nSubjects, g.small])).toEqual([
      ["20-29", 15, true],
      ["30-39", 45, false],
    ]);
  });

  test("unlabelled images are counted and in no figure", () => {
    const some = predictions(120, (i) => (i < 40 ? { target: null } : {}));
    const partial = summarize(some, { replicates: 0 });
    expect(partial.nUnlabelled).toBe(40);
    expect(partial.overall.metrics).toEqual(summarize(rows.slice(40), { replicates: 0 }).overall.metrics);
    expect(formatSummary(partial)).toContain("40 images without a label left out");
  });

  test("a model without gate or flag has no agreement of modalities", () => {
    const plain = summarize(
      predictions(20, () => ({ modalityUsed: null })),
      { replicates: 0 },
    );
    expect(plain.overall.modalityAgreement).toBeNull();
    expect(formatSummary(plain)).not.toContain("own modality used");
  });

  test("the threshold reaches every table", () => {
    const strict = summarize(rows, { threshold: 0.9, replicates: 200 });
    expect(strict.threshold).toBe(0.9);
    expect(strict.byModality[0]!.metrics.threshold).toBe(0.9);
    expect(strict.byGroup[0]!.overall.threshold).toBe(0.9);
    expect(strict.overall.intervals!.tprMale.estimate).toBe(strict.overall.metrics.tprMale);
  });

  test("several splits, none, and no labels are refused", () => {
    expect(() => summarize(predictions(4, (i) => ({ split: i < 2 ? "val" : "test" })))).toThrowError(
      'Expected predictions of one split for a summary, got "val, test"',
    );
    expect(() => summarize([])).toThrowError("Expected predictions of one split for a summary, got nothing");
    expect(() => summarize(predictions(3, () => ({ target: null })))).toThrowError(
      'Expected at least one image with a recorded label for a summary, got "3 without"',
    );
  });
});

describe("text", () => {
  const lines = formatSummary(summarize(predictions(120), { replicates: 200 })).split("\n");
  const firstBlock = (all: readonly string[]) => all.slice(0, all.indexOf("")).join(" ");

  test("states first what the figures are, and what the label is not", () => {
    expect(firstBlock(lines)).toBe(
      "Agreement with the recorded label, split test: 120 images of 60 subjects (pairs), male where p >= 0.50; " +
        "29 subjects recorded as female and as male",
    );
    expect(lines[lines.indexOf("") + 1]).toBe(LABEL_NOTE);
    expect(lines.join("\n")).not.toMatch(/accuracy of gender|gender/i);
  });

  test("columns are aligned and rounded to three decimals", () => {
    const start = lines.findIndex((line) => line.endsWith("face"));
    const table = lines.slice(start, lines.indexOf("", start));
    const accuracy = table.find((line) => line.startsWith("accuracy"))!;
    expect(accuracy).toMatch(/^accuracy( +0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]){3}$/);
    expect(new Set(table.filter((line) => line.includes("[")).map((line) => line.length)).size).toBe(1);
    expect(table.find((line) => line.startsWith("ECE 15 bins"))).toMatch(/^ECE 15 bins( +0\.\d{3}){3}$/);
  });

  test("small groups are shown as too small, with their counts", () => {
    const [row, rest] = lines.filter((line) => line.startsWith("20-29")); // in 100 columns
    expect(row).toMatch(/^20-29 +20 +15 +\d+ \/ \d+( +too small){5}$/);
    expect(rest).toMatch(/^20-29 +too small$/);
    expect(lines).toContain("too small: the figure rests on under 20 subjects; it is not compared");
  });

  test("columns in which every figure is too small are left out, and counted in one line", () => {
    // 30 subjects of each age, of whom three are recorded as female.
    const rows = predictions(240, (i) => ({
      subject: `s${i >> 1}`,
      target: i % 20 < 2 ? 0 : 1,
      modality: "face",
      age: i < 120 ? "10-19" : "5-9",
      gesture: "",
    }));
    const text = formatSummary(summarize(rows, { replicates: 0 })).split("\n");
    const start = text.findIndex((line) => line.startsWith("age, faces"));
    expect(text[start]).toMatch(
      /^age, faces +images +subjects +female \/ male subjects +accuracy +TPR male +ECE 15 bins$/,
    );
    expect(text[start + 1]).toMatch(/^5-9 +120 +60 /); // younger before older
    expect(`${text[start + 3]} ${text[start + 4]}`).toBe(
      "3 columns left out, every figure too small (under 20 subjects): balanced accuracy, TPR female, ROC-AUC",
    );
    // The whole is no different: 12 females are too few for a rate of theirs, and mark what weighs both classes.
    expect(text.find((line) => line.startsWith("TPR female"))).toMatch(/too small$/);
    expect(text.find((line) => line.startsWith("balanced accuracy"))).toMatch(/0\.\d{3}\*$/);
    expect(text.find((line) => line.startsWith("accuracy"))).toMatch(/0\.\d{3}$/);
    const all = formatSummary(summarize(rows, { replicates: 0, minSubjects: 6 }));
    expect(all).not.toContain("too small");
  });

  test("large groups are compared", () => {
    const rows = predictions(200, (i) => ({ race: i < 100 ? "a" : "b" }));
    const text = formatSummary(summarize(rows, { replicates: 0, groups: [["race"]], minSubjects: 5 }));
    expect(text).toMatch(
      / {2}between groups +difference +ratio +error max\/min +error max\/geomean +worst group +its value/,
    );
    expect(text).toMatch(/ {2}TPR female +0\.\d{3} +0\.\d{3} +\d+\.\d\d +\d+\.\d\d +[ab] +0\.\d{3}$/m);
  });

  test("seeds", () => {
    expect(formatSeeds(seedSummary([0.91, 0.9085, 0.9137]))).toBe("0.911 ± 0.003 (n 3, sample std, ddof 1)");
    expect(formatSeeds(seedSummary([0.5]))).toBe("0.500 (n 1)");
  });
});

describe("temperature", () => {
  test("is fitted on validation rows", () => {
    const rows = predictions(200, () => ({ split: "val" }));
    expect(fitTemperatureOn(rows).temperature).toBeGreaterThan(0.2);
    expect(fitTemperatureOn(rows).nllAfter).toBeLessThanOrEqual(fitTemperatureOn(rows).nllBefore);
  });

  test("refuses any row of another split", () => {
    const rows = predictions(9, (i) => ({ split: i === 7 ? "test" : "val" }));
    expect(() => fitTemperatureOn(rows)).toThrowError(
      'Expected predictions of split val only for the temperature fit, got "test" (i7)',
    );
  });
});
