import { describe, expect, it } from "vitest";
import { Random } from "../../core/random.ts";
import {
  encodeModel,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from "../../formats/onnx.ts";
import { createSession } from "../runtime/open-session.ts";
import { Tensor } from "../runtime/session.ts";
import { forBlockedKernels } from "./import-blocked.ts";

type Attributes = OnnxNode["attributes"];

/** A graph from the input x, [1, channels, 6, 6], to values of four axes. */
class Sketch {
  readonly #random = Random.of(3);
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly channels: number;

  constructor(channels: number) {
    this.channels = channels;
  }

  node(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = `${op}${this.nodes.length}`;
    this.nodes.push({ name: output, op, domain: "", inputs, outputs: [output], attributes });
    return output;
  }

  floats(dims: readonly number[], at = () => this.#random.normal()): string {
    const values = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, at);
    return this.#constant("float32", dims, values);
  }

  ints(values: readonly number[]): string {
    return this.#constant("int64", [values.length], BigInt64Array.from(values, BigInt));
  }

  #constant(
    dtype: "float32" | "int64",
    dims: readonly number[],
    values: Float32Array | BigInt64Array,
  ): string {
    const name = `constant${this.initializers.length}`;
    this.initializers.push({ name, dtype, dims, data: new Uint8Array(values.buffer as ArrayBuffer) });
    return name;
  }

  conv(x: string, [outs, ins, k = 1]: readonly number[], group = 1): string {
    const edge = (k! - 1) / 2;
    const attributes = { group: { int: group }, pads: { ints: [edge, edge, edge, edge] } };
    return this.node(
      "Conv",
      [x, this.floats([outs!, ins! / group, k!, k!]), this.floats([outs!])],
      attributes,
    );
  }

  pad(x: string, channels: number, more: readonly string[] = []): string {
    return this.node("Pad", [x, this.ints([0, 0, 0, 0, 0, channels, 0, 0]), ...more]);
  }

  resize(x: string, sizes: readonly number[], mode = "linear"): string {
    const attributes = { mode: { string: mode }, coordinate_transformation_mode: { string: "half_pixel" } };
    return this.node("Resize", [x, "", "", this.ints(sizes)], attributes);
  }

  model(...outputs: readonly string[]): OnnxModel {
    const value = (name: string, dims: readonly (number | string)[]) =>
      ({ name, dtype: "float32", dims }) as const;
    const graph: OnnxGraph = {
      name: "sketch",
      nodes: this.nodes,
      initializers: this.initializers,
      inputs: [value("x", [1, this.channels, 6, 6])],
      outputs: outputs.map((name) => value(name, [1, `${name}c`, `${name}h`, `${name}w`])),
    };
    return { irVersion: 8, producer: "", opsets: [{ domain: "", version: 17 }], graph, metadata: {} };
  }
}

async function run(model: OnnxModel, channels: number): Promise<Float32Array[]> {
  const session = await createSession(encodeModel(model), { threads: 1 });
  const random = Random.of(5);
  const x = Float32Array.from({ length: channels * 36 }, () => random.normal());
  const out = await session.run({ x: new Tensor("float32", x, [1, channels, 6, 6]) });
  await session.release();
  return model.graph.outputs.map(({ name }) => out[name]!.data as Float32Array);
}

const ops = ({ graph }: OnnxModel) => graph.nodes.map(({ op }) => op);

/** Rewrites a sketch, which must change, and compares what both compute; blocks are those of AVX2 and AVX-512. */
async function expectSame(sketch: Sketch, block: number, ...outputs: string[]): Promise<OnnxModel> {
  const model = sketch.model(...outputs);
  const fast = forBlockedKernels(model, block);
  expect(fast).not.toBe(model);
  const [wanted, got] = await Promise.all([model, fast].map((m) => run(m, sketch.channels)));
  got!.forEach((values, i) => {
    const scale = wanted![i]!.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    expect(values).toHaveLength(wanted![i]!.length);
    expect(values.every((v, k) => Math.abs(v - wanted![i]![k]!) <= 1e-6 * scale)).toBe(true);
  });
  return fast;
}

