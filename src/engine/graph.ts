// ◇ Browser-safe. The symbolic graph: what an operation is, and the order to run operations in.
// Values are immutable and know their shape; building a graph computes nothing.
// Invariant: shapes are static, row-major, batch first, channels second (NCHW).
import { AppError } from "../core/errors.ts";

export type Dtype = "float32" | "uint8";
export type Shape = readonly number[];

/** One output of one node. */
export interface Value {
  readonly node: Node;
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** Height and width. */
export type Size = readonly [height: number, width: number];

/** Padding in px: top, left, bottom, right. */
export type Padding = readonly [top: number, left: number, bottom: number, right: number];

export interface ConvAttrs {
  readonly stride: Size;
  readonly padding: Padding;
  /** 1, or the number of input channels (depthwise). */
  readonly groups: number;
}

export interface PoolAttrs {
  readonly kernel: Size;
  readonly stride: Size;
  /** At most half the kernel on each side; what lies there is never the largest. */
  readonly padding: Padding;
}

/** Elementwise functions of one value with a gradient of their own. */
export const ACTIVATIONS = [
  "relu",
  "relu6",
  "silu",
  "sigmoid",
  "hardSwish",
  "hardSigmoid",
  "softplus",
  "tanh",
  "gelu",
] as const;
export type Activation = (typeof ACTIVATIONS)[number];

type V = Value;

/** Every semantic operation: its inputs and attributes. The tables of gradients and lowerings are keyed by it. */
export interface OpTable {
  // sources
  input: { inputs: []; attrs: { readonly name: string } };
  constant: { inputs: []; attrs: { readonly data: Float32Array } };
  // pixels and convolutions
  imageToTensor: {
    inputs: [image: V];
    attrs: { readonly mean: readonly number[]; readonly std: readonly number[] };
  };
  conv2d: { inputs: [x: V, weight: V]; attrs: ConvAttrs };
  convInputGrad: { inputs: [dy: V, weight: V]; attrs: ConvAttrs & { readonly inputSize: Size } };
  convWeightGrad: { inputs: [x: V, dy: V]; attrs: ConvAttrs & { readonly kernel: Size } };
  // normalisation and per-channel work
  batchNorm: { inputs: [x: V, weight: V, bias: V, ...around: V[]]; attrs: { readonly eps: number } };
  batchNormGrad: {
    inputs: [x: V, dy: V, weight: V, mean: V, variance: V];
    attrs: { readonly eps: number };
  };
  batchNormEval: {
    inputs: [x: V, weight: V, bias: V, mean: V, variance: V];
    attrs: { readonly eps: number };
  };
  layerNorm: { inputs: [x: V, weight: V, bias: V]; attrs: { readonly eps: number } };
  layerNormGrad: { inputs: [x: V, dy: V, weight: V]; attrs: { readonly eps: number } };
  channelScale: { inputs: [x: V, scale: V]; attrs: object };
  channelBias: { inputs: [x: V, bias: V]; attrs: object };
  channelSum: { inputs: [x: V]; attrs: object };
  channelDot: { inputs: [x: V, y: V]; attrs: object };
  // spatial
  maxPool: { inputs: [x: V]; attrs: PoolAttrs };
  maxPoolGrad: { inputs: [x: V, y: V, dy: V]; attrs: PoolAttrs };
  globalAveragePool: { inputs: [x: V]; attrs: object };
  spatialBroadcast: { inputs: [x: V]; attrs: { readonly size: Size } };
  gateChannels: { inputs: [x: V, gate: V]; attrs: object };
  spatialDot: { inputs: [x: V, y: V]; attrs: object };
  // elementwise
  activation: { inputs: [x: V]; attrs: { readonly kind: Activation } };
  activationGrad: { inputs: [x: V, dy: V]; attrs: { readonly kind: Activation } };
  exp: { inputs: [x: V]; attrs: object };
  sqrt: { inputs: [x: V]; attrs: object };
  add: { inputs: [a: V, b: V]; attrs: object };
  sub: { inputs: [a: V, b: V]; attrs: object };
  mul: { inputs: [a: V, b: V]; attrs: object };
  div: { inputs: [a: V, b: V]; attrs: object };
  minimum: { inputs: [a: V, b: V]; attrs: object };
  scaleSamples: { inputs: [x: V, scale: V]; attrs: object };
  // linear algebra and rows
  matmul: { inputs: [a: V, b: V]; attrs: { readonly transA: boolean; readonly transB: boolean } };
  softmax: { inputs: [x: V]; attrs: object };
  logSoftmax: { inputs: [x: V]; attrs: object };
  oneHotMax: { inputs: [x: V]; attrs: object };
  sumLast: { inputs: [x: V]; attrs: object };
  expandLast: { inputs: [x: V]; attrs: { readonly size: number } };
  sumAll: { inputs: [x: V]; attrs: object };
  broadcastScalar: { inputs: [x: V]; attrs: { readonly shape: Shape } };
  // shape
  reshape: { inputs: [x: V]; attrs: { readonly shape: Shape } };
  transpose: { inputs: [x: V]; attrs: { readonly perm: readonly number[] } };
  concat: { inputs: V[]; attrs: { readonly axis: number } };
  slice: { inputs: [x: V]; attrs: { readonly axis: number; readonly start: number; readonly end: number } };
  pad: { inputs: [x: V]; attrs: { readonly axis: number; readonly before: number; readonly after: number } };
  // optimizers, on 1-D state
  adamw: {
    inputs: [param: V, grad: V, m: V, v: V, gradScale: V, lr: V, decay: V, correction1: V, correction2: V];
    attrs: { readonly beta1: number; readonly beta2: number; readonly eps: number };
  };
  sgd: {
    inputs: [param: V, grad: V, momentum: V, gradScale: V, lr: V, decay: V];
    attrs: { readonly momentum: number; readonly nesterov: boolean };
  };
}

export type Op = keyof OpTable;
export type AnyNode = { [K in Op]: Node<K> }[Op];

/** One operation of the graph. */
export interface Node<K extends Op = Op> {
  readonly op: K;
  readonly inputs: OpTable[K]["inputs"];
  readonly attrs: OpTable[K]["attrs"];
  readonly outputs: readonly Value[];
}

/** Makes a node; used by the constructors in ops.ts only, which check shapes. */
export function makeNode<K extends Op>(
  op: K,
  inputs: OpTable[K]["inputs"],
  attrs: OpTable[K]["attrs"],
  shapes: readonly Shape[],
  dtype: Dtype = "float32",
): Node<K> {
  const outputs: Value[] = [];
  const node: Node<K> = { op, inputs, attrs, outputs };
  shapes.forEach((shape, index) => {
    outputs.push({ node, index, shape, dtype });
  });
  return node;
}

/** Narrows a node to one operation. */
export function isNode<K extends Op>(node: Node, op: K): node is Node<K> {
  return node.op === op;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

/**
 * All nodes that `outputs` depend on, each after its inputs; the order is the same for the same graph.
 *
 * @param known - values that need no node: the walk does not go beyond them
 */
export function topological(
  outputs: readonly Value[],
  known: ReadonlyMap<Value, unknown> = new Map(),
): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  // An explicit stack: graphs are thousands of nodes deep.
  const stack: { node: Node; next: number }[] = [];
  const push = (node: Node) => {
    if (seen.has(node)) return;
    seen.add(node);
    stack.push({ node, next: 0 });
  };
  for (const output of outputs) {
    if (!known.has(output)) push(output.node);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const input = (top.node.inputs as readonly Value[])[top.next++];
      if (input === undefined) order.push(stack.pop()!.node);
      else if (!known.has(input)) push(input.node);
    }
  }
  return order;
}

/** A fault of a graph's construction: always a bug of the caller's code, so `internal`. */
export function graphError(op: string, expected: string, got: unknown): AppError {
  return new AppError(
    "internal",
    "GRAPH_SHAPE",
    `Expected ${expected} for ${op}, got ${JSON.stringify(got)}`,
  );
}
