// The operators in C++ against sums in float64 of operands that are rounded to bf16 here, at odd sizes; and which convolutions
// of a graph they take over.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { KERNEL_CACHE, NO_KERNELS, sharedKernels, WHY } from "../../../test/compiled.ts";
import { difference } from "../../../test/run-graph.ts";
import { Random } from "../../core/random.ts";
import { encodeModel } from "../../formats/onnx.ts";
import { gradients } from "../gradients.ts";
import { sizeOf, type Value } from "../graph.ts";
import { emitGraph } from "../lower/emit.ts";
import { training } from "../lower/training.ts";
import { COMPILED } from "../lower/writer.ts";
import * as ops from "../ops.ts";
import { createSession } from "../runtime/open-session.ts";
import { Tensor } from "../runtime/session.ts";
import { kernelLibrary } from "./library.ts";

beforeAll(async () => {
  vi.stubEnv("XDG_CACHE_HOME", KERNEL_CACHE);
  if (NO_KERNELS === undefined) await sharedKernels();
});
afterAll(() => void vi.unstubAllEnvs());

const LANES = 16;
const up = (channels: number) => Math.ceil(channels / LANES) * LANES;

/** The nearest bf16, ties to even. */
function rounded(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const even = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 0;
  return new Float32Array(Uint32Array.of(even & 0xffff0000).buffer)[0]!;
}

const drawn = (name: string, shape: readonly number[]) => {
  const random = Random.of(11).split(name);
  return Float32Array.from({ length: sizeOf(shape) }, () => random.normal());
};

/** [N, C, H, W] in blocks of 16 channels; what pads the last block is NaN, as nobody may read it. */
function toBlocks(data: Float32Array, [n, c, h, w]: readonly [number, number, number, number]): Float32Array {
  const out = new Float32Array(n * up(c) * h * w).fill(Number.NaN);
  const area = h * w;
  for (let i = 0; i < n * c * area; i++) {
    const [sample, channel, pixel] = [Math.floor(i / (c * area)), Math.floor(i / area) % c, i % area];
    const block = sample * (up(c) / LANES) + Math.floor(channel / LANES);
    out[(block * area + pixel) * LANES + (channel % LANES)] = data[i]!;
  }
  return out;
}

function fromBlocks(
  data: Float32Array,
  [n, c, h, w]: readonly [number, number, number, number],
): Float32Array {
  const places = toBlocks(
    Float32Array.from({ length: n * c * h * w }, (_, i) => i),
    [n, c, h, w],
  );
  const out = new Float32Array(n * c * h * w);
  places.forEach((i, at) => {
    if (!Number.isNaN(i)) out[i] = data[at]!;
  });
  return out;
}

interface Sizes {
  readonly n: number;
  readonly c: number;
  readonly o: number;
  readonly h: number;
  readonly w: number;
  readonly k: number;
  readonly s: number;
}
const outOf = (length: number, { k, s }: Sizes) => Math.floor((length + k - 1 - k) / s) + 1;

/** Calls `each` with the places in x, weights and y of every product of a convolution. */
function products(sizes: Sizes, each: (x: number, w: number, y: number) => void): void {
  const { n, c, o, h, w, k, s } = sizes;
  const [ho, wo, pad] = [outOf(h, sizes), outOf(w, sizes), (k - 1) / 2];
  for (let i = 0; i < n * o * ho * wo * c * k * k; i++) {
    const [kw, kh, ci] = [i % k, Math.floor(i / k) % k, Math.floor(i / (k * k)) % c];
    const y = Math.floor(i / (k * k * c));
    const [col, row, oi] = [y % wo, Math.floor(y / wo) % ho, Math.floor(y / (wo * ho)) % o];
    const sample = Math.floor(y / (wo * ho * o));
    const [xr, xc] = [row * s + kh - pad, col * s + kw - pad];
    if (xr < 0 || xr >= h || xc < 0 || xc >= w) continue;
    each(((sample * c + ci) * h + xr) * w + xc, ((oi * c + ci) * k + kh) * k + kw, y);
  }
}

type Feeds = Readonly<Record<string, readonly [data: Float32Array, dims: readonly number[]]>>;

