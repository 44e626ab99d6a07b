// ◇ Browser-safe. Constructors of the semantic operations, each with its shape rule.
// Source of the rules: torch's operators of the same names; channels are axis 1 everywhere.
import {
  type Activation,
  type ConvAttrs,
  type Dtype,
  graphError,
  makeNode,
  type Shape,
  type Size,
  sizeOf,
  type Value,
} from "./graph.ts";

const same = (a: Shape, b: Shape) => a.length === b.length && a.every((n, i) => n === b[i]);

function only(node: { outputs: readonly Value[] }): Value {
  return node.outputs[0]!;
}

function expect(ok: boolean, op: string, expected: string, ...got: readonly Value[]): void {
  if (!ok)
    throw graphError(
      op,
      expected,
      got.map((v) => v.shape),
    );
}

/** A named graph input. */
export function input(name: string, shape: Shape, dtype: Dtype = "float32"): Value {
  return only(makeNode("input", [], { name }, [shape], dtype));
}

/** A constant; `data` must not change afterwards. */
export function constant(data: Float32Array | readonly number[], shape: Shape): Value {
  if (sizeOf(shape) !== data.length) throw graphError("constant", `${sizeOf(shape)} values`, data.length);
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  return only(makeNode("constant", [], { data: floats }, [shape]));
}

/** A constant of shape []. */
export function scalar(value: number): Value {
  return constant([value], []);
}

/**
 * Pixels to network input: `(x / 255 - mean) / std` per channel.
 * @param image - u8 [N, H, W, 3]
 * @returns f32 [N, 3, H, W]
 */
export function imageToTensor(image: Value, mean: readonly number[], std: readonly number[]): Value {
  const [n, h, w, c] = image.shape;
  expect(
    image.shape.length === 4 && c === 3 && image.dtype === "uint8",
    "imageToTensor",
    "u8 [N, H, W, 3]",
    image,
  );
  return only(makeNode("imageToTensor", [image], { mean, std }, [[n!, 3, h!, w!]]));
}

/** Output length of a convolution along one axis. */
export function convSize(
  length: number,
  kernel: number,
  stride: number,
  before: number,
  after: number,
): number {
  return Math.floor((length + before + after - kernel) / stride) + 1;
}

/**
 * 2-D convolution (cross-correlation) without bias.
 * @param x - [N, C, H, W]
 * @param weight - [O, C / groups, kH, kW]; groups is 1, or C with O = C (depthwise)
 */
export function conv2d(x: Value, weight: Value, attrs: ConvAttrs): Value {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [o, ci, kh, kw] = weight.shape as [number, number, number, number];
  const { stride, padding: p, groups } = attrs;
  const shapes = x.shape.length === 4 && weight.shape.length === 4 && ci * groups === c;
  expect(
    shapes && (groups === 1 || (groups === c && o === c)),
    "conv2d",
    "[N,C,H,W], [O,C/groups,k,k]",
    x,
    weight,
  );
  const size = [convSize(h, kh, stride[0], p[0], p[2]), convSize(w, kw, stride[1], p[1], p[3])] as const;
  expect(size[0] > 0 && size[1] > 0, "conv2d", "an input no smaller than the kernel", x, weight);
  return only(makeNode("conv2d", [x, weight], attrs, [[n, o, ...size]]));
}

/**
 * Batch normalisation with the batch's own statistics over N, H, W.
 * @param around - [C], near the mean: it changes nothing but the rounding, and saves a pass where a lowering uses it
 * @returns y like x, and the batch's mean and biased variance, both [C]; gradients flow through y only
 */
export function batchNorm(
  x: Value,
  weight: Value,
  bias: Value,
  eps: number,
  around?: Value,
): { y: Value; mean: Value; variance: Value } {
  const more = around === undefined ? [] : [around];
  expectChannels("batchNorm", x, weight, bias, ...more);
  const shapes = [x.shape, weight.shape, weight.shape];
  const node = makeNode("batchNorm", [x, weight, bias, ...more], { eps }, shapes);
  const [y, mean, variance] = node.outputs;
  return { y: y!, mean: mean!, variance: variance! };
}

/** Batch normalisation with given statistics (evaluation, or frozen). */
export function batchNormEval(
  x: Value,
  weight: Value,
  bias: Value,
  mean: Value,
  variance: Value,
  eps: number,
): Value {
  expectChannels("batchNormEval", x, weight, bias, mean, variance);
  return only(makeNode("batchNormEval", [x, weight, bias, mean, variance], { eps }, [x.shape]));
}