describe.each([8, 16])("forBlockedKernels, blocks of %i", (block) => {
  it.each(["Relu", "PRelu", "none"])(
    "splits a convolution that a shortcut of fewer channels is added to (%s)",
    async (after) => {
      const sketch = new Sketch(block);
      const h = sketch.conv("x", [block, block, 3]);
      const sum = sketch.node("Add", [sketch.pad("x", 2 * block), sketch.conv(h, [3 * block, block])]);
      const slope = after === "PRelu" ? [sketch.floats([1, 3 * block, 1, 1])] : [];
      const out = after === "none" ? sum : sketch.node(after, [sum, ...slope]);
      const fast = await expectSame(sketch, block, out);
      expect(ops(fast)).not.toContain("Pad");
      expect(ops(fast)).toContain("Concat");
    },
  );

  it("splits where the sum is read twice, and shortcuts in a row", async () => {
    const sketch = new Sketch(block);
    const one = sketch.node("Add", [sketch.conv("x", [2 * block, block]), sketch.pad("x", block)]);
    const active = sketch.node("Relu", [one]);
    const two = sketch.node("Add", [sketch.conv(active, [4 * block, 2 * block]), sketch.pad(one, 2 * block)]);
    const fast = await expectSame(sketch, block, sketch.node("Relu", [two]), active);
    expect(ops(fast).filter((op) => op === "Concat")).toHaveLength(2);
  });

  it("resizes what a convolution of one tap makes, not what it reads", async () => {
    const sketch = new Sketch(block);
    const low = sketch.node("Relu", [sketch.conv("x", [block, block])]);
    const out = sketch.conv(sketch.resize(low, [1, block, 12, 9]), [3, block]);
    const fast = await expectSame(sketch, block, sketch.node("Relu", [out]));
    expect(ops(fast)).toEqual(["Conv", "Relu", "Conv", "Resize", "Relu"]);
  });

  it("computes PRelu by convolutions, to the bit", async () => {
    const sketch = new Sketch(2 * block);
    const x = sketch.node("Relu", ["x"]); // not of a convolution, which may be fused with what follows
    const mixed = sketch.node("Add", [x, "x"]);
    const model = sketch.model(sketch.node("PRelu", [mixed, sketch.floats([1, 2 * block, 1, 1])]));
    const fast = forBlockedKernels(model, block);
    expect(ops(fast)).not.toContain("PRelu");
    expect(await run(fast, 2 * block)).toEqual(await run(model, 2 * block));
  });
});

describe("forBlockedKernels leaves", () => {
  const N = 8;
  const cases: readonly (readonly [string, (s: Sketch) => readonly string[]])[] = [
    ["a shortcut of no whole blocks", (s) => [s.node("Add", [s.conv("x", [12, N]), s.pad("x", 4)])]],
    [
      "a shortcut padded with a value",
      (s) => [s.node("Add", [s.conv("x", [16, N]), s.pad("x", 8, [s.floats([])])])],
    ],
    [
      "a shortcut padded in height",
      (s) => [
        s.node("Add", [s.conv("x", [N, N, 3]), s.node("Pad", ["x", s.ints([0, 0, 1, 0, 0, 0, -1, 0])])]),
      ],
    ],
    [
      "a shortcut read elsewhere",
      (s) => {
        const pad = s.pad("x", 8);
        return [s.node("Add", [s.conv("x", [16, N]), pad]), pad];
      },
    ],
    [
      "a convolution read elsewhere",
      (s) => {
        const conv = s.conv("x", [16, N]);
        return [s.node("Add", [conv, s.pad("x", 8)]), conv];
      },
    ],
    ["a sum of a grouped convolution", (s) => [s.node("Add", [s.conv("x", [16, N], 2), s.pad("x", 8)])]],
    [
      "a sum of no convolution",
      (s) => [s.node("Add", [s.pad("x", 8), s.node("Concat", ["x", "x"], { axis: { int: 1 } })])],
    ],
    [
      "a resize of the nearest",
      (s) => [s.conv(s.resize(s.conv("x", [N, N]), [1, N, 9, 9], "nearest"), [4, N])],
    ],
    ["a resize of who knows how many channels", (s) => [s.conv(s.resize("x", [1, N, 9, 9]), [4, N])]],
    ["a resize before three taps", (s) => [s.conv(s.resize(s.conv("x", [N, N]), [1, N, 9, 9]), [N, N, 3])]],
    [
      "a resize before a grouped convolution",
      (s) => [s.conv(s.resize(s.conv("x", [N, N]), [1, N, 9, 9]), [4, N], 2)],
    ],
    ["a resize before more channels", (s) => [s.conv(s.resize(s.conv("x", [N, N]), [1, N, 9, 9]), [16, N])]],
    ["a slope for all channels", (s) => [s.node("PRelu", [s.conv("x", [N, N]), s.floats([1])])]],
    ["a slope a pixel", (s) => [s.node("PRelu", [s.conv("x", [N, N]), s.floats([1, N, 6, 6])])]],
    ["PRelu of the input", (s) => [s.node("PRelu", ["x", s.floats([1, N, 1, 1])])]],
  ];
  it.each(cases)("%s", async (_, draw) => {
    const sketch = new Sketch(N);
    const model = sketch.model(...draw(sketch));
    expect(forBlockedKernels(model, 8)).toBe(model);
    await run(model, N); // throws if it is no graph
  });

  it("everything where there are no blocks", () => {
    const sketch = new Sketch(8);
    const model = sketch.model(sketch.node("Add", [sketch.conv("x", [16, 8]), sketch.pad("x", 8)]));
    expect(forBlockedKernels(model, 8)).not.toBe(model);
    expect(forBlockedKernels(model, undefined)).toBe(model);
  });
});
