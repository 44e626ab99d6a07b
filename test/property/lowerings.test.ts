// All lowerings of one network agree: every operation on maps, wide enough for blocked layouts
// (the cases of the goldens have few channels), forward and backward.
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/engine/gradients.ts";
import { ACTIVATIONS, type Activation, type Value } from "../../src/engine/graph.ts";
import * as ops from "../../src/engine/ops.ts";
import { layerNorm, maxPool } from "../../src/engine/ops-layers.ts";
import { fill, type InputSpec } from "../parity/op-cases.ts";
import { difference, LOWERINGS, runGraph } from "../run-graph.ts";

/** A residual block with squeeze-and-excite, stochastic depth, concatenation and both kinds of normalisation. */
function network(channels: number, kind: Activation) {
  const specs: Record<string, InputSpec> = {};
  const leaf = (shape: readonly number[], scale = 1, offset = 0): Value => {
    const seed = Object.keys(specs).length + 1;
    specs[`i${seed}`] = { shape, seed, scale, offset };
    return ops.input(`i${seed}`, shape);
  };
  const c = channels;
  const vector = (offset: number) => leaf([c], 0.5, offset);
  const x = leaf([2, 3, 9, 8]);
  const stem = leaf([c, 3, 3, 3]);
  const depthwise = leaf([c, 1, 3, 3]);
  const point = leaf([c, c, 1, 1], 0.3);
  const learnt = [
    x,
    stem,
    depthwise,
    point,
    vector(1),
    vector(0),
    vector(1),
    vector(0),
    vector(0),
    vector(1),
  ];
  const [, , , , weight, bias, evalWeight, scale, shift, variance] = learnt as Value[];
  const convolved = ops.conv2d(x, stem, { stride: [2, 2], padding: [0, 1, 1, 1], groups: 1 }); // TF same at 9, torch at 8
  const normed = ops.batchNorm(convolved, weight!, bias!, 1e-3);
  const active = ops.activation(kind, normed.y);
  const spread = ops.conv2d(active, depthwise, { stride: [1, 1], padding: [1, 1, 1, 1], groups: c });
  const gate = ops.activation("sigmoid", ops.globalAveragePool(spread));
  const gated = ops.gateChannels(spread, gate);
  const mixed = ops.conv2d(gated, point, { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1 });
  const frozen = ops.batchNormEval(mixed, evalWeight!, bias!, shift!, variance!, 1e-3);
  const scaled = ops.scaleSamples(frozen, leaf([2], 0.5, 1));
  const residual = ops.channelBias(ops.channelScale(ops.add(active, scaled), scale!), shift!);
  const both = ops.concat([residual, ops.mul(active, active)], 1);
  const half = ops.slice(both, 1, 1, c + 1);
  const y = ops.sub(half, ops.spatialBroadcast(gate, [half.shape[2]!, half.shape[3]!]));
  const loss = ops.sumAll(ops.mul(y, leaf(y.shape)));
  // The running variance and the frozen mean do not learn.
  const wrt = learnt.filter((value) => value !== variance && value !== shift);
  const grads = gradients(loss, wrt).map((g, i) => [`grad:${i}`, g] as const);
  const feeds = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, fill(spec)]));
  const { mean, variance: spreadOfBatch } = normed;
  return { outputs: { y, loss, mean, spreadOfBatch, ...Object.fromEntries(grads) }, feeds };
}

/** Max-pool, whose windows reach over the edge, and layer normalisation over the channels of maps. */
function layersNetwork(channels: number) {
  const specs: Record<string, InputSpec> = {
    x: { shape: [2, 3, 9, 8], seed: 1 },
    stem: { shape: [channels, 3, 3, 3], seed: 2 },
    weight: { shape: [channels], seed: 3, scale: 0.5, offset: 1 },
    bias: { shape: [channels], seed: 4 },
    projection: { shape: [2, channels, 5, 4], seed: 5 },
  };
  const [x, stem, weight, bias, projection] = Object.entries(specs).map(([name, { shape }]) =>
    ops.input(name, shape),
  ) as [Value, Value, Value, Value, Value];
  const maps = ops.conv2d(x, stem, { stride: [1, 1], padding: [1, 1, 1, 1], groups: 1 });
  const pooled = maxPool(maps, { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] });
  const y = ops.activation("gelu", layerNorm(pooled, weight, bias, 1e-6));
  const loss = ops.sumAll(ops.mul(y, projection));
  const grads = gradients(loss, [x, stem, weight, bias]).map((g, i) => [`grad:${i}`, g] as const);
  const feeds = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, fill(spec)]));
  return { outputs: { y, loss, ...Object.fromEntries(grads) }, feeds };
}

async function expectAgreement({ outputs, feeds }: ReturnType<typeof layersNetwork>): Promise<void> {
  const [first, ...others] = LOWERINGS;
  const expected = await runGraph(outputs, feeds, first);
  for (const lowering of others) {
    const made = await runGraph(outputs, feeds, lowering);
    for (const [name, data] of Object.entries(expected)) {
      expect(difference(made[name]!, data), `${name} in ${lowering}`).toBeLessThan(1e-4);
    }
  }
}

describe.each([4, 8, 17, 32])("a block of %i channels", (channels) => {
  it.each(ACTIVATIONS)("with %s is the same in every lowering", (kind) =>
    expectAgreement(network(channels, kind)),
  );

  it("with max-pool and layer normalisation is the same in every lowering", () =>
    expectAgreement(layersNetwork(channels)));
});