/** One node on the CPU, by so many threads. */
async function runNode(
  op: string,
  sizes: Readonly<Record<string, number>>,
  feeds: Feeds,
  outDims: readonly number[],
  threads = 1,
): Promise<Float32Array> {
  const attributes = Object.fromEntries(Object.entries(sizes).map(([name, int]) => [name, { int }]));
  const named = Object.entries(feeds);
  const inputs = named.map(([name]) => (name.startsWith("none") ? "" : name));
  const given = named.filter(([name]) => !name.startsWith("none"));
  const model = encodeModel({
    ...{ irVersion: 8, producer: "facehand", metadata: {} },
    opsets: [
      { domain: "", version: 17 },
      { domain: COMPILED, version: 1 },
    ],
    graph: {
      ...{ name: "g", initializers: [] },
      nodes: [{ name: "n", op, domain: COMPILED, inputs, outputs: ["y"], attributes }],
      inputs: given.map(([name, [, dims]]) => ({ name, dtype: "float32", dims })),
      outputs: [{ name: "y", dtype: "float32", dims: outDims }],
    },
  });
  const session = await createSession(model, {
    threads,
    optimization: "disabled",
    operators: kernelLibrary(),
  });
  try {
    const tensors = given.map(([name, [data, dims]]) => [name, new Tensor("float32", data, dims)] as const);
    return (await session.run(Object.fromEntries(tensors)))["y"]!.data as Float32Array;
  } finally {
    await session.release();
  }
}

/** Groups of one, two and three blocks; channels that do not fill a block; rows of one to three pieces; both strides. */
const CASES: readonly Sizes[] = [
  { n: 2, c: 20, o: 28, h: 13, w: 9, k: 3, s: 1 },
  { n: 3, c: 4, o: 48, h: 7, w: 15, k: 3, s: 2 },
  { n: 2, c: 36, o: 80, h: 6, w: 31, k: 3, s: 1 },
  { n: 1, c: 16, o: 12, h: 8, w: 8, k: 3, s: 2 },
  { n: 2, c: 8, o: 4, h: 1, w: 1, k: 3, s: 1 },
  { n: 2, c: 36, o: 20, h: 5, w: 3, k: 1, s: 1 },
  { n: 1, c: 52, o: 12, h: 9, w: 8, k: 1, s: 2 },
  { n: 5, c: 12, o: 100, h: 2, w: 2, k: 1, s: 1 },
];
const named = CASES.map((sizes) => [JSON.stringify(sizes).replaceAll('"', ""), sizes] as const);
/** Of float32 sums in another order. */
const CLOSE = 2e-6;

