// Gradients without a peer: central differences for every differentiable case of the goldens,
// and random convolutions against plain loops and against the adjoint identities that define their gradients.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { gradients } from "../../src/engine/gradients.ts";
import { type ConvAttrs, type Shape, sizeOf } from "../../src/engine/graph.ts";
import * as ops from "../../src/engine/ops.ts";
import { convInputGrad, convWeightGrad } from "../../src/engine/ops-backward.ts";
import { build, fill, GOLDENS, type GoldenCase, wave } from "../parity/op-cases.ts";
import { difference, LOWERINGS, load, runGraph } from "../run-graph.ts";

/** Below half the distance of the cases' inputs from any kink (1/64), well above float32's steps. */
const STEP = 1 / 128;
const DIRECTIONS = 3;

type Feeds = Readonly<Record<string, Float32Array>>;

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function absoluteDot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return dot(Float64Array.from(a, Math.abs), Float64Array.from(b, Math.abs));
}

/**
 * Compares gradients of sum(first output * projection) with central differences along random directions.
 * The curvature along a direction is bounded by a second, double step: smooth cases have little of it.
 */
async function checkGradients(c: GoldenCase): Promise<void> {
  const { inputs, outputs, feeds } = build(c);
  const names = Object.keys(c.grads);
  const p = fill(c.projection!);
  const loss = ops.sumAll(ops.mul(outputs[0]!, ops.input("p", c.projection!.shape)));
  const wrt = names.map((name) => inputs[name]!);
  const grads = gradients(loss, wrt).map((g, i) => [`grad:${names[i]}`, g] as const);
  const runner = await load({ "out:0": outputs[0]!, ...Object.fromEntries(grads) });
  const analytic = await runner.run({ ...feeds, p });
  const lossAt = async (moved: Feeds) =>
    dot((await runner.run({ ...feeds, ...moved, p }, ["out:0"]))["out:0"]!, p);
  for (const name of names) {
    const x = feeds[name] as Float32Array;
    const g = analytic[`grad:${name}`]!;
    for (let k = 0; k < DIRECTIONS; k++) {
      const direction = wave(x.length, 1000 + k).map(Math.sign);
      const slope = async (h: number) => {
        const up = await lossAt({ [name]: x.map((v, i) => v + h * direction[i]!) });
        const down = await lossAt({ [name]: x.map((v, i) => v - h * direction[i]!) });
        return (up - down) / (2 * h);
      };
      const [near, far] = [await slope(STEP / 2), await slope(STEP)];
      // Richardson: the error of a central difference falls with the square of its step.
      const numeric = near + (near - far) / 3;
      const scale = absoluteDot(g, direction) + absoluteDot(analytic["out:0"]!, p) * 0.05 + 0.05;
      expect(Math.abs(numeric - dot(g, direction)) / scale, `${name}, direction ${k}`).toBeLessThan(1e-3);
    }
  }
  await runner.release();
}

describe("central differences", () => {
  const cases = GOLDENS.cases.filter(
    (c) => c.smooth && c.tolerance === undefined && c.projection !== undefined,
  );
  it.each(cases.map((c) => [`${c.op}: ${c.name}`, c] as const))("%s", (_name, c) => checkGradients(c));
});

interface Conv {
  readonly x: Shape;
  readonly w: Shape;
  readonly attrs: ConvAttrs;
}

const small = (min: number, max: number) => fc.integer({ min, max });

/** Any convolution of the engine: dense or depthwise, any strides, kernels and paddings up to a kernel. */
const anyConv: fc.Arbitrary<Conv> = fc
  .record({
    batch: small(1, 3),
    // 4 and more are laid out in blocks by the nchwc lowering, 17 in more than one.
    channels: fc.constantFrom(1, 2, 3, 4, 5, 8, 17),
    filters: fc.constantFrom(1, 2, 3, 4, 5, 8, 17),
    map: fc.tuple(small(1, 9), small(1, 9)),
    kernel: fc.tuple(small(1, 5), small(1, 5)),
    stride: fc.tuple(small(1, 3), small(1, 3)),
    padding: fc.tuple(small(0, 4), small(0, 4), small(0, 4), small(0, 4)),
    depthwise: fc.boolean(),
  })
  .map(({ batch, channels, filters, map, kernel, stride, padding: p, depthwise }) => {
    const padding = [
      Math.min(p[0], kernel[0] - 1),
      Math.min(p[1], kernel[1] - 1),
      Math.min(p[2], kernel[0] - 1),
      Math.min(p[3], kernel[1] - 1),
    ] as const;
    return {
      x: [batch, channels, ...map],
      w: depthwise ? [channels, 1, ...kernel] : [filters, channels, ...kernel],
      attrs: { stride, padding, groups: depthwise ? channels : 1 },
    };
  })
  .filter(({ x, w, attrs: { padding: p } }) => x[2]! + p[0] + p[2] >= w[2]! && x[3]! + p[1] + p[3] >= w[3]!);

