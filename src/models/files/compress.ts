// Smaller ONNX files: large weights stored as float16, or as int8 with one scale an output channel.
// Two standard nodes turn them back into float32, which runtimes do once, when they load the file: the arithmetic of
// pictures stays float32, so that providers agree and no speed is lost.
// Invariant: the graph is the graph of the rounded weights, exactly.
import type { OnnxModel, OnnxNode, OnnxTensor } from "../../formats/onnx.ts";
import { numberToHalf } from "../../formats/tensor.ts";

/** How the large weights of a file are stored. */
export const PRECISIONS = ["float32", "float16", "int8"] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Weights of fewer values stay as they are: biases, norms, heads of one output. */
const LARGE = 1024;
const MOST = 127;

/**
 * Stores the large weights of a model in fewer bytes.
 *
 * @param model - weights are float32 constants of two axes or more, output channels first
 * @returns the same graph with the rounded weights; names of inputs and outputs stay
 * @source symmetric per-channel quantisation as in Krishnamoorthi, arXiv 1806.08342, section 3.1
 */
export function compressWeights(model: OnnxModel, precision: "float16" | "int8"): OnnxModel {
  const store = precision === "int8" ? toInt8 : toHalf;
  const stays = (tensor: OnnxTensor) => !isLarge(tensor) || (precision === "int8" && isDepthwise(tensor));
  const parts = model.graph.initializers.map((tensor) =>
    stays(tensor) ? { tensors: [tensor], nodes: [] } : store(tensor),
  );
  const initializers = parts.flatMap(({ tensors }) => tensors);
  const nodes = [...parts.flatMap((part) => part.nodes), ...model.graph.nodes];
  return { ...model, graph: { ...model.graph, initializers, nodes } };
}

interface Stored {
  readonly tensors: readonly OnnxTensor[];
  /** From the stored tensors to the weight under its old name. */
  readonly nodes: readonly OnnxNode[];
}

/** One channel (an embedding of positions) has no scale an output channel to gain from. */
function isLarge({ dtype, dims, data }: OnnxTensor): boolean {
  return dtype === "float32" && dims.length > 1 && dims[0]! > 1 && data.byteLength >= 4 * LARGE;
}

/** One kernel a channel: a small share of the bytes and, of MobileNets in int8, a third of the error. */
function isDepthwise({ dims }: OnnxTensor): boolean {
  return dims.length === 4 && dims[1] === 1;
}

/** A weight beyond float16's range would become infinite: such a tensor stays as it is. */
function toHalf(tensor: OnnxTensor): Stored {
  const bits = Uint16Array.from(floatsOf(tensor), numberToHalf);
  if (bits.some((b) => (b & 0x7c00) === 0x7c00)) return { tensors: [tensor], nodes: [] };
  const stored = {
    name: `${tensor.name}_f16`,
    dtype: "float16",
    dims: tensor.dims,
    data: bytesOf(bits),
  } as const;
  return { tensors: [stored], nodes: [toFloat(stored.name, tensor.name)] };
}

/** w becomes round(w / s) of -127 to 127, with s = max |w| / 127 of its output channel; a channel of zeros has s = 1. */
function toInt8(tensor: OnnxTensor): Stored {
  const values = floatsOf(tensor);
  const channels = tensor.dims[0]!;
  const taps = values.length / channels;
  const scales = new Float32Array(channels);
  const rounded = new Int8Array(values.length);
  for (let c = 0; c < channels; c++) {
    const own = values.subarray(c * taps, (c + 1) * taps);
    const largest = own.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    scales[c] = largest === 0 ? 1 : largest / MOST;
    for (let k = 0; k < taps; k++) rounded[c * taps + k] = Math.round(own[k]! / scales[c]!);
  }
  const { name, dims } = tensor;
  const one = dims.map((_, axis) => (axis === 0 ? channels : 1));
  return {
    tensors: [
      { name: `${name}_i8`, dtype: "int8", dims, data: bytesOf(rounded) },
      { name: `${name}_scale`, dtype: "float32", dims: one, data: bytesOf(scales) },
    ],
    nodes: [
      toFloat(`${name}_i8`, `${name}_whole`),
      {
        name: `${name}_scaled`,
        op: "Mul",
        domain: "",
        inputs: [`${name}_whole`, `${name}_scale`],
        outputs: [name],
        attributes: {},
      },
    ],
  };
}

const FLOAT = 1; // TensorProto.DataType

function toFloat(from: string, to: string): OnnxNode {
  return {
    name: `${to}_cast`,
    op: "Cast",
    domain: "",
    inputs: [from],
    outputs: [to],
    attributes: { to: { int: FLOAT } },
  };
}

function floatsOf({ data }: OnnxTensor): Float32Array {
  return new Float32Array(new Uint8Array(data).buffer); // a copy: decoded tensors need not be aligned
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint16Array | Int8Array | Float32Array): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
