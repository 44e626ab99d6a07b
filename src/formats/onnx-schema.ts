// ◇ Browser-safe. The ONNX messages we write and read.
// Source: onnx/onnx.proto (proto2), field numbers as there; fields we never write are left out and skipped
// when read, except those decodeModel must refuse (subgraphs, external data).
import { kindsOf } from "./protobuf.ts";

/** `Model`, and what it holds; fields in the order of their numbers. */
export const ONNX = kindsOf({
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
    floatData: ["repeated", "float", 4],
    int32Data: ["repeated", "int32", 5],
    int64Data: ["repeated", "int64", 7],
    name: ["", "string", 8],
    rawData: ["", "bytes", 9],
    doubleData: ["repeated", "double", 10],
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
});

/** A 64-bit integer: written as either, read as a bigint. */
export type Int64 = bigint | number;

/** Number of an int64 field; beyond 2^53 the nearest one. */
export const readInt = (value: Int64 = 0): number => Number(value);

/** An int64 field; 2^63 and more become the largest int64, as readInt's rounding needs. */
export const writeInt = (value: number): Int64 => (value >= 2 ** 63 ? 2n ** 63n - 1n : value);

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
  int64Data?: readonly bigint[] | undefined;
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
  irVersion?: Int64 | undefined;
  producerName: string;
  opsetImport: readonly { domain: string; version?: Int64 | undefined }[];
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