/** The definition, tap by tap, in float64. */
function plainLoops(c: Conv, x: Float32Array, w: Float32Array, out: Shape): Float64Array {
  const [, channels, height, width] = c.x as [number, number, number, number];
  const [, perGroup, kh, kw] = c.w as [number, number, number, number];
  const [n, filters, oh, ow] = out as [number, number, number, number];
  const { stride, padding, groups } = c.attrs;
  const y = new Float64Array(sizeOf(out));
  const tap = (b: number, o: number, i: number, row: number, column: number, k: number, l: number) => {
    if (row < 0 || row >= height || column < 0 || column >= width) return 0;
    const channel = groups > 1 ? o : i;
    const pixel = x[((b * channels + channel) * height + row) * width + column]!;
    return pixel * w[((o * perGroup + i) * kh + k) * kw + l]!;
  };
  for (let at = 0; at < y.length; at++) {
    const [b, o] = [Math.floor(at / (filters * oh * ow)), Math.floor(at / (oh * ow)) % filters];
    const [r, s] = [Math.floor(at / ow) % oh, at % ow];
    for (let i = 0; i < perGroup; i++)
      for (let k = 0; k < kh; k++)
        for (let l = 0; l < kw; l++)
          y[at]! += tap(b, o, i, r * stride[0] - padding[0] + k, s * stride[1] - padding[1] + l, k, l);
  }
  expect(n * filters * oh * ow).toBe(y.length);
  return y;
}

function noise(shape: Shape, random: Random): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1));
}

describe("random convolutions", () => {
  it("equal plain loops, and their gradients are the adjoints: <conv(x, w), dy> = <x, dx> = <w, dw>", async () => {
    await fc.assert(
      fc.asyncProperty(anyConv, small(0, 1e6), fc.constantFrom(...LOWERINGS), async (c, seed, lowering) => {
        const random = Random.of(seed);
        const [x, w] = [ops.input("x", c.x), ops.input("w", c.w)];
        const y = ops.conv2d(x, w, c.attrs);
        const dy = ops.input("dy", y.shape);
        const feeds = { x: noise(c.x, random), w: noise(c.w, random), dy: noise(y.shape, random) };
        const dx = convInputGrad(dy, w, { ...c.attrs, inputSize: [c.x[2]!, c.x[3]!] });
        const dw = convWeightGrad(x, dy, { ...c.attrs, kernel: [c.w[2]!, c.w[3]!] });
        const out = await runGraph({ y, dx, dw }, feeds, lowering);
        expect(difference(out["y"]!, plainLoops(c, feeds.x, feeds.w, y.shape))).toBeLessThan(1e-5);
        // The adjoints hold for these x and w and, as both sides are bilinear, show little alone: the same
        // gradients must also hold for other x and w, which they do not depend on.
        const other = { ...feeds, x: noise(c.x, random), w: noise(c.w, random) };
        const yx = plainLoops(c, other.x, feeds.w, y.shape);
        const yw = plainLoops(c, feeds.x, other.w, y.shape);
        const scale = 1 + absoluteDot(yx, feeds.dy) + absoluteDot(yw, feeds.dy);
        expect(Math.abs(dot(yx, feeds.dy) - dot(other.x, out["dx"]!)) / scale).toBeLessThan(1e-5);
        expect(Math.abs(dot(yw, feeds.dy) - dot(other.w, out["dw"]!)) / scale).toBeLessThan(1e-5);
      }),
      { numRuns: 150, seed: 7 },
    );
  });
});

describe("gradients", () => {
  it("are zero towards values that the loss does not depend on", async () => {
    const [x, other] = [ops.input("x", [3]), ops.input("other", [2, 2])];
    const [dx, dother] = gradients(ops.sumAll(ops.mul(x, x)), [x, other]);
    const out = await runGraph({ dx: dx!, dother: dother! }, { x: Float32Array.of(1, -2, 3) });
    expect(out).toEqual({ dx: Float32Array.of(2, -4, 6), dother: new Float32Array(4) });
  });

  it("add up over every use of a value", async () => {
    const x = ops.input("x", [2]);
    const loss = ops.sumAll(ops.add(ops.mul(x, x), ops.add(x, ops.scale(x, 3))));
    const [dx] = gradients(loss, [x]);
    expect(await runGraph({ dx: dx! }, { x: Float32Array.of(1, -2) })).toEqual({ dx: Float32Array.of(6, 0) });
  });

  it("stop at the lowest value asked for", () => {
    const x = ops.input("x", [2, 3]);
    const frozen = ops.matmul(x, ops.input("frozen", [3, 3]));
    const head = ops.input("head", [3, 1]);
    const [dhead] = gradients(ops.sumAll(ops.matmul(ops.activation("silu", frozen), head)), [head]);
    expect(dhead!.node.op).toBe("matmul");
  });

  it("refuse operations without a rule", () => {
    const x = ops.input("x", [2]);
    const loss = ops.sumAll(ops.minimum(x, ops.scalar(0)));
    expect(() => gradients(loss, [x])).toThrow("Expected a differentiable operation, got minimum");
  });
});
