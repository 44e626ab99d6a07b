// ◇ Browser-safe. Reverse-mode differentiation of the symbolic graph: one exhaustive table and one walk.
// Source: Griewank and Walther, Evaluating Derivatives (2008), ch. 3; formulas per op beside their rules.
import { AppError } from "../core/errors.ts";
import { type Node, type Op, type Size, sizeOf, topological, type Value } from "./graph.ts";
import * as ops from "./ops.ts";
import {
  activationGrad,
  batchNormGrad,
  convInputGrad,
  convWeightGrad,
  layerNormGrad,
  maxPoolGrad,
} from "./ops-backward.ts";

type Grads = readonly (Value | undefined)[];

/**
 * From the gradient of a node's first output to the gradients of its inputs.
 * `want[i]` is false where nobody needs the gradient of input i: it may be left out.
 */
type Rule<K extends Op> = (node: Node<K>, dy: Value, want: readonly boolean[]) => Grads;

/** A rule for what no loss is ever differentiated through: sources, steps and backward operations. */
function none(node: Node): never {
  throw new AppError("internal", "NO_GRADIENT", `Expected a differentiable operation, got ${node.op}`);
}

/** Piecewise constant: the gradient is zero. */
const zero = () => [];

const sizeOfMap = (x: Value): Size => [x.shape[2]!, x.shape[3]!];

/** Sums a gradient down to an operand that was a scalar. */
function unbroadcast(d: Value, operand: Value): Value {
  return operand.shape.length === 0 && d.shape.length > 0 ? ops.sumAll(d) : d;
}

function convGrads({ inputs: [x, w], attrs }: Node<"conv2d">, dy: Value, want: readonly boolean[]): Grads {
  const kernel: Size = [w.shape[2]!, w.shape[3]!];
  return [
    want[0] ? convInputGrad(dy, w, { ...attrs, inputSize: sizeOfMap(x) }) : undefined,
    want[1] ? convWeightGrad(x, dy, { ...attrs, kernel }) : undefined,
  ];
}

function batchNormGrads({ inputs: [x, w], attrs, outputs }: Node<"batchNorm">, dy: Value): Grads {
  return batchNormGrad(x, dy, w, outputs[1]!, outputs[2]!, attrs.eps);
}

/** y = (x - mean) * inv * w + b with given statistics: an affine map per channel. */
function batchNormEvalGrads(node: Node<"batchNormEval">, dy: Value, want: readonly boolean[]): Grads {
  const [x, w, , mean, variance] = node.inputs;
  const inverse = ops.div(ops.scalar(1), ops.sqrt(ops.add(variance, ops.scalar(node.attrs.eps))));
  const centred = () => ops.sub(ops.channelDot(x, dy), ops.mul(mean, ops.channelSum(dy)));
  return [
    want[0] ? ops.channelScale(dy, ops.mul(w, inverse)) : undefined,
    want[1] ? ops.mul(centred(), inverse) : undefined,
    want[2] ? ops.channelSum(dy) : undefined,
  ];
}

function matmulGrads({ inputs: [a, b], attrs }: Node<"matmul">, dy: Value, want: readonly boolean[]): Grads {
  const { transA, transB } = attrs;
  const da = () =>
    transA ? ops.matmul(b, dy, { transA: transB, transB: true }) : ops.matmul(dy, b, { transB: !transB });
  const db = () =>
    transB ? ops.matmul(dy, a, { transA: true, transB: transA }) : ops.matmul(a, dy, { transA: !transA });
  return [want[0] ? da() : undefined, want[1] ? db() : undefined];
}

/** dx = y (dy - sum(dy y)). */
function softmaxGrads({ outputs }: Node<"softmax">, dy: Value): Grads {
  const y = outputs[0]!;
  const dot = ops.expandLast(ops.sumLast(ops.mul(dy, y)), y.shape.at(-1)!);
  return [ops.mul(y, ops.sub(dy, dot))];
}

/** dx = dy - softmax(x) sum(dy). */
function logSoftmaxGrads({ outputs }: Node<"logSoftmax">, dy: Value): Grads {
  const y = outputs[0]!;
  return [ops.sub(dy, ops.mul(ops.exp(y), ops.expandLast(ops.sumLast(dy), y.shape.at(-1)!)))];
}

function concatGrads(
  { inputs, attrs: { axis } }: Node<"concat">,
  dy: Value,
  want: readonly boolean[],
): Grads {
  let start = 0;
  return inputs.map((x, i) => {
    const end = start + x.shape[axis]!;
    const d = want[i] ? ops.slice(dy, axis, start, end) : undefined;
    start = end;
    return d;
  });
}

function divGrads({ inputs: [a, b], outputs }: Node<"div">, dy: Value, want: readonly boolean[]): Grads {
  const da = ops.div(dy, b);
  return [
    want[0] ? unbroadcast(da, a) : undefined,
    want[1] ? ops.scale(unbroadcast(ops.mul(da, outputs[0]!), b), -1) : undefined,
  ];
}

