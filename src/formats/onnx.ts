// ◇ Browser-safe. ONNX models as plain typed values, and their bytes.
// Source: github onnx/onnx, onnx/onnx.proto and docs/IR.md. Tensors are little-endian raw bytes in row-major order.
// Attributes we have no use for (subgraphs, sparse tensors, string lists) and data in other files are refused.
import { type AppError, unexpected } from "../core/errors.ts";
import { explainedBytes } from "../core/sniff.ts";
import {
  type AttributeMessage,
  isTooLarge,
  type ModelMessage,
  ONNX,
  readInt,
  type TensorMessage,
  type ValueMessage,
  writeInt,
} from "./onnx-schema.ts";
import { decodeMessage, encodeMessage } from "./protobuf.ts";

/** Element types and their codes in TensorProto.DataType. */
export const ONNX_DTYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  double: 11,
} as const;

export type OnnxDtype = keyof typeof ONNX_DTYPES;

/** Bytes of one element. */
export const ONNX_DTYPE_BYTES: Readonly<Record<OnnxDtype, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  double: 8,
};

export interface OnnxTensor {
  readonly name: string;
  readonly dtype: OnnxDtype;
  readonly dims: readonly number[];
  /** Little-endian, row-major. */
  readonly data: Uint8Array;
}

/** Integers of 2^63 or more stand for the largest int64 (ONNX's "to the end" in Slice). */
export type AttributeValue =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly tensor: OnnxTensor };

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  /** An empty name is an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export interface OnnxValue {
  readonly name: string;
  readonly dtype: OnnxDtype;
  /** A string names a free dimension; the empty string is one without a name. */
  readonly dims: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly graph: OnnxGraph;
  readonly metadata: Readonly<Record<string, string>>;
}

const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;
const utf8 = new TextEncoder();

/**
 * Bytes of an ONNX model.
 *
 * @param model - nodes in topological order; names unique
 * @returns the serialised ModelProto
 * @throws AppError("internal", "ONNX_TENSOR_SIZE") if a tensor's bytes do not fit its shape
 * @source onnx/onnx.proto
 * @example encodeModel({ irVersion: 8, producer: "facehand", opsets: [{ domain: "", version: 17 }], graph, metadata: {} })
 */
export function encodeModel(model: OnnxModel): Uint8Array {
  const { graph } = model;
  const message: ModelMessage = {
    irVersion: model.irVersion,
    producerName: model.producer,
    opsetImport: model.opsets,
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: graph.name,
      node: graph.nodes.map((node) => ({
        name: node.name,
        opType: node.op,
        domain: node.domain,
        input: node.inputs,
        output: node.outputs,
        attribute: Object.entries(node.attributes).map(([name, value]) => writeAttribute(name, value)),
      })),
      initializer: graph.initializers.map(writeTensor),
      input: graph.inputs.map(writeValue),
      output: graph.outputs.map(writeValue),
    },
  };
  return encodeMessage(ONNX.Model, message);
}

function writeAttribute(name: string, value: AttributeValue): AttributeMessage {
  if ("int" in value) return { name, type: ATTRIBUTE.int, i: writeInt(value.int) };
  if ("float" in value) return { name, type: ATTRIBUTE.float, f: value.float };
  if ("ints" in value) return { name, type: ATTRIBUTE.ints, ints: value.ints.map(writeInt) };
  if ("floats" in value) return { name, type: ATTRIBUTE.floats, floats: value.floats };
  if ("string" in value) return { name, type: ATTRIBUTE.string, s: utf8.encode(value.string) };
  return { name, type: ATTRIBUTE.tensor, t: writeTensor(value.tensor) };
}

function writeTensor(tensor: OnnxTensor): TensorMessage {
  const bytes = tensor.dims.reduce((a, b) => a * b, 1) * ONNX_DTYPE_BYTES[tensor.dtype];
  if (bytes !== tensor.data.byteLength) {
    throw unexpected("internal", {
      code: "ONNX_TENSOR_SIZE",
      expected: `${bytes} bytes of ${tensor.dtype} [${tensor.dims.join(", ")}]`,
      name: `tensor ${tensor.name}`,
      got: tensor.data.byteLength,
    });
  }
  return {
    name: tensor.name,
    dims: tensor.dims,
    dataType: ONNX_DTYPES[tensor.dtype],
    rawData: tensor.data,
  };
}

function writeValue(value: OnnxValue): ValueMessage {
  const dim = value.dims.map((d) =>
    typeof d === "number" ? { dimValue: d } : d === "" ? {} : { dimParam: d },
  );
  return { name: value.name, type: { tensorType: { elemType: ONNX_DTYPES[value.dtype], shape: { dim } } } };
}

/**
 * Reads an ONNX model. Shapes of inner values, doc strings and versions of the producer are dropped.
 *
 * @param bytes - a serialised ModelProto; tensors may share its memory
 * @param where - file name for messages
 * @returns the model
 * @throws AppError("data", "ONNX_BROKEN") if the bytes are not an ONNX model
 * @throws AppError("data", "ONNX_UNSUPPORTED") for subgraphs, external data and unknown element types
 * @source onnx/onnx.proto
 * @example decodeModel(await readFile("yunet.onnx")).graph.nodes.length
 */
