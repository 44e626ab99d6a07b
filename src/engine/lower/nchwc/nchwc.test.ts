// The NCHWc lowering against the plain one: the same values and gradients, whatever the map's size.
import { expect, it } from "vitest";
import { Random } from "../../../core/random.ts";
import { gradients } from "../../gradients.ts";
import type { ConvAttrs, Value } from "../../graph.ts";
import { sizeOf } from "../../graph.ts";
import * as ops from "../../ops.ts";
import { maxPool } from "../../ops-layers.ts";
import { createSession } from "../../runtime/open-session.ts";
import { probeBlock } from "../../runtime/probe.ts";
import { Tensor } from "../../runtime/session.ts";
import { emitGraph } from "../emit.ts";
import { training } from "../training.ts";

const block = await probeBlock();

async function run(outputs: Record<string, Value>, size: number | undefined) {
  const { model, inputs } = emitGraph({ outputs, lowering: training(size) });
  const session = await createSession(model, { threads: 1, optimization: "basic" });
  try {
    const feeds: Record<string, Tensor> = {};
    for (const { name, shape } of inputs) {
      const random = Random.of(7).split(name);
      feeds[name] = new Tensor(
        "float32",
        Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
        [...shape],
      );
    }
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** Compares outputs and the gradients of a random projection of them. */
async function compare(x: Value, params: readonly Value[], build: (x: Value) => Value): Promise<void> {
  const y = build(x);
  const loss = ops.sumAll(ops.mul(y, ops.input("projection", y.shape)));
  const wrt = [x, ...params];
  const outputs: Record<string, Value> = { y };
  gradients(loss, wrt).forEach((g, i) => {
    outputs[`grad${i}`] = g;
  });
  const [plain, fast] = [await run(outputs, undefined), await run(outputs, block)];
  for (const name of Object.keys(outputs)) {
    const [a, b] = [plain[name]!.data as Float32Array, fast[name]!.data as Float32Array];
    const magnitude = a.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
    const worst = a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i]!)), 0);
    expect(worst / magnitude, name).toBeLessThan(2e-5);
  }
}

const attrs = (stride: number, pads: readonly [number, number, number, number], groups = 1): ConvAttrs => ({
  stride: [stride, stride],
  padding: pads,
  groups,
});

/** A first convolution takes the maps into blocks; C is no multiple of the block, H and W differ and are odd. */
const C = 20;
function intoBlocks(): { x: Value; stem: Value; enter: (x: Value) => Value } {
  const x = ops.input("x", [2, 3, 13, 9]);
  const stem = ops.input("stem", [C, 3, 3, 3]);
  return { x, stem, enter: (v) => ops.conv2d(v, stem, attrs(1, [1, 1, 1, 1])) };
}

const cases: Record<string, { weight: readonly number[]; attrs: ConvAttrs }> = {
  "1x1": { weight: [24, C, 1, 1], attrs: attrs(1, [0, 0, 0, 0]) },
  "1x1 stride 2": { weight: [24, C, 1, 1], attrs: attrs(2, [0, 0, 0, 0]) },
  "3x3": { weight: [28, C, 3, 3], attrs: attrs(1, [1, 1, 1, 1]) },
  "3x3 stride 2, same": { weight: [28, C, 3, 3], attrs: attrs(2, [0, 0, 1, 1]) },
  "depthwise 3x3": { weight: [C, 1, 3, 3], attrs: attrs(1, [1, 1, 1, 1], C) },
  "depthwise 5x5 stride 2": { weight: [C, 1, 5, 5], attrs: attrs(2, [2, 2, 2, 2], C) },
  "depthwise 3x3 stride 2, same": { weight: [C, 1, 3, 3], attrs: attrs(2, [0, 0, 1, 1], C) },
};

for (const [name, { weight, attrs: conv }] of Object.entries(cases)) {
  it.skipIf(block === undefined)(`equals the plain lowering: convolution ${name}`, async () => {
    const { x, stem, enter } = intoBlocks();
    const w = ops.input("w", weight);
    await compare(x, [stem, w], (v) => ops.conv2d(enter(v), w, conv));
  });
}

it.skipIf(block === undefined)("equals the plain lowering: BatchNorm, activations and residual", async () => {
  const { x, stem, enter } = intoBlocks();
  const [gamma, beta] = [ops.input("gamma", [C]), ops.input("beta", [C])];
  await compare(x, [stem, gamma, beta], (v) => {
    const { y } = ops.batchNorm(enter(v), gamma, beta, 1e-3);
    return ops.add(ops.activation("relu6", y), ops.activation("silu", ops.activation("hardSwish", y)));
  });
});

it.skipIf(block === undefined)(
  "equals the plain lowering: squeeze and excite, pooling, stochastic depth",
  async () => {
    const { x, stem, enter } = intoBlocks();
    const w = ops.input("w", [C, C]);
    const factors = ops.constant([0, 2], [2]);
    await compare(x, [stem, w], (v) => {
      const map = ops.activation("relu", enter(v));
      const gate = ops.activation("sigmoid", ops.linear(ops.globalAveragePool(map), w));
      return ops.globalAveragePool(ops.scaleSamples(ops.gateChannels(map, gate), factors));
    });
  },
);

