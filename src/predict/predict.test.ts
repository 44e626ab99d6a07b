import { describe, expect, it } from "vitest";
import { type ModelFacts, OUTPUT_MEANING } from "../models/facts.ts";
import { batchOf } from "./photos.ts";
import { predictCrops, shrinkCrop } from "./predict.ts";
import type { Predictor } from "./predictor.ts";

const FACTS: ModelFacts = {
  format: 1,
  arch: "umcc",
  tag: "test_efficientnet.none_F1_An_Lb_Z0",
  backbone: "test_efficientnet",
  flag: true,
  gating: null,
  pixels: { sizePx: 16, interpolation: "bilinear", mean: [0, 0, 0], std: [1, 1, 1] },
  threshold: 0.25,
  output: OUTPUT_MEANING,
  trainedOn: [],
};

/** Answers the first byte of each image over 100, so that order and packing show. */
const echo: Predictor = {
  facts: FACTS,
  predict: () => Promise.reject(new Error("unused")),
  predictPixels: async (pixels, modalities) =>
    modalities.map((modality, i) => ({
      probability: pixels[i * 16 * 16 * 3]! / 100,
      logit: 0,
      modalityUsed: modality === "auto" ? null : modality,
      gateHand: null,
    })),
  close: async () => {},
};

const crop = (image: string, value: number, asked: "hand" | "face" | "auto") => ({
  image,
  asked,
  pixels: shrinkCrop({ width: 20, height: 30, data: new Uint8Array(1800).fill(value) }, 16),
});

describe("predictCrops", () => {
  it("answers in order, and decides male from the threshold on", async () => {
    const rows = await predictCrops(echo, [
      crop("a", 25, "hand"),
      crop("b", 24, "face"),
      crop("c", 90, "auto"),
    ]);
    expect(
      rows.map(({ image, probability, decision, modality }) => [image, probability, decision, modality]),
    ).toEqual([
      ["a", 0.25, "male", "hand"],
      ["b", 0.24, "female", "face"],
      ["c", 0.9, "male", null],
    ]);
  });

  it("answers nothing to nothing", async () => {
    expect(await predictCrops(echo, [])).toEqual([]);
  });
});

describe("batchOf", () => {
  it("fills batches of at most 32 equally, so that little is padded", () => {
    expect([1, 7, 32, 33, 65, 10_000].map(batchOf)).toEqual([1, 7, 32, 17, 22, 32]);
    for (let n = 1; n <= 300; n++) expect(Math.ceil(n / batchOf(n)) * batchOf(n) - n).toBeLessThan(10);
  });
});
