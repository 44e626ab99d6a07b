import { describe, expect, it } from "vitest";
import {
  decodeModel,
  encodeModel,
  ONNX_DTYPES,
  type OnnxDtype,
  type OnnxModel,
  type OnnxNode,
} from "./onnx.ts";

const bytesOf = (a: { buffer: ArrayBufferLike }) => new Uint8Array(a.buffer as ArrayBuffer);

function modelOf(nodes: readonly OnnxNode[], initializers: OnnxModel["graph"]["initializers"]): OnnxModel {
  return {
    irVersion: 8,
    producer: "facehand",
    opsets: [
      { domain: "", version: 17 },
      { domain: "com.microsoft", version: 1 },
    ],
    metadata: { recipe: "x / 127.5 - 1", länge: "äöü" },
    graph: {
      name: "g",
      nodes,
      initializers,
      inputs: [{ name: "x", dtype: "float32", dims: ["batch", 3] }],
      outputs: [{ name: "y", dtype: "float32", dims: ["batch", 2] }],
    },
  };
}

const gemm: OnnxNode = {
  name: "gemm",
  op: "Gemm",
  domain: "",
  inputs: ["x", "w", "b"],
  outputs: ["y"],
  attributes: { alpha: { float: 0.5 }, transB: { int: 1 } },
};
const small = modelOf(
  [gemm],
  [
    { name: "w", dtype: "float32", dims: [2, 3], data: bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)) },
    { name: "b", dtype: "float32", dims: [2], data: bytesOf(Float32Array.of(10, -10)) },
  ],
);

/** One protobuf field: bytes under a field number. */
function field(id: number, body: Uint8Array | readonly number[]): number[] {
  return [(id << 3) | 2, body.length, ...body];
}

describe("encodeModel", () => {
  it("round-trips every attribute kind and element type", () => {
    const attributes = {
      int: { int: -3 },
      big: { int: 2 ** 52 + 1 },
      float: { float: 0.25 },
      ints: { ints: [1, -1, 2 ** 40] },
      none: { ints: [] },
      floats: { floats: [0.5, -2] },
      string: { string: "same_upper é" },
      tensor: { tensor: { name: "t", dtype: "int64", dims: [], data: new Uint8Array(8).fill(7) } },
    } as const;
    const sizes = { float32: 4, uint8: 1, int8: 1, int32: 4, int64: 8, bool: 1, float16: 2, double: 8 };
    const initializers = (Object.keys(ONNX_DTYPES) as OnnxDtype[]).map((dtype) => ({
      name: dtype,
      dtype,
      dims: [1, 2],
      data: Uint8Array.from({ length: 2 * sizes[dtype] }, (_, i) => i + 1),
    }));
    const model = modelOf([{ ...gemm, attributes }], initializers);
    const back = decodeModel(encodeModel(model));
    const plain = ({ graph, ...rest }: OnnxModel) => ({
      ...rest,
      nodes: graph.nodes.map((n) => JSON.stringify(n.attributes)),
      initializers: graph.initializers.map((t) => ({ ...t, data: Array.from(t.data) })),
    });
    expect(plain(back)).toEqual(plain(model));
  });

  it("keeps the largest int64, which means 'to the end'", () => {
    const max = modelOf(
      [{ ...gemm, attributes: { ends: { ints: [2 ** 63] }, start: { int: -(2 ** 63) } } }],
      [],
    );
    const bytes = encodeModel(max);
    const varint = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    expect(Buffer.from(bytes).indexOf(Buffer.from(varint))).toBeGreaterThan(0);
    expect(decodeModel(bytes).graph.nodes[0]?.attributes).toEqual(max.graph.nodes[0]?.attributes);
  });

  it("refuses a tensor whose bytes do not fit its shape", () => {
    const bad = modelOf([], [{ name: "w", dtype: "float32", dims: [2], data: new Uint8Array(4) }]);
    expect(() => encodeModel(bad)).toThrow("Expected 8 bytes of float32 [2] for tensor w, got 4");
  });

  it("encodes and decodes 10,000 nodes", () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) => ({
      ...gemm,
      name: `n${i}`,
      inputs: [`v${i}`, "w", "b"],
      outputs: [`v${i + 1}`],
    }));
    const bytes = encodeModel(modelOf(nodes, []));
    expect(decodeModel(bytes).graph.nodes).toHaveLength(10_000);
  });
});