it.skipIf(block === undefined)(
  "equals the plain lowering: frozen BatchNorm and per-channel maps",
  async () => {
    const { x, stem, enter } = intoBlocks();
    const vectors = ["gamma", "beta", "mean", "scale", "bias"].map((n) => ops.input(n, [C]));
    const [gamma, beta, mean, scale, bias] = vectors as [Value, Value, Value, Value, Value];
    const variance = ops.constant(new Float32Array(C).fill(1.5), [C]);
    await compare(x, [stem, gamma, beta, scale, bias], (v) => {
      const y = ops.batchNormEval(enter(v), gamma, beta, mean, variance, 1e-5);
      return ops.channelBias(ops.channelScale(y, scale), bias);
    });
  },
);

it.skipIf(block === undefined)(
  "equals the plain lowering: a widening 1x1 convolution with its mean left out",
  async () => {
    const { x, stem, enter } = intoBlocks();
    const w = ops.input("w", [2 * C, C, 1, 1]);
    const [gamma, beta] = [ops.input("gamma", [2 * C]), ops.input("beta", [2 * C])];
    for (const kind of ["relu6", "relu", "silu"] as const) {
      await compare(x, [stem, w, gamma, beta], (v) => {
        const wide = ops.conv2d(enter(v), w, attrs(1, [0, 0, 0, 0]));
        return ops.activation(kind, ops.batchNorm(wide, gamma, beta, 1e-3).y);
      });
    }
  },
);

it.skipIf(block === undefined)("equals the plain lowering: normalised around a given vector", async () => {
  const { x, stem, enter } = intoBlocks();
  const kernels = { dense: [28, C, 3, 3], narrow: [8, C, 1, 1], depthwise: [C, 1, 3, 3] } as const;
  for (const [name, shape] of Object.entries(kernels)) {
    const o = shape[0];
    const w = ops.input("w", shape);
    const [gamma, beta, around] = ["gamma", "beta", "around"].map((n) => ops.input(n, [o]));
    const side = name === "narrow" ? 0 : 1;
    const conv = attrs(1, [side, side, side, side], name === "depthwise" ? C : 1);
    await compare(x, [stem, w, gamma!, beta!], (v) => {
      const { y } = ops.batchNorm(ops.conv2d(enter(v), w, conv), gamma!, beta!, 1e-3, around!);
      return ops.activation("silu", y);
    });
  }
});

it.skipIf(block === undefined)("keeps a convolution whole that something else reads too", async () => {
  const { x, stem, enter } = intoBlocks();
  const w = ops.input("w", [2 * C, C, 1, 1]);
  const [gamma, beta] = [ops.input("gamma", [2 * C]), ops.input("beta", [2 * C])];
  await compare(x, [stem, w, gamma, beta], (v) => {
    const wide = ops.conv2d(enter(v), w, attrs(1, [0, 0, 0, 0]));
    const { y } = ops.batchNorm(wide, gamma, beta, 1e-3);
    return ops.add(ops.add(ops.activation("relu6", y), y), wide); // y is not only clipped, either
  });
});

/** Rows of dy that fill blocks, alone or with those of other samples, and the same with padding. */
const maps = [
  { n: 2, size: [6, 32] },
  { n: 8, size: [4, 4] },
  { n: 4, size: [7, 7] },
  { n: 3, size: [9, 15] },
  { n: 4, size: [5, 30] },
  { n: 2, size: [8, 28] },
  { n: 2, size: [2, 8] },
] as const;

it.skipIf(block === undefined)(
  "equals the plain lowering: kernels' gradients on maps of many sizes",
  async () => {
    for (const { n, size } of maps) {
      for (const [kernel, conv] of [
        [3, attrs(1, [1, 1, 1, 1])],
        [3, attrs(2, [0, 0, 1, 1])],
        [3, attrs(2, [1, 1, 1, 1])],
        [5, attrs(1, [2, 2, 2, 2])],
        [1, attrs(2, [0, 0, 0, 0])],
      ] as const) {
        const given = conv.stride[0];
        const x = ops.input("x", [n, 3, size[0] * given, size[1] * given]);
        const stem = ops.input("stem", [C, 3, 7, 7]);
        const w = ops.input("w", [24, C, kernel, kernel]);
        await compare(x, [stem, w], (v) => ops.conv2d(ops.conv2d(v, stem, attrs(1, [3, 3, 3, 3])), w, conv));
      }
    }
  },
);

it.skipIf(block === undefined)(
  "gives the first of equal values all of a window's gradient, none to the edge",
  async () => {
    const { x, stem, enter } = intoBlocks();
    const zeros = ops.constant(new Float32Array(C), [C]);
    await compare(x, [stem, zeros], (v) =>
      maxPool(ops.channelScale(enter(v), zeros), { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] }),
    );
  },
);
