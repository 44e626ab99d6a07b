// Exported graphs in ONNX Runtime against the predictor, at several batch sizes, for every kind of backbone.

import { describe, expect, it } from "vitest";
import { hashWeight, symmetric } from "../../test/parity/hash.ts";
import { MODALITIES } from "../core/words.ts";
import { type Shape, sizeOf } from "../engine/graph.ts";
import { input } from "../engine/ops.ts";
import { Declarations, type Weights } from "../engine/params.ts";
import { createSession } from "../engine/runtime/open-session.ts";
import { Tensor } from "../engine/runtime/session.ts";
import { decodeModel } from "../formats/onnx.ts";
import { type ModelFacts, modelGraph, OUTPUT_MEANING } from "../models/facts.ts";
import { exportOnnx } from "./export.ts";
import { askedOf, openPredictor } from "./predictor.ts";

const facts = (backbone: string, more: Partial<ModelFacts> = {}, sizePx = 64): ModelFacts => ({
  format: 1,
  arch: "umcc",
  tag: `${backbone}.none_F1_An_Lb_Z0`,
  backbone,
  flag: true,
  gating: null,
  pixels: { sizePx, interpolation: "bilinear", mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.25] },
  threshold: 0.5,
  output: OUTPUT_MEANING,
  trainedOn: [],
  ...more,
});
const mag = (gating: "soft" | "hard") => facts("test_efficientnet", { arch: "mag", flag: false, gating });

function weightsOf(model: ModelFacts): Weights {
  const scope = new Declarations({ mode: "eval" });
  const { sizePx } = model.pixels;
  modelGraph(model)(scope, { pixels: input("pixels", [1, 3, sizePx, sizePx]), flag: input("flag", [1, 2]) });
  return new Map([...scope.specs.values()].map((s) => [s.name, someWeights(s.name, s.shape)]));
}

/** The hash of large tensors takes seconds: theirs repeats. */
function someWeights(name: string, shape: Shape): Float32Array {
  const size = sizeOf(shape);
  if (size < 20_000) return hashWeight(name, shape);
  const bound = Math.sqrt(6 / sizeOf(shape.slice(1)));
  const table = symmetric(name, 4093);
  return new Float32Array(size).map((_, i) => bound * table[i % table.length]!);
}

const TARGETS = [
  { name: "age" as const, classes: ["0-2", "3-9", "10-19"] },
  { name: "race" as const, classes: ["dark", "tan"] },
];
const COUNT = 5;
const CASES = [
  ["umcc F1", facts("test_efficientnet")],
  ["umcc F0", facts("test_efficientnet", { flag: false, padding: "same" })],
  ["mag soft", mag("soft")],
  ["umcc F1 with age and race", { ...facts("test_efficientnet"), targets: TARGETS }],
  ["mag soft with age and race", { ...mag("soft"), targets: TARGETS }],
  ["mag hard", mag("hard")],
  ["relu6", facts("mobilenetv2_035")],
  ["hard swish", facts("mobilenetv3_small_050")],
  ["max-pool", facts("resnet18")],
  ["layer norm", facts("convnext_atto")],
  ["attention", facts("vit_tiny_patch16_224")],
] as const;

