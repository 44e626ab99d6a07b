import { describe, expect, it } from "vitest";
import { runGraph } from "../../../test/run-graph.ts";
import { input } from "../../engine/ops.ts";
import { Declarations, type Mode } from "../../engine/params.ts";
import {
  batchNorm,
  conv,
  convPadding,
  dropout,
  dropPath,
  linear,
  makeDivisible,
  squeezeExcite,
} from "./blocks.ts";

describe("convPadding", () => {
  it.each([
    // size, kernel, stride: total of TensorFlow's rule, the odd px after
    [224, 3, 2, [0, 0, 1, 1]],
    [225, 3, 2, [1, 1, 1, 1]],
    [14, 5, 2, [1, 1, 2, 2]],
    [15, 5, 2, [2, 2, 2, 2]],
    [7, 3, 1, [1, 1, 1, 1]],
    [4, 1, 2, [0, 0, 0, 0]],
  ] as const)("same: %i px, kernel %i, stride %i", (size, kernel, stride, expected) => {
    expect(convPadding("same", [size, size], kernel, stride)).toEqual(expected);
  });

  it("same: height and width each their own", () => {
    expect(convPadding("same", [8, 9], 3, 2)).toEqual([0, 1, 1, 1]);
  });

  it.each([
    [3, 1, 1],
    [3, 2, 1],
    [5, 2, 2],
    [1, 1, 0],
  ])("symmetric: kernel %i, stride %i", (kernel, stride, p) => {
    expect(convPadding("symmetric", [30, 31], kernel, stride)).toEqual([p, p, p, p]);
  });
});

describe("makeDivisible", () => {
  it.each([
    [33.6, 32],
    [11.2, 16], // 8 would lose more than a tenth
    [36, 40],
    [3, 8],
  ])("%d -> %d", (value, expected) => expect(makeDivisible(value)).toBe(expected));

  it("shrinks freely at limit 0", () => expect(makeDivisible(11.2, 8, 0)).toBe(8));
});

describe("batchNorm", () => {
  const x = Float32Array.of(1, 2, 3, 6, 0, 0, 4, 4); // [2, 2, 1, 2]
  const style = { eps: 0, momentum: 0.25 };
  const feeds = {
    x,
    "bn.weight": Float32Array.of(2, 1),
    "bn.bias": Float32Array.of(0, 1),
    "bn.running_mean": Float32Array.of(4, 0),
    "bn.running_var": Float32Array.of(1, 4),
  };

  function build(mode: Mode, frozen = false) {
    const scope = new Declarations({ mode, frozen: () => frozen });
    const y = batchNorm(scope, "bn", input("x", [2, 2, 1, 2]), style);
    return { scope, y };
  }

  it("normalises by the batch and keeps the unbiased variance, as torch", async () => {
    const { scope, y } = build("train");
    const mean = scope.updates.get("bn.running_mean")!;
    const variance = scope.updates.get("bn.running_var")!;
    const out = await runGraph({ y, mean, variance }, feeds);
    // Channel 0 holds 1, 2, 0, 0: mean 0.75, biased variance 0.6875, unbiased 0.916667.
    expect(out["mean"]![0]).toBeCloseTo(0.75 * 4 + 0.25 * 0.75, 5);
    expect(out["variance"]![0]).toBeCloseTo(0.75 + 0.25 * 0.9166667, 5);
    expect(out["y"]![0]).toBeCloseTo((2 * (1 - 0.75)) / Math.sqrt(0.6875), 5);
  });

  it.each([
    ["eval", false],
    ["train", true],
  ] as const)("uses and leaves the running statistics in %s, frozen %s", async (mode, frozen) => {
    const { scope, y } = build(mode, frozen);
    expect(scope.updates.size).toBe(0);
    const out = await runGraph({ y }, feeds);
    expect([...out["y"]!]).toEqual([-6, -4, 2.5, 4, -8, -8, 3, 3]);
  });

  it("refuses one value a channel in training", () => {
    const scope = new Declarations({ mode: "train" });
    expect(() => batchNorm(scope, "bn", input("x", [1, 3, 1, 1]), style)).toThrow(
      'Expected at least two values a channel for training of bn, got "[1,3,1,1]"',
    );
  });
});

describe("noise", () => {
  const x = input("x", [2, 3]);

  it("is there in training only, and only at a rate above 0", () => {
    for (const [mode, rate] of [
      ["eval", 0.5],
      ["train", 0],
    ] as const) {
      const scope = new Declarations({ mode });
      expect(dropout(scope, "d", x, rate)).toBe(x);
      expect(dropPath(scope, "p", x, rate)).toBe(x);
      expect(scope.noises).toEqual([]);
    }
  });

  it("scales single values, or whole samples", async () => {
    const scope = new Declarations({ mode: "train" });
    const dropped = dropout(scope, "d", x, 0.25);
    const skipped = dropPath(scope, "p", x, 0.5);
    expect(scope.noises).toEqual([
      { name: "d", shape: [2, 3], keep: 0.75 },
      { name: "p", shape: [2], keep: 0.5 },
    ]);
    const out = await runGraph(
      { dropped, skipped },
      {
        x: Float32Array.of(1, 2, 3, 4, 5, 6),
        d: Float32Array.of(2, 0, 1, 0, 1, 2),
        p: Float32Array.of(0, 2),
      },
    );
    expect([...out["dropped"]!]).toEqual([2, 0, 3, 0, 5, 12]);
    expect([...out["skipped"]!]).toEqual([0, 0, 0, 8, 10, 12]);
  });
});

describe("initialisation", () => {
  it("is timm's for convolutions and torch's for linear layers", () => {
    const scope = new Declarations({ mode: "train" });
    const x = input("x", [2, 8, 5, 5]);
    conv(scope, "full", x, { out: 16, kernel: 3, stride: 1 }, "same");
    conv(scope, "deep", x, { out: 8, kernel: 3, stride: 1, depthwise: true }, "same");
    squeezeExcite(scope, "se", x, 2, { activation: "silu", gate: "sigmoid" });
    linear(scope, "fc", input("y", [2, 25]), 3);
    const init = (name: string) => scope.specs.get(name)!.init;
    expect(init("full.weight")).toEqual({ kind: "normal", std: Math.sqrt(2 / (9 * 16)) });
    expect(init("deep.weight")).toEqual({ kind: "normal", std: Math.sqrt(2 / 9) });
    expect(init("se.conv_reduce.weight")).toEqual({ kind: "normal", std: 1 });
    expect(init("se.conv_expand.bias")).toEqual({ kind: "constant", value: 0 });
    expect(init("fc.weight")).toEqual({ kind: "uniform", bound: 0.2 });
    expect(init("fc.bias")).toEqual({ kind: "uniform", bound: 0.2 });
    const decayed = [...scope.specs.values()].filter((spec) => spec.decay).map((spec) => spec.name);
    expect(decayed.every((name) => name.endsWith("weight"))).toBe(true);
  });
});