describe.skipIf(NO_KERNELS !== undefined)(`operators in bf16${WHY}`, () => {
  const setUp = (sizes: Sizes) => {
    const { n, c, o, h, w, k } = sizes;
    const [ho, wo] = [outOf(h, sizes), outOf(w, sizes)];
    const [x, y, weight] = [[n, c, h, w] as const, [n, o, ho, wo] as const, [o, c, k, k] as const];
    const blocked = ([a, b, ...rest]: readonly [number, number, number, number]) => [a, up(b), ...rest];
    const data = { x: drawn("x", x), dy: drawn("dy", y), w: drawn("w", weight) };
    const exact = { x: data.x.map(rounded), dy: data.dy.map(rounded), w: data.w.map(rounded) };
    return { x, y, weight, blocked, data, exact, attributes: { ...sizes, ho, wo, back: 0 } };
  };

  it.each(named)("convolve: %s", async (_, sizes) => {
    const { x, y, weight, blocked, data, exact, attributes } = setUp(sizes);
    const bias = drawn("bias", [up(sizes.o)]);
    const sum = drawn("sum", y);
    const feeds: Feeds = { x: [toBlocks(data.x, x), blocked(x)], w: [data.w, weight] };
    const expected = new Float64Array(sizeOf(y));
    products(sizes, (i, j, at) => {
      expected[at]! += exact.x[i]! * exact.w[j]!;
    });
    const plain = await runNode("Bf16Conv", attributes, feeds, blocked(y));
    expect(difference(fromBlocks(plain, y), expected)).toBeLessThan(CLOSE);
    // A bias, a map that is added, both; and by two threads the same bytes.
    const area = y[2] * y[3];
    const biased = expected.map((v, i) => v + bias[Math.floor(i / area) % sizes.o]!);
    const more: Feeds = { ...feeds, bias: [bias, [up(sizes.o)]] };
    const withBias = await runNode("Bf16Conv", attributes, more, blocked(y));
    expect(difference(fromBlocks(withBias, y), biased)).toBeLessThan(CLOSE);
    const map = [toBlocks(sum, y).map((v) => (Number.isNaN(v) ? 0 : v)), blocked(y)] as const;
    const added = await runNode("Bf16Conv", attributes, { ...feeds, none: map, sum: map }, blocked(y), 2);
    const total = expected.map((v, i) => v + sum[i]!);
    expect(difference(fromBlocks(added, y), total)).toBeLessThan(CLOSE);
    expect(await runNode("Bf16Conv", attributes, feeds, blocked(y), 2)).toEqual(plain);
  });

  it.each(named)("gradient of the input: %s", async (_, sizes) => {
    const { x, y, weight, blocked, data, exact, attributes } = setUp(sizes);
    const feeds: Feeds = { dy: [toBlocks(data.dy, y), blocked(y)], w: [data.w, weight] };
    const expected = new Float64Array(sizeOf(x));
    products(sizes, (i, j, at) => {
      expected[i]! += exact.dy[at]! * exact.w[j]!;
    });
    const order = { ...attributes, back: 1 };
    const made = await runNode("Bf16Conv", order, feeds, blocked(x));
    expect(difference(fromBlocks(made, x), expected)).toBeLessThan(CLOSE);
    expect(await runNode("Bf16Conv", order, feeds, blocked(x), 2)).toEqual(made);
  });

  it.each(named)("gradient of the weights: %s", async (_, sizes) => {
    const { x, y, weight, blocked, data, exact, attributes } = setUp(sizes);
    const feeds: Feeds = {
      x: [toBlocks(data.x, x), blocked(x)],
      dy: [toBlocks(data.dy, y), blocked(y)],
    };
    const expected = new Float64Array(sizeOf(weight));
    products(sizes, (i, j, at) => {
      expected[j]! += exact.x[i]! * exact.dy[at]!;
    });
    const made = await runNode("Bf16ConvWeights", attributes, feeds, weight);
    expect(difference(made, expected)).toBeLessThan(CLOSE);
    for (const threads of [2, 3])
      expect(await runNode("Bf16ConvWeights", attributes, feeds, weight, threads)).toEqual(made);
  });

  it.each([
    ["a kernel of 2", { k: 2 }, /kernel of 1 or 3/],
    ["a stride of 3", { s: 3 }, /Expected s from 1 to 2, got 3/],
    ["an output of another size", { ho: 12 }, /got other sizes/],
    ["channels that are no fours", { c: 18 }, /channels in fours/],
    ["a batch that is not there", { n: 3 }, /values for input 0/],
  ])("refuse %s", async (_, wrong, message) => {
    const { x, y, weight, blocked, data, attributes } = setUp(CASES[0]!);
    const feeds: Feeds = { x: [toBlocks(data.x, x), blocked(x)], w: [data.w, weight] };
    await expect(runNode("Bf16Conv", { ...attributes, ...wrong }, feeds, blocked(y))).rejects.toThrow(
      message,
    );
  });

  it("take over dense convolutions of a graph, and nothing else", async () => {
    const c = 24;
    const leaves: Value[] = [];
    const leaf = (...shape: number[]) => {
      leaves.push(ops.input(`i${leaves.length}`, shape));
      return leaves.at(-1)!;
    };
    const conv = (x: Value, kernel: readonly number[], stride: number, pads: number[], groups = 1) =>
      ops.conv2d(x, leaf(...kernel), {
        ...{ stride: [stride, stride], groups },
        padding: pads as [number, number, number, number],
      });
    const [p0, p1] = [
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ];
    const stem = conv(leaf(2, 3, 18, 14), [c, 3, 3, 3], 1, p1!); // of three channels: not taken
    const around = ops.activation("silu", ops.add(conv(stem, [c, c, 3, 3], 1, p1!), stem)); // taken, thrice
    const down = conv(around, [c, c, 3, 3], 2, [0, 0, 1, 1]); // padded on one side: not taken
    const depthwise = conv(down, [c, 1, 3, 3], 1, p1!, c); // not taken
    const y = conv(depthwise, [40, c, 1, 1], 2, p0!); // taken, thrice
    const loss = ops.sumAll(ops.mul(y, leaf(...y.shape)));
    const wrt = leaves.slice(0, -1);
    const outputs: Record<string, Value> = { y, loss };
    gradients(loss, wrt).forEach((g, i) => {
      outputs[`g${i}`] = g;
    });
    const run = async (kernels?: "bf16") => {
      const { model, inputs } = emitGraph({ outputs, lowering: training(LANES, kernels) });
      const operators = kernels === undefined ? undefined : kernelLibrary();
      const session = await createSession(model, { threads: 1, optimization: "disabled", operators });
      try {
        const feeds = inputs.map(({ name, shape }) => {
          const data = drawn(name, shape).map((v) => v / Math.sqrt(shape[0]!));
          return [name, new Tensor("float32", data, shape)] as const;
        });
        const text = Buffer.from(model).toString("latin1"); // op_type is field 4, a text of this length
        const counts = ['"\u0008Bf16Conv', '"\u000fBf16ConvWeights'].map((op) => text.split(op).length - 1);
        return { counts, results: await session.run(Object.fromEntries(feeds)) };
      } finally {
        await session.release();
      }
    };
    const [float32, bf16] = [await run(), await run("bf16")];
    expect(float32.counts).toEqual([0, 0]);
    expect(bf16.counts).toEqual([4, 2]);
    for (const name of Object.keys(outputs)) {
      const [a, b] = [bf16, float32].map(({ results }) => results[name]!.data as Float32Array);
      const away = difference(a!, b!);
      expect(away, name).toBeLessThan(0.02);
    }
    expect(bf16.results["y"]!.data).not.toEqual(float32.results["y"]!.data);
  });
});
