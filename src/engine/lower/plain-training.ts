// ◇ Browser-safe. The plain lowering of what only training needs: batch statistics, gradients, optimizers; and the table of all
// operations.
import type { Activation, Node, Op } from "../graph.ts";
import { FORWARD, type Lowering, normalShare, perChannel, withoutChannels } from "./plain.ts";
import { convInputGrad, convWeightGrad } from "./plain-conv.ts";
import { layerNormGrad, maxPoolGrad } from "./plain-layers.ts";
import type { Writer } from "./writer.ts";

type Strings = readonly string[];

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

/** One rule an operation: leaving one out does not compile. */
export const PLAIN: { readonly [K in Op]: Lowering<K> } = {
  ...FORWARD,
  convInputGrad,
  convWeightGrad,
  batchNorm,
  batchNormGrad,
  layerNormGrad,
  maxPoolGrad,
  activationGrad: (w, { attrs }, [x, dy]) => [ACTIVATION_GRAD[attrs.kind](w, x!, dy!)],
  adamw,
  sgd,
};
