// Mixup against timm: its pictures to the byte, its soft labels and its losses of them (test/parity/mixup.py); and our shares
// against the distribution that they are drawn from.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runGraph } from "../../../test/run-graph.ts";
import { Random } from "../../core/random.ts";
import { input } from "../../engine/ops.ts";
import { sampleWeights, trainingLoss } from "../../models/losses.ts";
import type { StepBatch } from "./batch.ts";
import { featureNote, keepsFeatures } from "./features.ts";
import { drawShare, mixup } from "./mixup.ts";

interface Golden {
  readonly pictures: number[];
  readonly labels: number[];
  readonly weights: number[];
  readonly logits: number[];
  readonly cases: readonly {
    readonly share: number;
    readonly smoothing: number;
    readonly images: number[];
    readonly labels: number[];
    readonly loss: number;
    readonly weighted: number;
    readonly focal: number;
  }[];
}
const GOLDEN: Golden = JSON.parse(
  readFileSync(new URL("../../../test/parity/goldens/mixup.json", import.meta.url), "utf8"),
);
const LABELS = Float32Array.from(GOLDEN.labels);
const N = LABELS.length;

const batchOf = (weights: Float32Array): StepBatch => ({
  images: Uint8Array.from(GOLDEN.pictures),
  labels: LABELS,
  flag: Float32Array.of(1, 0, 0, 1, 0, 1, 0, 1),
  weights,
  modalityWeights: new Float32Array(N).fill(0.3 / N),
  targets: [
    {
      name: "race",
      labels: Float32Array.of(0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0), // of the second and the last none is recorded
      weights: Float32Array.of(0.5, 0, 0.5, 0),
    },
  ],
});

async function lossOf({ labels, weights }: StepBatch, smoothing: number, focal: number): Promise<number> {
  const value = trainingLoss(
    { logits: input("logits", [N]) },
    {
      ...{ labels: input("labels", [N]), weights: input("weights", [N]), focal: input("focal", []) },
      ...{ smoothing, soft: true },
    },
  );
  const feeds = { logits: Float32Array.from(GOLDEN.logits), labels, weights, focal: Float32Array.of(focal) };
  return (await runGraph({ value }, feeds))["value"]![0]!;
}

describe("mixed pictures and labels", () => {
  it.each(GOLDEN.cases)("are timm's, with its losses: share $share, smoothing $smoothing", async (one) => {
    const { batch, nearest } = mixup(batchOf(sampleWeights(LABELS)), one.share);
    expect([...batch.images]).toEqual(one.images);
    batch.labels.forEach((label, i) => {
      expect(label * (1 - one.smoothing) + one.smoothing / 2).toBeCloseTo(one.labels[i]!, 6);
    });
    expect(await lossOf(batch, one.smoothing, 0)).toBeCloseTo(one.loss, 5);
    expect(await lossOf(batch, one.smoothing, 1)).toBeCloseTo(one.focal, 5);
    const [, male = 1] = GOLDEN.weights;
    const weighted = mixup(batchOf(sampleWeights(LABELS, N, male)), one.share).batch;
    expect(await lossOf(weighted, one.smoothing, 0)).toBeCloseTo(one.weighted, 4);
    expect([...nearest]).toEqual(one.share >= 0.5 ? GOLDEN.labels : [...GOLDEN.labels].reverse());
  });

  it("mixes the modality, and classes by what they weigh: an image without one gives none", () => {
    const { batch } = mixup(batchOf(sampleWeights(LABELS)), 0.75);
    expect([...batch.flag]).toEqual([0.75, 0.25, 0, 1, 0, 1, 0.25, 0.75]);
    const { labels, weights } = batch.targets![0]!;
    expect([...weights]).toEqual([0.375, 0.125, 0.375, 0.125]);
    expect([...labels]).toEqual([0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0]);
    expect(weights.reduce((a, b) => a + b)).toBe(1);
  });

  it("leaves a step as it is at a share of 1", () => {
    const before = batchOf(sampleWeights(LABELS));
    expect(mixup(before, 1).batch).toEqual(before);
  });
});

describe("shares", () => {
  it.each([0.01, 0.2, 1, 4])("have the moments of Beta(a, a), a = %d", (alpha) => {
    const random = Random.of(3).split("test", alpha);
    const draws = Array.from({ length: 20_000 }, () => drawShare(random, alpha));
    expect(draws.every((share) => share >= 0 && share <= 1)).toBe(true);
    const moment = (power: number) =>
      draws.reduce((sum, share) => sum + (share - 0.5) ** power, 0) / draws.length;
    const variance = 1 / (4 * (2 * alpha + 1));
    const kurtosis = 3 - 6 / (2 * alpha + 3); // of a symmetric beta
    expect(Math.abs(moment(1))).toBeLessThan(4 * Math.sqrt(variance / draws.length));
    expect(moment(2) / variance).toBeCloseTo(1, 1);
    expect(moment(4) / variance ** 2 / kurtosis).toBeCloseTo(1, 1);
  });
});

describe("features of a frozen backbone", () => {
  it("are not kept where pictures are mixed", () => {
    const tag = "test_efficientnet.none_F1_An_Lb_Z2";
    expect([keepsFeatures({ tag }), keepsFeatures({ tag, mixup: 0.2 })]).toEqual([true, false]);
    expect(featureNote({ tag })).toBeUndefined();
    expect(featureNote({ tag, mixup: 0.2 })).toMatch(/^mixup makes new images/);
  });
});