function expectChannels(op: string, x: Value, ...vectors: readonly Value[]): void {
  const ok = x.shape.length >= 2 && vectors.every((v) => v.shape.length === 1 && v.shape[0] === x.shape[1]);
  expect(ok, op, "[N, C, ...] and vectors [C]", x, ...vectors);
}

/** x * scale[C]. */
export function channelScale(x: Value, scale: Value): Value {
  expectChannels("channelScale", x, scale);
  return only(makeNode("channelScale", [x, scale], {}, [x.shape]));
}

/** x + bias[C]. */
export function channelBias(x: Value, bias: Value): Value {
  expectChannels("channelBias", x, bias);
  return only(makeNode("channelBias", [x, bias], {}, [x.shape]));
}

/** Sum over all axes but channels: [C]. */
export function channelSum(x: Value): Value {
  return only(makeNode("channelSum", [x], {}, [[x.shape[1]!]]));
}

/** Sum of x * y over all axes but channels: [C]. */
export function channelDot(x: Value, y: Value): Value {
  expect(same(x.shape, y.shape), "channelDot", "equal shapes", x, y);
  return only(makeNode("channelDot", [x, y], {}, [[x.shape[1]!]]));
}

/** Mean over H and W: [N, C]. */
export function globalAveragePool(x: Value): Value {
  expect(x.shape.length === 4, "globalAveragePool", "[N, C, H, W]", x);
  return only(makeNode("globalAveragePool", [x], {}, [x.shape.slice(0, 2)]));
}

/** [N, C] repeated over H and W. */
export function spatialBroadcast(x: Value, size: Size): Value {
  expect(x.shape.length === 2, "spatialBroadcast", "[N, C]", x);
  return only(makeNode("spatialBroadcast", [x], { size }, [[...x.shape, ...size]]));
}

/** x[N, C, H, W] * gate[N, C] (squeeze and excite). */
export function gateChannels(x: Value, gate: Value): Value {
  expect(same(x.shape.slice(0, 2), gate.shape), "gateChannels", "[N, C, H, W] and [N, C]", x, gate);
  return only(makeNode("gateChannels", [x, gate], {}, [x.shape]));
}

/** Sum of x * y over H and W: [N, C]. */
export function spatialDot(x: Value, y: Value): Value {
  expect(same(x.shape, y.shape) && x.shape.length === 4, "spatialDot", "equal [N, C, H, W]", x, y);
  return only(makeNode("spatialDot", [x, y], {}, [x.shape.slice(0, 2)]));
}

/** An elementwise function with a gradient of its own, see ACTIVATIONS. */
export function activation(kind: Activation, x: Value): Value {
  return only(makeNode("activation", [x], { kind }, [x.shape]));
}

export const exp = (x: Value): Value => only(makeNode("exp", [x], {}, [x.shape]));
export const sqrt = (x: Value): Value => only(makeNode("sqrt", [x], {}, [x.shape]));

/** Elementwise of equal shapes, or with one scalar (shape []). */
function binary(op: "add" | "sub" | "mul" | "div" | "minimum", a: Value, b: Value): Value {
  const scalarSide = a.shape.length === 0 || b.shape.length === 0;
  expect(scalarSide || same(a.shape, b.shape), op, "equal shapes or a scalar", a, b);
  return only(makeNode(op, [a, b], {}, [a.shape.length === 0 ? b.shape : a.shape]));
}

export const add = (a: Value, b: Value): Value => binary("add", a, b);
export const sub = (a: Value, b: Value): Value => binary("sub", a, b);
export const mul = (a: Value, b: Value): Value => binary("mul", a, b);
export const div = (a: Value, b: Value): Value => binary("div", a, b);
export const minimum = (a: Value, b: Value): Value => binary("minimum", a, b);

/** x times a number. */
export const scale = (x: Value, factor: number): Value => (factor === 1 ? x : mul(x, scalar(factor)));

/** x[N, ...] * scale[N] (stochastic depth); no gradient towards `scale`. */
export function scaleSamples(x: Value, factors: Value): Value {
  const fits = factors.shape.length === 1 && factors.shape[0] === x.shape[0];
  expect(fits, "scaleSamples", "[N, ...] and [N]", x, factors);
  return only(makeNode("scaleSamples", [x, factors], {}, [x.shape]));
}

