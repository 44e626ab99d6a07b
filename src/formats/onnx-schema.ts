// ◇ Browser-safe. The ONNX messages we write and read, as protobufjs's JSON descriptor.
// Source: onnx/onnx.proto (proto2), field numbers as there; fields we never write are left out and skipped
// when read, except those decodeModel must refuse (subgraphs, external data).
import protobuf from "protobufjs/light.js";

type Fields = Readonly<Record<string, readonly [rule: "" | "repeated" | "packed", type: string, id: number]>>;

const MESSAGES: Readonly<Record<string, Fields>> = {
  Attribute: {
    name: ["", "string", 1],
    f: ["", "float", 2],
    i: ["", "int64", 3],
    s: ["", "bytes", 4],
    t: ["", "Tensor", 5],
    floats: ["repeated", "float", 7],
    ints: ["repeated", "int64", 8],
    type: ["", "int32", 20],
  },
  Node: {
    input: ["repeated", "string", 1],
    output: ["repeated", "string", 2],
    name: ["", "string", 3],
    opType: ["", "string", 4],
    attribute: ["repeated", "Attribute", 5],
    domain: ["", "string", 7],
  },
  Tensor: {
    dims: ["repeated", "int64", 1],
    dataType: ["", "int32", 2],
    floatData: ["packed", "float", 4],
    int32Data: ["packed", "int32", 5],
    int64Data: ["packed", "int64", 7],
    name: ["", "string", 8],
    rawData: ["", "bytes", 9],
    doubleData: ["packed", "double", 10],
    dataLocation: ["", "int32", 14],
  },
  Dimension: { dimValue: ["", "int64", 1], dimParam: ["", "string", 2] },
  Shape: { dim: ["repeated", "Dimension", 1] },
  TensorType: { elemType: ["", "int32", 1], shape: ["", "Shape", 2] },
  Type: { tensorType: ["", "TensorType", 1] },
  ValueInfo: { name: ["", "string", 1], type: ["", "Type", 2] },
  Graph: {
    node: ["repeated", "Node", 1],
    name: ["", "string", 2],
    initializer: ["repeated", "Tensor", 5],
    input: ["repeated", "ValueInfo", 11],
    output: ["repeated", "ValueInfo", 12],
  },
  OperatorSet: { domain: ["", "string", 1], version: ["", "int64", 2] },
  Entry: { key: ["", "string", 1], value: ["", "string", 2] },
  Model: {
    irVersion: ["", "int64", 1],
    producerName: ["", "string", 2],
    graph: ["", "Graph", 7],
    opsetImport: ["repeated", "OperatorSet", 8],
    metadataProps: ["repeated", "Entry", 14],
  },
};

/** proto2: a field that is set to zero is written, and differs from one that is absent. */
function describe(fields: Fields): protobuf.IType & { edition: string } {
  const out: Record<string, protobuf.IField> = {};
  for (const [name, [rule, type, id]] of Object.entries(fields)) {
    const repeated = rule === "" ? {} : { rule: "repeated", options: { packed: rule === "packed" } };
    out[name] = { type, id, ...repeated };
  }
  return { edition: "proto2", fields: out };
}

const root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(Object.entries(MESSAGES).map(([name, fields]) => [name, describe(fields)])),
});

/** protobufjs's codec of ModelProto. */
export const ModelProto = root.lookupType("Model");

/** A 64-bit integer as protobufjs takes and gives it: a number, or two 32-bit halves. */
export type Int64 = number | { readonly low: number; readonly high: number; readonly unsigned: boolean };

/** Number of an int64 field; beyond 2^53 the nearest one. */
export function readInt(value: Int64): number {
  return typeof value === "number" ? value : value.high * 2 ** 32 + (value.low >>> 0);
}

/** Exact value of an int64 field. */
export function readBigInt(value: Int64): bigint {
  if (typeof value === "number") return BigInt(value);
  return (BigInt(value.high) << 32n) | BigInt(value.low >>> 0);
}

/** An int64 field; 2^63 and more become the largest int64, as readInt's rounding needs. */
export function writeInt(value: number): Int64 {
  return value >= 2 ** 63 ? { low: -1, high: 0x7fffffff, unsigned: false } : value;
}

export interface AttributeMessage {
  name: string;
  type: number;
  f?: number | undefined;
  i?: Int64 | undefined;
  s?: Uint8Array | undefined;
  t?: TensorMessage | undefined;
  floats?: ArrayLike<number> | undefined;
  ints?: readonly Int64[] | undefined;
}

export interface TensorMessage {
  name: string;
  dims: readonly Int64[];
  dataType: number;
  rawData?: Uint8Array | undefined;
  floatData?: readonly number[] | undefined;
  int32Data?: readonly number[] | undefined;
  int64Data?: readonly Int64[] | undefined;
  doubleData?: readonly number[] | undefined;
  dataLocation?: number | undefined;
}

export interface NodeMessage {
  name: string;
  opType: string;
  domain: string;
  input: readonly string[];
  output: readonly string[];
  attribute: readonly AttributeMessage[];
}

export interface DimensionMessage {
  dimValue?: Int64 | undefined;
  dimParam?: string | undefined;
}

export interface ValueMessage {
  name: string;
  type?: { tensorType?: { elemType: number; shape?: { dim: readonly DimensionMessage[] } } };
}

export interface ModelMessage {
  irVersion: Int64;
  producerName: string;
  opsetImport: readonly { domain: string; version: Int64 }[];
  metadataProps: readonly { key: string; value: string }[];
  graph: {
    name: string;
    node: readonly NodeMessage[];
    initializer: readonly TensorMessage[];
    input: readonly ValueMessage[];
    output: readonly ValueMessage[];
  };
}

/** Ten times what large models have. */
const MOST_PARTS = 200_000;

/** True for a graph of more parts than any model's: empty ones take two bytes in the file, and hundreds in memory. */
export function isTooLarge({ graph }: ModelMessage): boolean {
  const { node, initializer, input, output } = graph;
  return node.length + initializer.length + input.length + output.length > MOST_PARTS;
}
