import { describe, expect, it } from "vitest";
import { runGraph } from "../../test/run-graph.ts";
import { input } from "../engine/ops.ts";
import {
  balancedPosWeight,
  classLoss,
  classWeights,
  crossEntropy,
  focalLoss,
  sampleWeights,
  trainingLoss,
} from "./losses.ts";

const LOGITS = Float32Array.of(0.3, -2, 60, -60, 60);
const LABELS = Float32Array.of(1, 0, 1, 1, 0);
const logits = input("logits", [5]);
const labels = input("labels", [5]);
const run = async (value: typeof logits, more = {}) =>
  (await runGraph({ value }, { logits: LOGITS, labels: LABELS, ...more }))["value"]!;

const p = (i: number) => 1 / (1 + Math.exp(-LOGITS[i]! * (LABELS[i] === 1 ? 1 : -1)));

describe("per-sample losses", () => {
  it("cross-entropy is -log p of the right class and never overflows", async () => {
    const values = await run(crossEntropy(logits, labels));
    expect(values[0]).toBeCloseTo(-Math.log(p(0)), 6);
    expect(values[1]).toBeCloseTo(-Math.log(p(1)), 6);
    expect(values[2]).toBeCloseTo(0, 6);
    expect(values[3]).toBeCloseTo(60, 4);
    expect(values[4]).toBeCloseTo(60, 4);
  });

  it("focal loss is (1 - p)^2 times that", async () => {
    const values = await run(focalLoss(logits, labels));
    for (const i of [0, 1]) expect(values[i]).toBeCloseTo(-((1 - p(i)) ** 2) * Math.log(p(i)), 6);
    expect(values[2]).toBeCloseTo(0, 6);
    expect(values[3]).toBeCloseTo(60, 4);
  });

  it("smoothed labels are those of torch: y (1 - x) + x / 2", async () => {
    const x = 0.2;
    const bce = await run(crossEntropy(logits, labels, x));
    const focal = await run(focalLoss(logits, labels, x));
    [0, 1, 2, 3, 4].forEach((i) => {
      const y = LABELS[i]! * (1 - x) + x / 2;
      const [yes, no] = [1, -1].map((sign) => Math.log1p(Math.exp(-sign * LOGITS[i]!))); // -log p, -log (1 - p)
      const expected = y * yes! + (1 - y) * no!;
      const q = 1 / (1 + Math.exp(-LOGITS[i]!));
      expect(bce[i]).toBeCloseTo(expected, 4);
      expect(focal[i]).toBeCloseTo((1 - q * y - (1 - q) * (1 - y)) ** 2 * expected, 4);
    });
  });

  it("modality loss is the cross-entropy of two scores", async () => {
    const gate = input("gate", [2, 2]);
    const value = classLoss(gate, input("flag", [2, 2]));
    const feeds = { gate: Float32Array.of(1, 3, 0, 0), flag: Float32Array.of(1, 0, 0, 1) };
    const values = (await runGraph({ value }, feeds))["value"]!;
    expect(values[0]).toBeCloseTo(Math.log(1 + Math.exp(2)), 6);
    expect(values[1]).toBeCloseTo(Math.LN2, 6);
  });
});

describe("trainingLoss", () => {
  const weights = input("weights", [5]);
  const focal = input("focal", []);
  const total = trainingLoss({ logits }, { labels, weights, focal });

  it("weighs BCE and focal by one input, and leaves out padded rows", async () => {
    const feeds = { weights: sampleWeights([1, 0], 5) };
    const b = -(Math.log(p(0)) + Math.log(p(1))) / 2;
    const f = -((1 - p(0)) ** 2 * Math.log(p(0)) + (1 - p(1)) ** 2 * Math.log(p(1))) / 2;
    for (const share of [0, 1, 0.25]) {
      const [value] = await run(total, { ...feeds, focal: Float32Array.of(share) });
      expect(value).toBeCloseTo((1 - share) * b + share * f, 5);
    }
  });

  it("smooths the labels, and leaves the graph alone without", async () => {
    const feeds = { weights: sampleWeights([1, 0], 5), focal: Float32Array.of(0) };
    const soft = trainingLoss({ logits }, { labels, weights, focal, smoothing: 1 });
    const [value] = await run(soft, feeds);
    const even = (z: number) => (Math.log1p(Math.exp(z)) + Math.log1p(Math.exp(-z))) / 2; // all labels 1/2
    expect(value).toBeCloseTo((even(0.3) + even(-2)) / 2, 5);
    const [hard] = await run(total, feeds);
    const [zero] = await run(trainingLoss({ logits }, { labels, weights, focal, smoothing: 0 }), feeds);
    expect(zero).toBe(hard);
  });

  it("adds the masked cross-entropy of further targets, as torch's with ignore_index", async () => {
    const scores = Float32Array.of(1, 0, -1, 2, 2, 0, 0, 3, 1); // [3, 3]
    const classes = [2, -1, 1];
    const oneHot = Float32Array.from({ length: 9 }, (_, i) => (classes[Math.floor(i / 3)] === i % 3 ? 1 : 0));
    const age = { labels: input("age", [3, 3]), weights: input("ageWeights", [3]) };
    const sex = { labels: input("y", [3]), weights: input("w", [3]), focal };
    const outputs = { logits: input("z", [3]), targets: { age: input("scores", [3, 3]) } };
    const feeds = {
      ...{ z: Float32Array.of(0.5, -1, 2), y: Float32Array.of(1, 0, 0), w: sampleWeights([1, 0, 0]) },
      ...{ focal: Float32Array.of(0), scores, age: oneHot, ageWeights: classWeights(classes, 0.6) },
    };
    const value = async (inputs: object) => {
      const graph = { value: trainingLoss(outputs, { ...sex, ...inputs }) };
      return (await runGraph(graph, feeds))["value"]![0]!;
    };
    const minusLog = (row: number, k: number) => {
      const of = scores.subarray(3 * row, 3 * row + 3);
      return Math.log(of.reduce((sum, s) => sum + Math.exp(s), 0)) - of[k]!;
    };
    const term = (0.6 * (minusLog(0, 2) + minusLog(2, 1))) / 2;
    expect(await value({ targets: { age } })).toBeCloseTo((await value({})) + term, 6);
  });

  it("has the modality term only with a gate and its inputs", () => {
    const gateLogits = input("gate", [5, 2]);
    const flag = input("flag", [5, 2]);
    const without = trainingLoss({ logits, gateLogits }, { labels, weights, focal, flag });
    expect(without.node.op).toBe("sumAll");
    const withTerm = trainingLoss(
      { logits, gateLogits },
      { labels, weights, focal, flag, modalityWeights: input("m", [5]) },
    );
    expect(withTerm.node.op).toBe("add");
  });
});

describe("classWeights", () => {
  it("shares the weight among the samples with a class, if there are any", () => {
    expect([...classWeights([0, -1, 3, 1, 0], 2)]).toEqual([0.5, 0, 0.5, 0.5, 0.5]);
    expect([...classWeights([-1, -1], 2)]).toEqual([0, 0]);
  });
});

describe("sampleWeights", () => {
  it("divides by the real samples and multiplies males", () => {
    expect([...sampleWeights([1, 0, 1, 0], 6, 1.5)]).toEqual([0.375, 0.25, 0.375, 0.25, 0, 0]);
  });

  it("balances the classes", () => {
    expect(balancedPosWeight(300, 100)).toBe(3);
    expect(balancedPosWeight(0, 100)).toBe(1);
  });
});