/** Products of matrices (the last two axes), either side transposed; the axes before them are common to both. */
export function matmul(a: Value, b: Value, options: { transA?: boolean; transB?: boolean } = {}): Value {
  const { transA = false, transB = false } = options;
  const [m, k] = transA ? [a.shape.at(-1), a.shape.at(-2)] : [a.shape.at(-2), a.shape.at(-1)];
  const [k2, n] = transB ? [b.shape.at(-1), b.shape.at(-2)] : [b.shape.at(-2), b.shape.at(-1)];
  const batch = a.shape.slice(0, -2);
  const fits = a.shape.length >= 2 && same(batch, b.shape.slice(0, -2)) && k === k2 && n !== undefined;
  expect(fits, "matmul", "matrices with a common side", a, b);
  return only(makeNode("matmul", [a, b], { transA, transB }, [[...batch, m!, n!]]));
}

/** torch's Linear: x[N, I] times weight[O, I] transposed, plus bias[O]. */
export function linear(x: Value, weight: Value, bias?: Value): Value {
  const y = matmul(x, weight, { transB: true });
  return bias === undefined ? y : channelBias(y, bias);
}

/** Along the last axis. */
export const softmax = (x: Value): Value => only(makeNode("softmax", [x], {}, [x.shape]));
/** Along the last axis. */
export const logSoftmax = (x: Value): Value => only(makeNode("logSoftmax", [x], {}, [x.shape]));
/** 1 at the (first) largest entry of the last axis, else 0; no gradient. */
export const oneHotMax = (x: Value): Value => only(makeNode("oneHotMax", [x], {}, [x.shape]));

/** Sum over the last axis, which is dropped. */
export function sumLast(x: Value): Value {
  return only(makeNode("sumLast", [x], {}, [x.shape.slice(0, -1)]));
}

/** Appends an axis of this size by repetition. */
export function expandLast(x: Value, size: number): Value {
  return only(makeNode("expandLast", [x], { size }, [[...x.shape, size]]));
}

/** Sum of everything: []. */
export const sumAll = (x: Value): Value => only(makeNode("sumAll", [x], {}, [[]]));

/** Mean of everything: []. */
export const meanAll = (x: Value): Value => scale(sumAll(x), 1 / sizeOf(x.shape));

/** A scalar repeated to a shape. */
export function broadcastScalar(x: Value, shape: Shape): Value {
  expect(x.shape.length === 0, "broadcastScalar", "[]", x);
  return only(makeNode("broadcastScalar", [x], { shape }, [shape]));
}

/** The same elements in row-major order under another shape. */
export function reshape(x: Value, shape: Shape): Value {
  if (same(x.shape, shape)) return x;
  if (sizeOf(shape) !== sizeOf(x.shape)) throw graphError("reshape", `${sizeOf(x.shape)} elements`, shape);
  return only(makeNode("reshape", [x], { shape }, [shape]));
}

/** Axis i of the result is axis perm[i] of x, as torch's permute. */
export function transpose(x: Value, perm: readonly number[]): Value {
  const valid =
    [...perm].sort((a, b) => a - b).every((axis, i) => axis === i) && perm.length === x.shape.length;
  if (!valid) throw graphError("transpose", `a permutation of ${x.shape.length} axes`, perm);
  return only(makeNode("transpose", [x], { perm }, [perm.map((axis) => x.shape[axis]!)]));
}

/** Values end to end along one axis. */
export function concat(values: readonly Value[], axis: number): Value {
  const [first] = values;
  if (first === undefined) throw graphError("concat", "at least one value", []);
  if (values.length === 1) return first;
  const fits = values.every((v) => v.shape.every((n, i) => i === axis || n === first.shape[i]));
  expect(fits, "concat", `equal shapes but for axis ${axis}`, ...values);
  const length = values.reduce((total, v) => total + v.shape[axis]!, 0);
  return only(makeNode("concat", [...values], { axis }, [first.shape.with(axis, length)]));
}

/** Entries start to end (exclusive) of one axis. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const length = x.shape[axis] ?? -1;
  if (start === 0 && end === length) return x;
  if (!(start >= 0 && start < end && end <= length))
    throw graphError("slice", `a part of ${length}`, [start, end]);
  return only(makeNode("slice", [x], { axis, start, end }, [x.shape.with(axis, end - start)]));
}

/** Zeros before and after along one axis. */
export function pad(x: Value, axis: number, before: number, after: number): Value {
  if (before === 0 && after === 0) return x;
  return only(
    makeNode("pad", [x], { axis, before, after }, [x.shape.with(axis, x.shape[axis]! + before + after)]),
  );
}
