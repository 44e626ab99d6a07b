// A tiny MAG with seeded weights, and its checkpoint, for tests of predictions.
import { Random } from "../src/core/random.ts";
import { writeCheckpoint } from "../src/engine/checkpoint-file.ts";
import { initialise } from "../src/engine/params.ts";
import { type ModelFacts, modelGraph, OUTPUT_MEANING } from "../src/models/facts.ts";
import { declaredSpecs } from "../src/train/step/graph.ts";

export const TINY: ModelFacts = {
  format: 1,
  arch: "mag",
  tag: "test_efficientnet.none_F0_An_Lb_Z0_gating=soft",
  backbone: "test_efficientnet",
  flag: false,
  gating: "soft",
  pixels: { sizePx: 32, interpolation: "bilinear", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  threshold: 0.5,
  output: OUTPUT_MEANING,
  trainedOn: [],
};

/** Writes the checkpoint and returns its weights. */
export async function writeTiny(path: string, seed = 11) {
  const specs = declaredSpecs(modelGraph(TINY), TINY.pixels.sizePx);
  const weights = initialise(specs, Random.of(seed));
  await writeCheckpoint(path, specs, { weights }, TINY);
  return weights;
}
