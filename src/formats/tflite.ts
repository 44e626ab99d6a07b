// ◇ Browser-safe. Reads a .tflite model (FlatBuffers, identifier TFL3) into plain typed values.
// Source: tensorflow/lite/schema/schema.fbs; the numbers below are field positions in its tables.
// One subgraph, dense tensors. The flatbuffers library checks no range: tflite-table.ts does.
import { type AppError, unexpected } from "../core/errors.ts";
import { explainedBytes } from "../core/sniff.ts";
import {
  ACTIVATIONS,
  BUILTIN_OPERATORS,
  type KnownOp,
  type OptionsOf,
  PADDINGS,
  TENSOR_TYPES,
  type TfliteDtype,
} from "./tflite-schema.ts";
import { broken, openTable, type Table } from "./tflite-table.ts";

export interface TfliteTensor {
  readonly name: string;
  readonly dtype: TfliteDtype;
  /** NHWC for images. */
  readonly shape: readonly number[];
  /** Little-endian bytes of a constant; undefined for a computed tensor. */
  readonly data: Uint8Array | undefined;
}

interface Wiring {
  /** Indices of tensors; -1 is an optional input left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export type TfliteOperator =
  | { [K in KnownOp]: Wiring & { readonly op: K; readonly options: OptionsOf[K] } }[KnownOp]
  | (Wiring & { readonly op: "other"; readonly name: string });

export interface TfliteModel {
  readonly description: string;
  readonly tensors: readonly TfliteTensor[];
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

const DTYPE_BYTES: Readonly<Record<TfliteDtype, number>> = {
  float32: 4,
  float16: 2,
  int32: 4,
  uint8: 1,
  int64: 8,
  bool: 1,
  int8: 1,
};

/**
 * Reads a TensorFlow Lite model.
 *
 * @param bytes - the whole file; constants share its memory
 * @param where - file name for messages
 * @returns tensors, operators in execution order, and the indices of the graph's ends
 * @throws AppError("data", "TFLITE_BROKEN") if the file is not a model, or cut short
 * @throws AppError("data", "TFLITE_UNSUPPORTED") for sparse tensors, several subgraphs and exotic types
 * @source tensorflow/lite/schema/schema.fbs
 * @example readTflite(await readFile("face_detection_full_range.tflite")).operators.length
 */
export function readTflite(bytes: Uint8Array, where = "model"): TfliteModel {
  return explainedBytes(bytes, ["tflite"], "a TensorFlow Lite model", where, () => readParts(bytes, where));
}

function readParts(bytes: Uint8Array, where: string): TfliteModel {
  const model = openTable(bytes, where);
  const names = model.tables(1).map(operatorName);
  const graphs = model.tables(2);
  const [graph] = graphs;
  if (graph === undefined || graphs.length !== 1) {
    throw unsupported(where, "one subgraph", "the model", graphs.length);
  }
  const buffers = model.tables(4);
  const tensors = graph.tables(0).map((t) => readTensor(t, buffers, where));
  const known = (i: number) => checkIndex(i, tensors.length, "tensor", where);
  return {
    description: model.string(3),
    tensors,
    operators: graph.tables(3).map((o) => readOperator(o, names, known, where)),
    inputs: graph.ints(1).map(known),
    outputs: graph.ints(2).map(known),
  };
}

/** Codes above 126 do not fit the deprecated byte, so the schema stores both and means the larger. */
function operatorName(code: Table): string {
  const builtin = Math.max(code.byte(0), code.int(3));
  const name = BUILTIN_OPERATORS[builtin] ?? `BUILTIN_${builtin}`;
  return name === "CUSTOM" ? `CUSTOM ${code.string(1)}` : name;
}

function readTensor(t: Table, buffers: readonly Table[], where: string): TfliteTensor {
  const name = t.string(3);
  const dtype = TENSOR_TYPES[t.byte(1)];
  if (dtype === undefined) throw unsupported(where, "a numeric type", `tensor ${name}`, `type ${t.byte(1)}`);
  if (t.has(6)) throw unsupported(where, "dense values", `tensor ${name}`, "sparse ones");
  const shape = t.ints(0);
  const wrong = shape.length > MOST_AXES ? `${shape.length} axes` : shape.find((size) => size < 0);
  if (wrong !== undefined) throw broken(where, `${wrong} in the shape of tensor ${name}`);
  const data = buffers[checkIndex(t.int(2), buffers.length, "buffer", where)]?.bytes(0);
  const expected = shape.reduce((a, b) => a * b, 1) * DTYPE_BYTES[dtype];
  if (data?.length && data.length !== expected) {
    throw broken(where, `${data.length} bytes for tensor ${name} of ${expected}`);
  }
  return { name, dtype, shape, data: data?.length ? data : undefined };
}

/** TensorFlow Lite's own limit is 8. */
const MOST_AXES = 16;

type Options = { readonly [K in KnownOp]: (o: Table | undefined) => OptionsOf[K] };

const activation = (o: Table | undefined, field: number) => ACTIVATIONS[o?.byte(field) ?? 0] ?? "none";
const conv = (o: Table | undefined, activationField: number) => ({
  padding: PADDINGS[o?.byte(0) ?? 0] ?? "same",
  strideW: o?.int(1) ?? 1,
  strideH: o?.int(2) ?? 1,
  activation: activation(o, activationField),
  dilationW: o?.int(activationField + 1, 1) ?? 1,
  dilationH: o?.int(activationField + 2, 1) ?? 1,
});
const pool = (o: Table | undefined) => ({
  padding: PADDINGS[o?.byte(0) ?? 0] ?? "same",
  strideW: o?.int(1) ?? 1,
  strideH: o?.int(2) ?? 1,
  filterW: o?.int(3) ?? 1,
  filterH: o?.int(4) ?? 1,
  activation: activation(o, 5),
});
const fused = (o: Table | undefined) => ({ activation: activation(o, 0) });
const none = () => ({});

const OPTIONS: Options = {
  CONV_2D: (o) => conv(o, 3),
  DEPTHWISE_CONV_2D: (o) => conv(o, 4), // depth_multiplier stands before the activation
  MAX_POOL_2D: pool,
  AVERAGE_POOL_2D: pool,
  FULLY_CONNECTED: fused,
  ADD: fused,
  MUL: fused,
  CONCATENATION: (o) => ({ axis: o?.int(0) ?? 0, activation: activation(o, 1) }),
  RESIZE_BILINEAR: (o) => ({ alignCorners: o?.byte(2) === 1, halfPixelCenters: o?.byte(3) === 1 }),
  MEAN: (o) => ({ keepDims: o?.byte(0) === 1 }),
  PAD: none,
  RESHAPE: none,
  RELU: none,
  RELU6: none,
  PRELU: none,
  LOGISTIC: none,
  DEQUANTIZE: none,
};

function readOperator(
  o: Table,
  names: readonly string[],
  known: (index: number) => number,
  where: string,
): TfliteOperator {
  const name = names[checkIndex(o.int(0), names.length, "operator code", where)]!;
  const inputs = o.ints(1).map((i) => (i === -1 ? i : known(i)));
  const outputs = o.ints(2).map(known);
  if (!Object.hasOwn(OPTIONS, name)) return { op: "other", name, inputs, outputs };
  const op = name as KnownOp;
  return { op, options: OPTIONS[op](o.table(4)), inputs, outputs } as TfliteOperator;
}

function checkIndex(index: number, length: number, what: string, where: string): number {
  if (index < 0 || index >= length) throw broken(where, `${what} ${index} of ${length}`);
  return index;
}

function unsupported(where: string, expected: string, name: string, got: unknown): AppError {
  return unexpected("data", { code: "TFLITE_UNSUPPORTED", expected, name, got, where });
}
