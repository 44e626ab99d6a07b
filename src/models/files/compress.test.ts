// Exports with smaller weights: exactly the graph of the rounded weights, in ONNX Runtime for Node, for browsers
// (WebAssembly), and for Python where one is installed.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as web from "onnxruntime-web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runPython } from "../../../test/python.ts";
import { Random } from "../../core/random.ts";
import { initialise } from "../../engine/params.ts";
import { createSession } from "../../engine/runtime/open-session.ts";
import { Tensor } from "../../engine/runtime/session.ts";
import { decodeModel, encodeModel, type OnnxTensor } from "../../formats/onnx.ts";
import { exportOnnx } from "../../predict/export.ts";
import { declaredSpecs } from "../../train/step/graph.ts";
import { type ModelFacts, modelGraph, OUTPUT_MEANING } from "../facts.ts";
import { compressWeights, type Precision } from "./compress.ts";

const SIZE = 32;
const COUNT = 4;
const factsOf = (backbone: string): ModelFacts => ({
  format: 1,
  arch: "umcc",
  tag: `${backbone}.none_F1_An_Lb_Z0`,
  backbone,
  flag: true,
  gating: null,
  pixels: { sizePx: SIZE, interpolation: "bilinear", mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.25] },
  threshold: 0.5,
  output: OUTPUT_MEANING,
  trainedOn: [],
  targets: [{ name: "age", classes: ["0-2", "3-9", "10-19"] }],
});
const modelOf = (backbone: string) => {
  const facts = factsOf(backbone);
  return { facts, weights: initialise(declaredSpecs(modelGraph(facts), SIZE), Random.of(5)) };
};

const images = Uint8Array.from({ length: COUNT * 3 * SIZE * SIZE }, (_, i) => (i * 37 + (i >> 6) * 11) % 256);
const flag = Float32Array.from({ length: 2 * COUNT }, (_, i) => (i % 2 === (i >> 1) % 2 ? 1 : 0));
type Outputs = Record<string, ArrayLike<number>>;

async function runNode(onnx: Uint8Array): Promise<Outputs> {
  const session = await createSession(onnx, { threads: 1 });
  const feeds = {
    images: new Tensor("uint8", images, [COUNT, SIZE, SIZE, 3]),
    flag: new Tensor("float32", flag, [COUNT, 2]),
  };
  const outputs = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.data as Float32Array]));
}

async function runWeb(onnx: Uint8Array): Promise<Outputs> {
  web.env.wasm.numThreads = 1;
  const session = await web.InferenceSession.create(onnx, { executionProviders: ["wasm"] });
  const feeds = {
    images: new web.Tensor("uint8", images, [COUNT, SIZE, SIZE, 3]),
    flag: new web.Tensor("float32", flag, [COUNT, 2]),
  };
  const outputs = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.data as Float32Array]));
}

function difference(a: Outputs, b: Outputs): number {
  expect(Object.keys(a)).toEqual(["logits", "age", "probability"]);
  const all = Object.keys(a).flatMap((name) => Array.from(a[name]!, (v, i) => Math.abs(v - b[name]![i]!)));
  return Math.max(...all);
}

/** The large weights of an export rounded in place, written another way than compressWeights does. */
function rounded(bytes: Uint8Array, precision: Precision): Uint8Array {
  const model = decodeModel(bytes);
  const initializers = model.graph.initializers.map((tensor): OnnxTensor => {
    const values = new Float32Array(new Uint8Array(tensor.data).buffer);
    if (tensor.dtype !== "float32" || tensor.dims.length < 2 || values.length < 1024) return tensor;
    if (precision === "int8" && tensor.dims.length === 4 && tensor.dims[1] === 1) return tensor; // depthwise
    const size = values.length / tensor.dims[0]!;
    const scales = Array.from({ length: tensor.dims[0]! }, (_, c) => {
      const channel = values.slice(c * size, (c + 1) * size);
      return Math.fround(Math.max(...channel.map(Math.abs)) / 127);
    });
    const next = values.map((v, i) => {
      if (precision === "float16") {
        const unit = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(v)))) - 10);
        return Math.round(v / unit) * unit;
      }
      const scale = scales[Math.floor(i / size)]!;
      return Math.round(v / scale) * scale;
    });
    return { ...tensor, data: new Uint8Array(next.buffer) };
  });
  return encodeModel({ ...model, graph: { ...model.graph, initializers } });
}

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-compress-"));
});
afterAll(() => rm(dir, { recursive: true }));

describe("an export with smaller weights", () => {
  it.each(["float16", "int8"] as const)("%s is the graph of the rounded weights", async (precision) => {
    const model = modelOf("test_efficientnet");
    const exact = exportOnnx(model).bytes;
    const small = await runNode(exportOnnx(model, precision).bytes);
    expect(difference(small, await runNode(rounded(exact, precision)))).toBeLessThan(1e-5);
    expect(difference(small, await runNode(exact))).toBeGreaterThan(1e-6); // the rounding is there
  });

  it.each([
    ["float32", 1],
    ["float16", 0.6],
    ["int8", 0.4],
  ] as const)(
    "%s predicts the same in a browser's runtime, with the bytes that it promises",
    async (precision, share) => {
      const model = modelOf("mobilenetv3_small_050");
      const { bytes, metadata } = exportOnnx(model, precision);
      expect(bytes.byteLength).toBeLessThanOrEqual(share * exportOnnx(model).bytes.byteLength);
      expect(metadata["weights"]).toBe(precision === "float32" ? undefined : precision);
      expect(difference(await runNode(bytes), await runWeb(bytes))).toBeLessThan(1e-4);
    },
  );

  it.for(["float16", "int8"] as const)(
    "%s predicts the same in Python's runtime",
    async (precision, context) => {
      const { bytes } = exportOnnx(modelOf("test_efficientnet"), precision);
      await writeFile(join(dir, "m.onnx"), bytes);
      await writeFile(join(dir, "images.u8"), images);
      const script = fileURLToPath(new URL("../../../test/parity/exported.py", import.meta.url));
      const ran = runPython(script, join(dir, "m.onnx"), join(dir, "images.u8"), JSON.stringify([...flag]));
      if (ran === undefined) return context.skip("needs a Python with onnxruntime");
      expect(ran.status, ran.stderr).toBe(0);
      expect(difference(await runNode(bytes), JSON.parse(ran.stdout) as Outputs)).toBeLessThan(1e-5);
    },
  );

  it("keeps weights that float16 cannot hold, and channels of zeros", () => {
    const data = new Float32Array(2 * 1024).fill(0);
    data[3] = 70_000;
    const weight = {
      name: "w",
      dtype: "float32",
      dims: [2, 1024],
      data: new Uint8Array(data.buffer),
    } as const;
    const opsets = [{ domain: "", version: 17 }];
    const graph = { name: "g", nodes: [], initializers: [weight], inputs: [], outputs: [] };
    const model = { irVersion: 8, producer: "t", opsets, metadata: {}, graph };
    expect(compressWeights(model, "float16").graph.initializers).toEqual([weight]);
    const [whole, scale] = compressWeights(model, "int8").graph.initializers;
    expect([whole!.data[3], whole!.data.filter((v) => v !== 0).length]).toEqual([127, 1]);
    expect([...new Float32Array(new Uint8Array(scale!.data).buffer)]).toEqual([Math.fround(70_000 / 127), 1]);
  });
});