describe("exportOnnx", () => {
  it.each(CASES)("%s gives the predictor's outputs in batches of 1 and 5", async (_, model) => {
    const weights = weightsOf(model);
    const { sizePx } = model.pixels;
    const bytes = 3 * sizePx * sizePx;
    const images = Uint8Array.from({ length: COUNT * bytes }, (_v, i) => (i * 31 + (i >> 7) * 17) % 256);
    const modalities = Array.from({ length: COUNT }, (_v, i) => askedOf(model, MODALITIES[i % 2]!));
    const predictor = await openPredictor({
      facts: model,
      weights,
      createSession: (onnx) => createSession(onnx, { threads: 1 }),
    });
    const wanted = await predictor.predictPixels(images, modalities);
    const alone =
      model.arch === "mag"
        ? await predictor.predictPixels(
            images,
            modalities.map(() => "hand" as const),
          )
        : [];
    await predictor.close();
    const { bytes: onnx } = exportOnnx({ facts: model, weights });
    const session = await createSession(onnx, { threads: 1 });
    for (const n of [1, COUNT]) {
      const flag = Float32Array.from({ length: 2 * n }, (_v, i) => (i % 2 === (i >> 1) % 2 ? 1 : 0));
      const feeds = {
        images: new Tensor("uint8", images.subarray(0, n * bytes), [n, sizePx, sizePx, 3]),
        ...(model.flag ? { flag: new Tensor("float32", flag, [n, 2]) } : {}),
      };
      const { logits, probability, gate, heads, ...classes } = await session.run(feeds);
      const targets: ModelFacts["targets"] = "targets" in model ? model.targets : [];
      expect(Object.keys(classes)).toEqual(targets?.map(({ name }) => name));
      expect([logits!.dims, probability!.dims, gate?.dims]).toEqual([
        [n],
        [n],
        model.arch === "mag" ? [n, 2] : undefined,
      ]);
      for (let i = 0; i < n; i++) {
        const near = (got: unknown, want: number) =>
          expect(Math.abs((got as number) - want) / Math.max(1, Math.abs(want))).toBeLessThan(1e-4);
        near(logits!.data[i], wanted[i]!.logit);
        near(probability!.data[i], wanted[i]!.probability);
        if (gate !== undefined) near(gate.data[2 * i], wanted[i]!.gateHand!);
        if (heads !== undefined) near(heads.data[2 * i], alone[i]!.logit);
        for (const [name, scored] of Object.entries(classes)) {
          const { data, dims } = scored!;
          const all = Object.values(wanted[i]!.classes![name as "age"]!);
          expect([...dims]).toEqual([n, all.length]);
          expect(all.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
          for (const [k, value] of all.entries()) near(data[i * all.length + k], value);
        }
      }
    }
    await session.release();
  });

  it("has standard operators only, no BatchNorm, free batches, and states what it is", () => {
    const model = mag("soft");
    const { bytes, ...exported } = exportOnnx({ facts: model, weights: weightsOf(model) });
    const { graph, opsets, metadata } = decodeModel(bytes);
    expect(opsets).toEqual([{ domain: "", version: 17 }]);
    expect(graph.nodes.filter(({ op }) => op === "BatchNormalization")).toEqual([]);
    expect(graph.inputs).toEqual([{ name: "images", dtype: "uint8", dims: ["batch", 64, 64, 3] }]);
    expect(graph.outputs.map(({ name, dims }) => [name, dims])).toEqual([
      ["logits", ["batch"]],
      ["gate", ["batch", 2]],
      ["heads", ["batch", 2]],
      ["probability", ["batch"]],
    ]);
    expect(exported).toMatchObject({
      opset: 17,
      inputs: ["images"],
      outputs: ["logits", "gate", "heads", "probability"],
    });
    expect(exported.nodes).toBe(graph.nodes.length);
    expect(metadata).toEqual(exported.metadata);
    expect(JSON.parse(metadata["labels"]!)).toEqual(["female", "male"]);
    expect(JSON.parse(metadata["recipe"]!)).toMatchObject({ sizePx: 64, mean: [0.5, 0.4, 0.3] });
    expect(JSON.parse(metadata["facehand"]!)).toEqual(model);
    expect(metadata["output"]).toBe("probability of male as recorded in the training labels");
  });

  it("names further targets and their classes in its metadata", () => {
    const model = { ...mag("soft"), targets: TARGETS };
    const { metadata, outputs } = exportOnnx({ facts: model, weights: weightsOf(model) });
    expect(outputs).toEqual(["logits", "gate", "heads", "age", "race", "probability"]);
    expect(JSON.parse(metadata["targets"]!)).toEqual(TARGETS);
  });

  it("refuses weights that are not whole", () => {
    const model = mag("soft");
    const weights = weightsOf(model);
    weights.delete("gate.0.bias");
    expect(() => exportOnnx({ facts: model, weights })).toThrow(
      "Expected 64 values [64] for gate.0.bias, got nothing",
    );
  });
});