describe("decodeModel", () => {
  it("reads values of typed fields", () => {
    const tensor = [0x08, 2, 0x10, 7, ...field(7, [1, ...Array(9).fill(0xff), 1]), ...field(8, [0x77])];
    const bytes = Uint8Array.from([...field(7, field(5, tensor)), ...field(8, [0x10, 17])]);
    const [w] = decodeModel(bytes).graph.initializers;
    expect(w).toMatchObject({ name: "w", dtype: "int64", dims: [2] });
    expect([...new BigInt64Array(w!.data.slice().buffer)]).toEqual([1n, -1n]);
  });

  it("distinguishes a nameless dimension from one of size zero", () => {
    const dims = [0, "", "n", 4];
    const model = {
      ...small,
      graph: { ...small.graph, inputs: [{ name: "x", dtype: "bool" as const, dims }] },
    };
    expect(decodeModel(encodeModel(model)).graph.inputs[0]?.dims).toEqual(dims);
  });

  it("reports that a file is not a model, or cut short", () => {
    const bytes = encodeModel(small);
    expect(() => decodeModel(bytes.subarray(0, bytes.length - 9), "m.onnx")).toThrow(
      /^Expected an ONNX model for m\.onnx, got /,
    );
    expect(() => decodeModel(new Uint8Array(0), "m.onnx")).toThrow(
      'Expected an ONNX model for m.onnx, got "an empty file"',
    );
    const short = Uint8Array.from([...field(7, field(5, [0x08, 2, 0x10, 7])), ...field(8, [0x10, 17])]);
    expect(() => decodeModel(short, "m.onnx")).toThrow("0 bytes for tensor  of 16");
  });

  it("refuses what it cannot represent", () => {
    const graphAttribute = [...field(1, [0x67]), 0xa0, 1, 5];
    const wrap = (graph: number[]) => Uint8Array.from([...field(7, graph), ...field(8, [0x10, 17])]);
    expect(() => decodeModel(wrap(field(1, field(5, graphAttribute))), "m.onnx")).toThrow(
      "Expected attribute type 1, 2, 3, 4, 6, 7 for attribute g, got 5 (m.onnx)",
    );
    expect(() => decodeModel(wrap(field(5, [0x10, 8])), "m.onnx")).toThrow(
      /one of the types float32.* got "type 8"/,
    );
    expect(() => decodeModel(wrap(field(5, [0x10, 1, 0x70, 1])), "m.onnx")).toThrow("external data");
    expect(() => decodeModel(wrap(field(11, [])), "m.onnx")).toThrow("Expected a tensor for value ");
  });
});

it("refuses a graph of a million empty nodes", () => {
  const nodes = Buffer.alloc(2 << 20, "\x0a\x00", "latin1");
  const graph = Buffer.concat([Buffer.from([0x3a, 0x80, 0x80, 0x80, 1]), nodes]); // field 7 of 2 MiB
  const bytes = Buffer.concat([Buffer.from([8, 8, 0x42, 0]), graph]);
  expect(() => decodeModel(bytes, "m.onnx")).toThrow('got "more nodes and tensors than any model has"');
});

it("reads a text attribute without its text as an empty one", () => {
  const attribute = Buffer.from([0x0a, 1, 0x61, 0xa0, 1, 3]); // name a, type STRING
  const node = Buffer.concat([Buffer.from([0x2a, attribute.length]), attribute]);
  const graph = Buffer.concat([Buffer.from([0x0a, node.length]), node]);
  const bytes = Buffer.concat([Buffer.from([8, 8, 0x42, 0, 0x3a, graph.length]), graph]);
  expect(decodeModel(bytes, "m.onnx").graph.nodes[0]?.attributes).toEqual({ a: { string: "" } });
});