/** One rule an operation: leaving one out does not compile. */
export const GRADIENTS: { readonly [K in Op]: Rule<K> } = {
  input: none,
  constant: none,
  imageToTensor: zero,
  conv2d: convGrads,
  convInputGrad: none,
  convWeightGrad: none,
  batchNorm: batchNormGrads,
  batchNormGrad: none,
  batchNormEval: batchNormEvalGrads,
  layerNorm: ({ inputs: [x, w], attrs: { eps } }, dy) => layerNormGrad(x, dy, w, eps),
  layerNormGrad: none,
  channelScale: ({ inputs: [x, a] }, dy, want) => [
    want[0] ? ops.channelScale(dy, a) : undefined,
    want[1] ? ops.channelDot(x, dy) : undefined,
  ],
  channelBias: (_node, dy, want) => [dy, want[1] ? ops.channelSum(dy) : undefined],
  channelSum: none,
  channelDot: none,
  maxPool: ({ inputs: [x], attrs, outputs }, dy) => [maxPoolGrad(x, outputs[0]!, dy, attrs)],
  maxPoolGrad: none,
  globalAveragePool: ({ inputs: [x] }, dy) => {
    const size = sizeOfMap(x);
    return [ops.spatialBroadcast(ops.scale(dy, 1 / (size[0] * size[1])), size)];
  },
  spatialBroadcast: ({ attrs: { size } }, dy) => [ops.scale(ops.globalAveragePool(dy), size[0] * size[1])],
  gateChannels: ({ inputs: [x, gate] }, dy, want) => [
    want[0] ? ops.gateChannels(dy, gate) : undefined,
    want[1] ? ops.spatialDot(x, dy) : undefined,
  ],
  spatialDot: none,
  activation: ({ inputs: [x], attrs: { kind } }, dy) => [activationGrad(kind, x, dy)],
  activationGrad: none,
  exp: ({ outputs }, dy) => [ops.mul(dy, outputs[0]!)],
  sqrt: ({ outputs }, dy) => [ops.div(ops.scale(dy, 0.5), outputs[0]!)],
  add: ({ inputs: [a, b] }, dy) => [unbroadcast(dy, a), unbroadcast(dy, b)],
  sub: ({ inputs: [a, b] }, dy, want) => [
    unbroadcast(dy, a),
    want[1] ? ops.scale(unbroadcast(dy, b), -1) : undefined,
  ],
  mul: ({ inputs: [a, b] }, dy, want) => [
    want[0] ? unbroadcast(ops.mul(dy, b), a) : undefined,
    want[1] ? unbroadcast(ops.mul(dy, a), b) : undefined,
  ],
  div: divGrads,
  minimum: none,
  scaleSamples: ({ inputs: [, factors] }, dy) => [ops.scaleSamples(dy, factors)],
  matmul: matmulGrads,
  softmax: softmaxGrads,
  logSoftmax: logSoftmaxGrads,
  oneHotMax: zero,
  sumLast: ({ inputs: [x] }, dy) => [ops.expandLast(dy, x.shape.at(-1)!)],
  expandLast: (_node, dy) => [ops.sumLast(dy)],
  sumAll: ({ inputs: [x] }, dy) => [ops.broadcastScalar(dy, x.shape)],
  broadcastScalar: (_node, dy) => [ops.sumAll(dy)],
  reshape: ({ inputs: [x] }, dy) => [ops.reshape(dy, x.shape)],
  transpose: ({ attrs: { perm } }, dy) => [ops.transpose(dy, invert(perm))],
  concat: concatGrads,
  slice: ({ inputs: [x], attrs: { axis, start, end } }, dy) => [
    ops.pad(dy, axis, start, x.shape[axis]! - end),
  ],
  pad: ({ inputs: [x], attrs: { axis, before } }, dy) => [
    ops.slice(dy, axis, before, before + x.shape[axis]!),
  ],
  adamw: none,
  sgd: none,
};

function invert(perm: readonly number[]): number[] {
  const inverse: number[] = [];
  perm.forEach((axis, i) => {
    inverse[axis] = i;
  });
  return inverse;
}

/**
 * Gradients of a scalar loss.
 *
 * @param loss - shape []
 * @param wrt - values that the loss depends on
 * @returns one value a `wrt`, of its shape; zeros where the loss does not depend on it
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  const order = topological([loss]);
  const needed = dependents(order, wrt);
  const found = new Map<Value, Value>([[loss, ops.scalar(1)]]);
  const targets = new Set(wrt);
  for (const node of order.reverse()) {
    const y = node.outputs[0]!;
    const dy = found.get(y);
    if (dy === undefined || !needed.has(node) || targets.has(y)) continue;
    propagate(node, dy, needed, targets, found);
  }
  return wrt.map((value) => found.get(value) ?? ops.broadcastScalar(ops.scalar(0), value.shape));
}

function propagate(
  node: Node,
  dy: Value,
  needed: ReadonlySet<Node>,
  targets: ReadonlySet<Value>,
  found: Map<Value, Value>,
): void {
  const inputs = node.inputs as readonly Value[];
  const want = inputs.map((x) => needed.has(x.node) || targets.has(x));
  // The table is keyed by `node.op`; TypeScript cannot tie the two together.
  const rule = GRADIENTS[node.op] as Rule<Op>;
  rule(node, dy, want).forEach((d, i) => {
    const x = inputs[i]!;
    if (d === undefined || !want[i]) return;
    if (x.index !== 0) none(x.node);
    if (sizeOf(d.shape) !== sizeOf(x.shape)) {
      throw new AppError(
        "internal",
        "GRADIENT_SHAPE",
        `Expected [${x.shape}] from ${node.op}, got [${d.shape}]`,
      );
    }
    const before = found.get(x);
    found.set(x, before === undefined ? d : ops.add(before, d));
  });
}

/** Nodes on a path from one of `values` to the end of `order`: the walk stops at the lowest of them. */
function dependents(order: readonly Node[], values: readonly Value[]): Set<Node> {
  const set = new Set<Node>(values.map((value) => value.node));
  for (const node of order) {
    if ((node.inputs as readonly Value[]).some((x) => set.has(x.node))) set.add(node);
  }
  return set;
}
