// ◇ Browser-safe. The plain lowering: operations as standard ONNX, for any execution provider, with com.microsoft's fused
// forms where the provider has them (writer.ts, FEATURES). Here is what predicting needs, and what pages load for it; gradients
// and the like stand in plain-training.ts, convolutions in plain-conv.ts, pooling and layer normalisation in plain-layers.ts.
import type { Activation, Node, Op, Value } from "../graph.ts";
import { convolution } from "./plain-conv.ts";
import { layerNorm, maxPool } from "./plain-layers.ts";
import { MICROSOFT, type Writer } from "./writer.ts";

/** Emits one node: from the names of its inputs to the names of its outputs. */
export type Lowering<K extends Op> = (
  w: Writer,
  node: Node<K>,
  inputs: readonly string[],
) => readonly string[];

type Strings = readonly string[];

/** [C] as [C, 1, ...] so that it broadcasts against [N, C, ...]. */
export function perChannel(w: Writer, vector: string, x: Value): string {
  const trailing = x.shape.length - 2;
  return trailing === 0 ? vector : w.reshape(vector, [-1, ...Array<number>(trailing).fill(1)]);
}

const unary =
  (type: string) =>
  (w: Writer, _node: Node, [x]: Strings) => [w.op(type, [x!])];
const binary =
  (type: string) =>
  (w: Writer, _node: Node, [a, b]: Strings) => [w.op(type, [a!, b!])];

/** All axes but channels. */
export function withoutChannels(x: Value): number[] {
  return x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
}