export function decodeModel(bytes: Uint8Array, where = "model"): OnnxModel {
  return explainedBytes(bytes, ["onnx"], "an ONNX model", where, () => decodeParts(bytes, where));
}

function decodeParts(bytes: Uint8Array, where: string): OnnxModel {
  const message = parse(bytes, where);
  const { graph } = message;
  return {
    irVersion: readInt(message.irVersion),
    producer: message.producerName,
    opsets: message.opsetImport.map((o) => ({ domain: o.domain, version: readInt(o.version) })),
    metadata: Object.fromEntries(message.metadataProps.map((e) => [e.key, e.value])),
    graph: {
      name: graph.name,
      nodes: graph.node.map((node) => ({
        name: node.name,
        op: node.opType,
        domain: node.domain,
        inputs: [...node.input],
        outputs: [...node.output],
        attributes: Object.fromEntries(node.attribute.map((a) => [a.name, readAttribute(a, where)])),
      })),
      initializers: graph.initializer.map((t) => readTensor(t, where)),
      inputs: graph.input.map((v) => readValue(v, where)),
      outputs: graph.output.map((v) => readValue(v, where)),
    },
  };
}

function parse(bytes: Uint8Array, where: string): ModelMessage {
  let message: ModelMessage;
  try {
    message = decodeMessage(ONNX.Model, bytes) as unknown as ModelMessage;
  } catch (cause) {
    throw broken(where, "bytes that end early or are of another format", cause);
  }
  if (!message.graph || message.opsetImport.length === 0) {
    throw broken(where, "no graph or operator set", undefined);
  }
  if (isTooLarge(message)) throw broken(where, "more nodes and tensors than any model has", undefined);
  return message;
}

function broken(where: string, got: string, cause: unknown): AppError {
  const hint = "fetch or export the file again; it may be cut short.";
  const e = { code: "ONNX_BROKEN", expected: "an ONNX model", name: where, got };
  return unexpected("data", { ...e, hint, cause });
}

function unsupported(where: string, expected: string, name: string, got: unknown): AppError {
  return unexpected("data", { code: "ONNX_UNSUPPORTED", expected, name, got, where });
}

function readAttribute(a: AttributeMessage, where: string): AttributeValue {
  switch (a.type) {
    case ATTRIBUTE.int:
      return { int: readInt(a.i ?? 0) };
    case ATTRIBUTE.float:
      return { float: a.f ?? 0 };
    case ATTRIBUTE.ints:
      return { ints: (a.ints ?? []).map(readInt) };
    case ATTRIBUTE.floats:
      return { floats: Array.from(a.floats ?? []) };
    case ATTRIBUTE.string:
      return { string: a.s?.length ? new TextDecoder().decode(a.s) : "" }; // an absent one is a list
    case ATTRIBUTE.tensor:
      if (a.t) return { tensor: readTensor(a.t, where) };
  }
  const expected = `attribute type ${Object.values(ATTRIBUTE).join(", ")}`;
  throw unsupported(where, expected, `attribute ${a.name}`, a.type);
}

function readDtype(code: number, name: string, where: string): OnnxDtype {
  for (const dtype of Object.keys(ONNX_DTYPES) as OnnxDtype[]) {
    if (ONNX_DTYPES[dtype] === code) return dtype;
  }
  throw unsupported(where, `one of the types ${Object.keys(ONNX_DTYPES).join(", ")}`, name, `type ${code}`);
}

function readTensor(t: TensorMessage, where: string): OnnxTensor {
  const name = `tensor ${t.name}`;
  const dtype = readDtype(t.dataType, name, where);
  if (t.dataLocation) throw unsupported(where, "data in the model file", name, "external data");
  const dims = t.dims.map(readInt);
  const data = t.rawData?.length ? t.rawData : packValues(t, dtype);
  const bytes = dims.reduce((a, b) => a * b, 1) * ONNX_DTYPE_BYTES[dtype];
  if (data.byteLength !== bytes) {
    throw broken(where, `${data.byteLength} bytes for ${name} of ${bytes}`, undefined);
  }
  return { name: t.name, dtype, dims, data };
}

/** Values in typed fields rather than raw bytes; small types and fp16's bits are stored as int32. */
function packValues(t: TensorMessage, dtype: OnnxDtype): Uint8Array {
  const ints = t.int32Data ?? [];
  const packed = {
    float32: () => Float32Array.from(t.floatData ?? []),
    double: () => Float64Array.from(t.doubleData ?? []),
    int64: () => BigInt64Array.from(t.int64Data ?? []),
    int32: () => Int32Array.from(ints),
    float16: () => Uint16Array.from(ints),
    int8: () => Int8Array.from(ints),
    uint8: () => Uint8Array.from(ints),
    bool: () => Uint8Array.from(ints),
  }[dtype]();
  return new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
}

function readValue(v: ValueMessage, where: string): OnnxValue {
  const tensor = v.type?.tensorType;
  if (!tensor) throw unsupported(where, "a tensor", `value ${v.name}`, "another type");
  const dims = (tensor.shape?.dim ?? []).map((d) =>
    d.dimParam || d.dimValue === undefined ? (d.dimParam ?? "") : readInt(d.dimValue),
  );
  return { name: v.name, dtype: readDtype(tensor.elemType, `value ${v.name}`, where), dims };
}
