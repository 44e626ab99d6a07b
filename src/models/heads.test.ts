// UMCC and MAG: names, inputs and gating; their numbers are compared with torch in test/parity/models.test.ts.
import { describe, expect, it } from "vitest";
import { runGraph } from "../../test/run-graph.ts";
import { globalAveragePool, input, slice } from "../engine/ops.ts";
import { Declarations, type Mode, type Scope } from "../engine/params.ts";
import { mag } from "./mag.ts";
import type { Backbone, ModelGraph } from "./model.ts";
import { umcc } from "./umcc.ts";

/** A backbone without parameters: its three features are the means of the three channels. */
const means: Backbone = {
  name: "means",
  features: 3,
  stages: [],
  pretrained: {},
  build: (_scope: Scope, _prefix, pixels) => globalAveragePool(pixels),
};

function build(model: ModelGraph, mode: Mode = "eval", flag = true) {
  const scope = new Declarations({ mode });
  const pixels = input("pixels", [2, 3, 1, 1]);
  const outputs = model(scope, { pixels, ...(flag ? { flag: input("flag", [2, 2]) } : {}) });
  return { outputs, shapes: [...scope.specs.values()].map((s) => `${s.name} ${s.shape.join("x")}`), scope };
}

const PIXELS = Float32Array.of(1, 2, 3, 4, 5, 6);

describe("umcc", () => {
  it("appends the flag to the features, last", async () => {
    const { outputs, shapes } = build(umcc({ backbone: means, flag: true }));
    expect(shapes).toEqual(["classifier.weight 1x5", "classifier.bias 1"]);
    const { logits } = await runGraph(
      { logits: outputs.logits },
      {
        pixels: PIXELS,
        flag: Float32Array.of(1, 0, 0, 1),
        "classifier.weight": Float32Array.of(1, 10, 100, 1000, 2000),
        "classifier.bias": Float32Array.of(0.5),
      },
    );
    expect([...logits!]).toEqual([321.5 + 1000, 654.5 + 2000]);
  });

  it("has no flag with F0", () => {
    const { outputs, shapes } = build(umcc({ backbone: means, flag: false }), "eval", false);
    expect(shapes[0]).toBe("classifier.weight 1x3");
    expect(outputs.logits.shape).toEqual([2]);
  });

  it("drops features at 0.2 by default", () => {
    const rates: (number | undefined)[] = [];
    const spy: Backbone = {
      ...means,
      build: (_scope, _prefix, pixels, options) => {
        rates.push(options?.dropRate);
        return globalAveragePool(pixels);
      },
    };
    build(umcc({ backbone: spy, flag: false }));
    build(umcc({ backbone: spy, flag: false, options: { dropRate: 0 } }));
    build(mag({ backbone: spy, gating: "soft" }));
    expect(rates).toEqual([0.2, 0, undefined]);
  });

  it("refuses F1 without the flag", () => {
    expect(() => build(umcc({ backbone: means, flag: true }), "eval", false)).toThrow(
      "Expected a flag [N, 2] for UMCC F1, got nothing",
    );
  });
});

describe("mag", () => {
  const weights = {
    "gate.0.weight": Float32Array.from({ length: 64 * 3 }, (_, i) => (i === 0 ? 1 : 0)),
    "gate.0.bias": new Float32Array(64),
    // Scores: hand 2, face the first feature.
    "gate.2.weight": Float32Array.from({ length: 128 }, (_, i) => (i === 64 ? 1 : 0)),
    "gate.2.bias": Float32Array.of(2, 0),
    "hand_head.weight": Float32Array.of(1, 0, 0),
    "hand_head.bias": Float32Array.of(0),
    "face_head.weight": Float32Array.of(0, 0, 100),
    "face_head.bias": Float32Array.of(0),
  };

  it("has upstream's names", () => {
    expect(build(mag({ backbone: means, gating: "hard" })).shapes).toEqual([
      "gate.0.weight 64x3",
      "gate.0.bias 64",
      "gate.2.weight 2x64",
      "gate.2.bias 2",
      "hand_head.weight 1x3",
      "hand_head.bias 1",
      "face_head.weight 1x3",
      "face_head.bias 1",
    ]);
  });

  it("takes the likelier head with hard gating and mixes with soft", async () => {
    const feeds = { pixels: PIXELS, ...weights };
    const run = async (gating: "soft" | "hard") => {
      const { outputs } = build(mag({ backbone: means, gating }));
      const { logits, gate } = { ...outputs, gate: outputs.gate! };
      return runGraph({ logits, gate: slice(gate, 1, 0, 1) }, feeds);
    };
    const hard = await run("hard");
    expect([...hard["logits"]!]).toEqual([1, 600]);
    expect([...hard["gate"]!]).toEqual([1, 0]);
    const soft = await run("soft");
    const hand = [1 / (1 + Math.exp(1 - 2)), 1 / (1 + Math.exp(4 - 2))] as const;
    expect(soft["gate"]![0]).toBeCloseTo(hand[0], 6);
    expect(soft["logits"]![0]).toBeCloseTo(hand[0] + (1 - hand[0]) * 300, 3);
    expect(soft["logits"]![1]).toBeCloseTo(hand[1] * 4 + (1 - hand[1]) * 600, 3);
  });
});