const ACTIVATION: { readonly [A in Activation]: (w: Writer, x: string) => string } = {
  relu: (w, x) => w.op("Relu", [x]),
  relu6: (w, x) => w.op("Clip", [x, w.float(0), w.float(6)]),
  silu: (w, x) =>
    w.features.quickGelu
      ? w.op("QuickGelu", [x], { alpha: { float: 1 } }, MICROSOFT)
      : w.op("Mul", [x, w.op("Sigmoid", [x])]),
  sigmoid: (w, x) => w.op("Sigmoid", [x]),
  hardSwish: (w, x) => w.op("HardSwish", [x]),
  hardSigmoid: (w, x) => w.op("HardSigmoid", [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
  softplus: (w, x) => w.op("Softplus", [x]),
  tanh: (w, x) => w.op("Tanh", [x]),
  gelu: (w, x) => (w.features.gelu ? w.op("Gelu", [x], {}, MICROSOFT) : w.op("Mul", [x, normalShare(w, x)])),
};

/** Phi(x), the share of a standard normal below x: exactly, as torch's GELU without approximation. */
export function normalShare(w: Writer, x: string): string {
  const erf = w.op("Erf", [w.op("Mul", [x, w.float(Math.SQRT1_2)])]);
  return w.op("Add", [w.op("Mul", [erf, w.float(0.5)]), w.float(0.5)]);
}

/** dy[N, C] against maps [N, C, H, W]. */
function asMap(w: Writer, x: string): string {
  return w.op("Unsqueeze", [x, w.ints(2, 3)]);
}

/** (u8 / 255 - mean) / std as one affine map per channel. */
function imageToTensor(
  w: Writer,
  { attrs: { mean, std } }: Node<"imageToTensor">,
  [image]: Strings,
): Strings {
  const x = w.op("Cast", [w.transpose(image!, [0, 3, 1, 2])], { to: 1 });
  const scale = std.map((s) => 1 / (255 * s));
  const shift = mean.map((m, c) => -m / std[c]!);
  const scaled = w.op("Mul", [x, w.floats(scale, [3, 1, 1])]);
  return [shift.every((s) => s === 0) ? scaled : w.op("Add", [scaled, w.floats(shift, [3, 1, 1])])];
}

/** The first of the maxima, without ArgMax and OneHot: WebGPU would hand whole numbers back to the CPU. */
function oneHotMax(w: Writer, { inputs: [value] }: Node<"oneHotMax">, [x]: Strings): Strings {
  const classes = value.shape.at(-1)!;
  const most = w.op("ReduceMax", [x!], { axes: [value.shape.length - 1], keepdims: 1 });
  const maxima = w.op("Cast", [w.op("Equal", [x!, most])], { to: 1 });
  const later = Array.from({ length: classes ** 2 }, (_, i) =>
    Math.floor(i / classes) < i % classes ? 1 : 0,
  );
  const before = w.op("MatMul", [maxima, w.floats(later, [classes, classes])]); // maxima before each class
  const first = w.op("Cast", [w.op("Less", [before, w.floats([0.5], [])])], { to: 1 });
  return [w.op("Mul", [maxima, first])];
}

/** By its parts: WebGPU has no LogSoftmax. */
function logSoftmax(w: Writer, { inputs: [value] }: Node<"logSoftmax">, [x]: Strings): Strings {
  const last = value.shape.length - 1;
  const shifted = w.op("Sub", [x!, w.op("ReduceMax", [x!], { axes: [last], keepdims: 1 })]);
  const total = w.op("ReduceSum", [w.op("Exp", [shifted]), w.ints(last)], { keepdims: 1 });
  return [w.op("Sub", [shifted, w.op("Log", [total])])];
}

function padAxis(w: Writer, { inputs: [value], attrs }: Node<"pad">, [x]: Strings): Strings {
  const rank = value.shape.length;
  const pads = Array<number>(2 * rank).fill(0);
  pads[attrs.axis] = attrs.before;
  pads[rank + attrs.axis] = attrs.after;
  return [w.pad(x!, pads)];
}

const channelwise =
  (type: string) =>
  (w: Writer, node: Node<"channelScale" | "channelBias">, [x, v]: Strings) => [
    w.op(type, [x!, perChannel(w, v!, node.inputs[0])]),
  ];

/** The rules of everything but training. */
export const FORWARD = {
  input: (_w, node) => [node.attrs.name],
  constant: (w, node) => [w.floats(node.attrs.data, node.outputs[0]!.shape)],
  imageToTensor,
  conv2d: convolution,
  batchNormEval: (w, { attrs }, inputs) => [
    w.op("BatchNormalization", inputs, { epsilon: { float: attrs.eps } }),
  ],
  layerNorm,
  channelScale: channelwise("Mul"),
  channelBias: channelwise("Add"),
  channelSum: (w, node, [x]) => [w.sum(x!, withoutChannels(node.inputs[0]))],
  channelDot: (w, node, [x, y]) => [w.sum(w.op("Mul", [x!, y!]), withoutChannels(node.inputs[0]))],
  maxPool,
  globalAveragePool: (w, _node, [x]) => [w.op("ReduceMean", [x!], { axes: [2, 3], keepdims: 0 })],
  spatialBroadcast: (w, { outputs }, [x]) => [
    // An axis of 1 keeps the input's length, so that the batch may be of any.
    w.op("Expand", [asMap(w, x!), w.ints(1, 1, ...outputs[0]!.shape.slice(2))]),
  ],
  gateChannels: (w, _node, [x, gate]) => [w.op("Mul", [x!, asMap(w, gate!)])],
  spatialDot: (w, _node, [x, y]) => [w.sum(w.op("Mul", [x!, y!]), [2, 3])],
  activation: (w, { attrs }, [x]) => [ACTIVATION[attrs.kind](w, x!)],
  exp: unary("Exp"),
  sqrt: unary("Sqrt"),
  add: binary("Add"),
  sub: binary("Sub"),
  mul: binary("Mul"),
  div: binary("Div"),
  minimum: binary("Min"),
  scaleSamples: (w, { inputs: [value] }, [x, s]) => [
    w.op("Mul", [x!, w.reshape(s!, [-1, ...Array<number>(value.shape.length - 1).fill(1)])]),
  ],
  matmul: (w, { inputs: [left], attrs }, [a, b]) => [
    w.matmul(a!, b!, left.shape.length, attrs.transA, attrs.transB),
  ],
  softmax: (w, _node, [x]) => [w.op("Softmax", [x!], { axis: -1 })],
  logSoftmax,
  oneHotMax,
  sumLast: (w, node, [x]) => [w.sum(x!, [node.inputs[0].shape.length - 1])],
  expandLast: (w, { outputs }, [x]) => {
    const { shape } = outputs[0]!;
    const sizes = shape.map((size, axis) => (axis === shape.length - 1 ? size : 1));
    return [w.op("Expand", [w.op("Unsqueeze", [x!, w.ints(shape.length - 1)]), w.ints(...sizes)])];
  },
  sumAll: (w, _node, [x]) => [w.op("ReduceSum", [x!], { keepdims: 0 })],
  broadcastScalar: (w, { attrs }, [x]) => [w.op("Expand", [x!, w.ints(...attrs.shape)])],
  // The first axis is the batch or a multiple of it, and follows from the others.
  reshape: (w, { attrs: { shape } }, [x]) => [
    w.reshape(x!, shape.length === 0 || shape.includes(0) ? shape : [-1, ...shape.slice(1)]),
  ],
  transpose: (w, { attrs }, [x]) => [w.transpose(x!, attrs.perm)],
  concat: (w, { attrs }, inputs) => [w.op("Concat", inputs, { axis: attrs.axis })],
  slice: (w, { attrs }, [x]) => [w.slice(x!, [attrs.axis], [attrs.start], [attrs.end])],
  pad: padAxis,
} satisfies { readonly [K in Op]?: Lowering<K> };
