// ◇ Browser-safe. Folds BatchNormalization with known statistics into the convolution before it: weights w f and bias
// b - m f, where f = weight / sqrt(variance + eps) per output channel. For graphs that leave this package.
// Invariant: the graph computes what it computed, up to rounding; nodes stay in topological order.
import type { OnnxNode, OnnxTensor } from "../../formats/onnx.ts";

/** Nodes and constants of a graph. */
export interface FoldableGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
}

const floats = ({ data }: OnnxTensor) =>
  new Float32Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 4);

/**
 * Folds wherever a convolution without bias, of constant weights, is read by a normalisation alone.
 *
 * @param graph - constants are float32, aligned
 * @param outputs - names that leave the graph
 */
export function foldBatchNorms(
  { nodes, initializers }: FoldableGraph,
  outputs: readonly string[],
): FoldableGraph {
  const constants = new Map(initializers.map((tensor) => [tensor.name, tensor]));
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const reads = new Map<string, number>(outputs.map((name) => [name, 1]));
  for (const name of nodes.flatMap((node) => node.inputs)) reads.set(name, (reads.get(name) ?? 0) + 1);
  const gone = new Set<OnnxNode>();
  const folded = nodes.map((node) => {
    const conv = makers.get(node.inputs[0] ?? "");
    const alone = conv?.op === "Conv" && conv.inputs.length === 2 && reads.get(conv.outputs[0]!) === 1;
    if (node.op !== "BatchNormalization" || conv === undefined || !alone) return node;
    const weight = constants.get(conv.inputs[1]!);
    const norm = node.inputs.slice(1).flatMap((name) => constants.get(name) ?? []);
    if (weight === undefined || norm.length !== 4) return node;
    const { epsilon } = node.attributes;
    const made = combine(node.name, weight, norm.map(floats), (epsilon as { float: number }).float);
    for (const tensor of made) constants.set(tensor.name, tensor);
    gone.add(conv);
    return { ...conv, inputs: [conv.inputs[0]!, ...made.map(({ name }) => name)], outputs: node.outputs };
  });
  const rest = folded.filter((node) => !gone.has(node));
  const used = new Set(rest.flatMap(({ inputs }) => inputs));
  return { nodes: rest, initializers: [...constants.values()].filter(({ name }) => used.has(name)) };
}

function combine(name: string, kernel: OnnxTensor, norm: readonly Float32Array[], eps: number): OnnxTensor[] {
  const [weight, bias, mean, variance] = norm as [Float32Array, Float32Array, Float32Array, Float32Array];
  const channels = weight.length;
  const factor = Float64Array.from(weight, (v, c) => v / Math.sqrt(variance[c]! + eps));
  const old = floats(kernel);
  const taps = old.length / channels;
  const weights = Float32Array.from(old, (v, i) => v * factor[Math.floor(i / taps)]!);
  const biases = Float32Array.from(bias, (v, c) => v - mean[c]! * factor[c]!);
  const tensor = (part: string, dims: readonly number[], data: Float32Array): OnnxTensor => ({
    name: `${name}_${part}`,
    dtype: "float32",
    dims,
    data: new Uint8Array(data.buffer),
  });
  return [tensor("weight", kernel.dims, weights), tensor("bias", [channels], biases)];
}
