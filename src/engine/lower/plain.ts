// ◇ Browser-safe. The plain lowering: every semantic operation as standard ONNX, for any execution provider,
// with com.microsoft's fused forms where the provider has them (writer.ts, FEATURES).
// Convolutions and their gradients stand in plain-conv.ts, pooling and layer normalisation in
// plain-layers.ts.
import type { Activation, Node, Op, Value } from "../graph.ts";
import { convInputGrad, convolution, convWeightGrad } from "./plain-conv.ts";
import { layerNorm, layerNormGrad, maxPool, maxPoolGrad } from "./plain-layers.ts";
import { MICROSOFT, type Writer } from "./writer.ts";

/** Emits one node: from the names of its inputs to the names of its outputs. */
export type Lowering<K extends Op> = (
  w: Writer,
  node: Node<K>,
  inputs: readonly string[],
) => readonly string[];

type Strings = readonly string[];

/** [C] as [C, 1, ...] so that it broadcasts against [N, C, ...]. */
function perChannel(w: Writer, vector: string, x: Value): string {
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
function withoutChannels(x: Value): number[] {
  return x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
}

function inverseDeviation(w: Writer, variance: string, eps: number): string {
  return w.op("Reciprocal", [w.op("Sqrt", [w.op("Add", [variance, w.float(eps)])])]);
}

/** Statistics in two passes (mean, then squares around it): exact also where |mean| >> deviation. */
function batchNorm(w: Writer, node: Node<"batchNorm">, [x, weight, bias]: Strings): Strings {
  const [value] = node.inputs;
  const { eps } = node.attrs;
  if (w.features.batchNormTraining) {
    // ONNX Runtime writes the statistics over the inputs 3 and 4: they must be buffers of this node alone.
    const scratch = [weight!, bias!].map((vector) => w.op("Mul", [vector, w.float(0)]));
    const attrs = { epsilon: { float: eps }, momentum: { float: 0 }, training_mode: 1 };
    return w.many("BatchNormalization", [x!, weight!, bias!, ...scratch], 3, attrs);
  }
  const axes = withoutChannels(value);
  const count = w.float(value.shape.reduce((a, b) => a * b, 1) / value.shape[1]!);
  const mean = w.op("Div", [w.sum(x!, axes), count]);
  const centred = w.op("Sub", [x!, perChannel(w, mean, value)]);
  const variance = w.op("Div", [w.sum(w.op("Mul", [centred, centred]), axes), count]);
  const factor = w.op("Mul", [weight!, inverseDeviation(w, variance, eps)]);
  const scaled = w.op("Mul", [centred, perChannel(w, factor, value)]);
  return [w.op("Add", [scaled, perChannel(w, bias!, value)]), mean, variance];
}

/** dx = w inv (dy - mean(dy) - xhat mean(dy xhat)), written as dy A + (x - mean) B + C per channel. */
function batchNormGrad(
  w: Writer,
  node: Node<"batchNormGrad">,
  [x, dy, weight, mean, variance]: Strings,
): Strings {
  const [value] = node.inputs;
  const axes = withoutChannels(value);
  const count = value.shape.reduce((a, b) => a * b, 1) / value.shape[1]!;
  const inverse = inverseDeviation(w, variance!, node.attrs.eps);
  const centred = w.op("Sub", [x!, perChannel(w, mean!, value)]);
  const dbias = w.sum(dy!, axes);
  const dweight = w.op("Mul", [w.sum(w.op("Mul", [dy!, centred]), axes), inverse]);
  const a = w.op("Mul", [weight!, inverse]);
  const share = w.op("Mul", [a, w.float(-1 / count)]);
  const b = w.op("Mul", [w.op("Mul", [share, inverse]), dweight]);
  const c = w.op("Mul", [share, dbias]);
  const fromDy = w.op("Mul", [dy!, perChannel(w, a, value)]);
  const fromX = w.op("Mul", [centred, perChannel(w, b, value)]);
  const dx = w.op("Add", [w.op("Add", [fromDy, fromX]), perChannel(w, c, value)]);
  return [dx, dweight, dbias];
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
function normalShare(w: Writer, x: string): string {
  const erf = w.op("Erf", [w.op("Mul", [x, w.float(Math.SQRT1_2)])]);
  return w.op("Add", [w.op("Mul", [erf, w.float(0.5)]), w.float(0.5)]);
}

/** dy where low < x < high, else 0; the kinks themselves count as outside, as in torch. */
function inside(w: Writer, x: string, dy: string, low: number, high: number): string {
  const above = w.op("Greater", [x, w.float(low)]);
  const mask =
    high === Number.POSITIVE_INFINITY ? above : w.op("And", [above, w.op("Less", [x, w.float(high)])]);
  // A cast and a product: Where with a scalar side takes four times as long.
  return w.op("Mul", [dy, w.op("Cast", [mask], { to: 1 })]);
}

const ACTIVATION_GRAD: { readonly [A in Activation]: (w: Writer, x: string, dy: string) => string } = {
  relu: (w, x, dy) => inside(w, x, dy, 0, Number.POSITIVE_INFINITY),
  relu6: (w, x, dy) => inside(w, x, dy, 0, 6),
  // d silu = s (1 + x (1 - s)) with s = sigmoid(x)
  silu: (w, x, dy) => {
    const s = w.op("Sigmoid", [x]);
    const rest = w.op("Mul", [x, w.op("Sub", [w.float(1), s])]);
    return w.op("Mul", [dy, w.op("Mul", [s, w.op("Add", [rest, w.float(1)])])]);
  },
  sigmoid: (w, x, dy) => {
    const s = w.op("Sigmoid", [x]);
    return w.op("Mul", [dy, w.op("Mul", [s, w.op("Sub", [w.float(1), s])])]);
  },
  // x (x + 3) / 6 between -3 and 3, x above
  hardSwish: (w, x, dy) => {
    const slope = w.op("Add", [w.op("Mul", [x, w.float(1 / 3)]), w.float(0.5)]);
    const middle = w.op("Where", [w.op("Less", [x, w.float(3)]), slope, w.float(1)]);
    const d = w.op("Where", [w.op("Greater", [x, w.float(-3)]), middle, w.float(0)]);
    return w.op("Mul", [dy, d]);
  },
  hardSigmoid: (w, x, dy) => w.op("Mul", [inside(w, x, dy, -3, 3), w.float(1 / 6)]),
  softplus: (w, x, dy) => w.op("Mul", [dy, w.op("Sigmoid", [x])]),
  tanh: (w, x, dy) => {
    const t = w.op("Tanh", [x]);
    return w.op("Mul", [dy, w.op("Sub", [w.float(1), w.op("Mul", [t, t])])]);
  },
  // d (x Phi) = Phi + x phi with the density phi(x) = exp(-x^2 / 2) / sqrt(2 pi)
  gelu: (w, x, dy) => {
    const density = w.op("Exp", [w.op("Mul", [w.op("Mul", [x, x]), w.float(-0.5)])]);
    const slope = w.op("Mul", [w.op("Mul", [x, density]), w.float(1 / Math.sqrt(2 * Math.PI))]);
    return w.op("Mul", [dy, w.op("Add", [normalShare(w, x), slope])]);
  },
};

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

/**
 * torch's decoupled AdamW; `correction` are 1 - beta1^t and sqrt(1 - beta2^t). What can be is folded into scalars:
 * p (1 - lr decay) - (lr c2 / c1) m / (sqrt(v) + eps c2), because every pass over a parameter costs the same.
 */
function adamw(w: Writer, node: Node<"adamw">, inputs: Strings): Strings {
  const [p, g, m, v, gradScale, lr, decay, correction1, correction2] = inputs;
  const { beta1, beta2, eps } = node.attrs;
  const mul = (a: string, b: string) => w.op("Mul", [a, b]);
  const share = mul(g!, mul(gradScale!, w.float(1 - beta1))); // (1 - beta1) g
  const m1 = w.op("Add", [mul(m!, w.float(beta1)), share]);
  const square = mul(mul(share, share), w.float((1 - beta2) / (1 - beta1) ** 2));
  const v1 = w.op("Add", [mul(v!, w.float(beta2)), square]);
  const floor = mul(correction2!, w.float(eps));
  const step = w.op("Div", [m1, w.op("Add", [w.op("Sqrt", [v1]), floor])]);
  const rate = w.op("Div", [mul(lr!, correction2!), correction1!]);
  const decayed = w.op("Sub", [w.float(1), mul(lr!, decay!)]);
  return [w.op("Sub", [mul(p!, decayed), mul(step, rate)]), m1, v1];
}

/** torch's SGD with momentum (dampening 0) and coupled weight decay. */
function sgd(w: Writer, node: Node<"sgd">, [p, g, buffer, gradScale, lr, decay]: Strings): Strings {
  const momentum = w.float(node.attrs.momentum);
  const grad = w.op("Add", [w.op("Mul", [g!, gradScale!]), w.op("Mul", [p!, decay!])]);
  const next = w.op("Add", [w.op("Mul", [buffer!, momentum]), grad]);
  const step = node.attrs.nesterov ? w.op("Add", [grad, w.op("Mul", [next, momentum])]) : next;
  return [w.op("Sub", [p!, w.op("Mul", [step, lr!])]), next];
}

/** First maximum of each row as 0/1: ArgMax picks the first of equals, OneHot writes it out. */
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

/** One rule an operation: leaving one out does not compile. */
export const PLAIN: { readonly [K in Op]: Lowering<K> } = {
  input: (_w, node) => [node.attrs.name],
  constant: (w, node) => [w.floats(node.attrs.data, node.outputs[0]!.shape)],
  imageToTensor,
  conv2d: convolution,
  convInputGrad,
  convWeightGrad,
  batchNorm,
  batchNormGrad,
  batchNormEval: (w, { attrs }, inputs) => [
    w.op("BatchNormalization", inputs, { epsilon: { float: attrs.eps } }),
  ],
  layerNorm,
  layerNormGrad,
  channelScale: channelwise("Mul"),
  channelBias: channelwise("Add"),
  channelSum: (w, node, [x]) => [w.sum(x!, withoutChannels(node.inputs[0]))],
  channelDot: (w, node, [x, y]) => [w.sum(w.op("Mul", [x!, y!]), withoutChannels(node.inputs[0]))],
  maxPool,
  maxPoolGrad,
  globalAveragePool: (w, _node, [x]) => [w.op("ReduceMean", [x!], { axes: [2, 3], keepdims: 0 })],
  spatialBroadcast: (w, { outputs }, [x]) => [
    // An axis of 1 keeps the input's length, so that the batch may be of any.
    w.op("Expand", [asMap(w, x!), w.ints(1, 1, ...outputs[0]!.shape.slice(2))]),
  ],
  gateChannels: (w, _node, [x, gate]) => [w.op("Mul", [x!, asMap(w, gate!)])],
  spatialDot: (w, _node, [x, y]) => [w.sum(w.op("Mul", [x!, y!]), [2, 3])],
  activation: (w, { attrs }, [x]) => [ACTIVATION[attrs.kind](w, x!)],
  activationGrad: (w, { attrs }, [x, dy]) => [ACTIVATION_GRAD[attrs.kind](w, x!, dy!)],
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
  adamw,
  sgd,
};
