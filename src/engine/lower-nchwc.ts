// The fast lowering for CPUs: activations stay in ONNX Runtime's own NCHWc blocks from stem to head.
// A rule returns undefined where its operands do not fit blocks; the plain rule then serves, on reordered maps.
// Measurements behind the formulations: docs/decisions.
import { type Blocks, inBlocks, inRows, type Placed, stays } from "./blocked.ts";
import { type Activation, isNode, type Node, type Op, type Value } from "./graph.ts";
import { convInputGrad, convolution, convWeightGrad } from "./lower-nchwc-conv.ts";
import { layerNorm, layerNormGrad, maxPool, maxPoolGrad } from "./lower-nchwc-layers.ts";
import { type Lowering, PLAIN } from "./lower-plain.ts";

/** Emits one node in blocks, or declines. */
export type BlockedRule<K extends Op> = (b: Blocks, node: Node<K>) => readonly Placed[] | undefined;

/** Elementwise operations do not care for the order of data, if all maps have the same. */
function elementwise<K extends Op>(b: Blocks, node: Node<K>): readonly Placed[] | undefined {
  const inputs = node.inputs as readonly Value[];
  const maps = inputs.filter((x) => x.shape.length === 4);
  if (!maps.some((x) => b.isBlocked(x)) || !maps.every((x) => b.fits(x))) return undefined;
  if (!inputs.every((x) => x.shape.length === 4 || x.shape.length === 0)) return undefined;
  const names = inputs.map((x) => (x.shape.length === 4 ? b.blocked(x) : b.plain(x)));
  // The tables are keyed by `node.op`; TypeScript cannot tie the two together.
  return (PLAIN[node.op] as unknown as Lowering<K>)(b.w, node, names).map(inBlocks);
}

/** Statistics in two passes, as in the plain lowering; the centred maps serve the gradient too. */
function batchNorm(b: Blocks, node: Node<"batchNorm">): readonly Placed[] | undefined {
  const [x, weight, bias] = node.inputs;
  if (!stays(b, x)) return undefined;
  const { w } = b;
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const padded = b.up(c);
  const { centred, mean } = centre(b, x);
  const squares = w.sum(b.dot(centred, centred, x.shape), [0]);
  const variance = w.op("Mul", [squares, w.float(1 / (n * h * width))]);
  const factor = w.op("Mul", [b.vector(weight), inverseDeviation(b, variance, node.attrs.eps)]);
  const clip = onlyClipped(b, node.outputs[0]!);
  const y = b.affine(centred, factor, padded, {
    bias: b.vector(bias),
    ...(clip === undefined ? {} : { clip }),
  });
  if (clip !== undefined) b.clipped.add(node.outputs[0]!);
  b.centred.set(node.outputs[1]!, centred);
  return [inBlocks(y), inRows(mean), inRows(b.trim(variance, c))];
}

/** Maps without their batch mean, and that mean [C]. */
function centre(b: Blocks, x: Value): { centred: string; mean: string } {
  const known = b.meanless.get(x);
  if (known !== undefined) return { centred: b.blocked(x), mean: known };
  const c = x.shape[1]!;
  const padded = b.up(c);
  const mean = b.w.op("ReduceMean", [b.spatialMean(b.blocked(x), x.shape)], { axes: [0], keepdims: 0 }); // [Cp]
  const ones = b.w.floats(new Float32Array(padded).fill(1), [padded]);
  const centred = b.affine(b.blocked(x), ones, padded, { bias: b.w.op("Neg", [mean]) });
  return { centred, mean: b.trim(mean, c) };
}

function inverseDeviation({ w }: Blocks, variance: string, eps: number): string {
  return w.op("Reciprocal", [w.op("Sqrt", [w.op("Add", [variance, w.float(eps)])])]);
}

/** The plain lowering's formula, two affine passes over maps: dx = dy A + (x - mean) B + C. */
function batchNormGrad(b: Blocks, node: Node<"batchNormGrad">): readonly Placed[] | undefined {
  const [x, dy, weight, mean, variance] = node.inputs;
  const centred = b.centred.get(mean);
  if (centred === undefined || !b.fits(dy)) return undefined;
  const { w } = b;
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const padded = b.up(c);
  const inverse = inverseDeviation(b, b.vector(variance), node.attrs.eps);
  const means = w.sum(b.spatialMean(b.blocked(dy), x.shape), [0]);
  const dbias = w.op("Mul", [means, w.float(h * width)]);
  const dweight = w.op("Mul", [w.sum(b.dot(centred, b.blocked(dy), x.shape), [0]), inverse]);
  const a = w.op("Mul", [b.vector(weight), inverse]);
  const share = w.op("Mul", [a, w.float(-1 / (n * h * width))]);
  const slope = w.op("Mul", [w.op("Mul", [share, inverse]), dweight]);
  const fromX = b.affine(centred, slope, padded, { bias: w.op("Mul", [share, dbias]) });
  const dx = b.affine(b.blocked(dy), a, padded, { sum: fromX });
  return [inBlocks(dx), inRows(b.trim(dweight, c)), inRows(b.trim(dbias, c))];
}

function batchNormEval(b: Blocks, node: Node<"batchNormEval">): readonly Placed[] | undefined {
  const [x, weight, bias, mean, variance] = node.inputs;
  if (!stays(b, x)) return undefined;
  const factor = b.w.op("Mul", [b.vector(weight), inverseDeviation(b, b.vector(variance), node.attrs.eps)]);
  const shift = b.w.op("Sub", [b.vector(bias), b.w.op("Mul", [b.vector(mean), factor])]);
  return [inBlocks(b.affine(b.blocked(x), factor, b.up(x.shape[1]!), { bias: shift }))];
}

function channelScale(
  b: Blocks,
  { inputs: [x, scale] }: Node<"channelScale">,
): readonly Placed[] | undefined {
  if (!stays(b, x)) return undefined;
  return [inBlocks(b.affine(b.blocked(x), b.vector(scale), b.up(x.shape[1]!)))];
}

function channelBias(b: Blocks, { inputs: [x, bias] }: Node<"channelBias">): readonly Placed[] | undefined {
  if (!stays(b, x)) return undefined;
  const padded = b.up(x.shape[1]!);
  const ones = b.w.floats(new Float32Array(padded).fill(1), [padded]);
  return [inBlocks(b.affine(b.blocked(x), ones, padded, { bias: b.vector(bias) }))];
}

function channelSum(b: Blocks, { inputs: [x] }: Node<"channelSum">): readonly Placed[] | undefined {
  if (!stays(b, x)) return undefined;
  const sums = b.w.sum(b.spatialMean(b.blocked(x), x.shape), [0]);
  const scaled = b.w.op("Mul", [sums, b.w.float(x.shape[2]! * x.shape[3]!)]);
  return [inRows(b.trim(scaled, x.shape[1]!))];
}

function channelDot(b: Blocks, { inputs: [x, y] }: Node<"channelDot">): readonly Placed[] | undefined {
  if (!stays(b, x) || !stays(b, y)) return undefined;
  const sums = b.w.sum(b.dot(b.blocked(x), b.blocked(y), x.shape), [0]);
  return [inRows(b.trim(sums, x.shape[1]!))];
}

/** [N, Cp] cut to [N, C]. */
function trimRows(b: Blocks, rows: string, channels: number): string {
  return b.up(channels) === channels ? rows : b.w.slice(rows, [1], [0], [channels]);
}

/** [N, C] padded to [N, Cp]. */
function padRows(b: Blocks, x: Value): string {
  return b.w.pad(b.plain(x), [0, 0, 0, b.up(x.shape[1]!) - x.shape[1]!]);
}

function globalAveragePool(
  b: Blocks,
  { inputs: [x] }: Node<"globalAveragePool">,
): readonly Placed[] | undefined {
  if (!stays(b, x)) return undefined;
  return [inRows(trimRows(b, b.spatialMean(b.blocked(x), x.shape), x.shape[1]!))];
}

function spatialBroadcast(b: Blocks, node: Node<"spatialBroadcast">): readonly Placed[] | undefined {
  const [x] = node.inputs;
  const [n, c] = x.shape as [number, number];
  if (!b.fits(node.outputs[0]!)) return undefined;
  const { size } = node.attrs;
  const groups = b.up(c) / b.size;
  const rows = b.w.reshape(padRows(b, x), [n, groups, 1, b.size]);
  const wide = b.w.op("Expand", [rows, b.w.ints(n, groups, size[0] * size[1], b.size)]);
  return [inBlocks(b.w.reshape(wide, [n, b.up(c), ...size]))];
}

/** The gate of each sample and channel as a kernel of its own. */
function gateChannels(b: Blocks, { inputs: [x, gate] }: Node<"gateChannels">): readonly Placed[] | undefined {
  if (!stays(b, x)) return undefined;
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const channels = n * b.up(c);
  const image = b.w.reshape(b.blocked(x), [1, channels, h, width]);
  const y = b.affine(image, padRows(b, gate), channels);
  return [inBlocks(b.w.reshape(y, [n, b.up(c), h, width]))];
}

function spatialDot(b: Blocks, { inputs: [x, y] }: Node<"spatialDot">): readonly Placed[] | undefined {
  if (!stays(b, x) || !stays(b, y)) return undefined;
  return [inRows(trimRows(b, b.dot(b.blocked(x), b.blocked(y), x.shape), x.shape[1]!))];
}

function scaleSamples(b: Blocks, node: Node<"scaleSamples">): readonly Placed[] | undefined {
  const [x, factors] = node.inputs;
  if (!stays(b, x)) return undefined;
  return PLAIN.scaleSamples(b.w, node, [b.blocked(x), b.plain(factors)]).map(inBlocks);
}

/** Activations that clip to a range: their slope is 1 inside and 0 at the ends and beyond. */
const RANGES: { readonly [A in Activation]?: readonly [low: number, high: number] } = {
  relu: [0, Number.POSITIVE_INFINITY],
  relu6: [0, 6],
};

/** The range that everything that reads this value clips it to, or none. */
function onlyClipped(b: Blocks, value: Value): readonly [number, number] | undefined {
  const readers = b.readers(value);
  const kinds = readers.map((node) =>
    isNode(node, "activation") || (isNode(node, "activationGrad") && node.inputs[0] === value)
      ? node.attrs.kind
      : undefined,
  );
  const [kind] = kinds;
  return kind !== undefined && kinds.every((k) => k === kind) ? RANGES[kind] : undefined;
}

function activation(b: Blocks, node: Node<"activation">): readonly Placed[] | undefined {
  const [x] = node.inputs;
  return b.clipped.has(x) ? [inBlocks(b.blocked(x))] : elementwise(b, node);
}

/** d silu = s (1 + x - y) with s = sigmoid(x) and y = silu(x), which the forward pass has made: two passes less. */
function siluGrad(b: Blocks, node: Node<"activationGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  const forward = b.readers(x).find((reader) => isNode(reader, "activation") && reader.attrs.kind === "silu");
  const y = forward?.outputs[0];
  if (y === undefined || !b.isBlocked(y)) return elementwise(b, node);
  const { w } = b;
  const padded = b.up(x.shape[1]!);
  const fill = (value: number) => w.floats(new Float32Array(padded).fill(value), [padded]);
  const rest = b.affine(b.blocked(y), fill(-1), padded, { bias: fill(1), sum: b.blocked(x) });
  const slope = w.op("Mul", [w.op("Sigmoid", [b.blocked(x)]), rest]);
  return [inBlocks(w.op("Mul", [slope, b.blocked(dy)]))];
}

/** The slope as a mask made by affine passes that clip: its value is the same before and after the activation. */
function activationGrad(b: Blocks, node: Node<"activationGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  if (!stays(b, x) || !b.fits(dy)) return elementwise(b, node);
  if (node.attrs.kind === "silu") return siluGrad(b, node);
  const range = RANGES[node.attrs.kind];
  if (range === undefined) return elementwise(b, node);
  const { w } = b;
  const [low, high] = range;
  const padded = b.up(x.shape[1]!);
  const fill = (value: number) => w.floats(new Float32Array(padded).fill(value), [padded]);
  const steep = 2 ** 100;
  if (high === Number.POSITIVE_INFINITY) {
    const mask = b.affine(b.blocked(x), fill(steep), padded, { clip: [0, 1] });
    return [inBlocks(w.op("Mul", [mask, b.blocked(dy)]))];
  }
  const half = (high - low) / 2;
  const away = w.op("Abs", [b.affine(b.blocked(x), fill(1), padded, { bias: fill(-(low + half)) })]);
  const mask = b.affine(away, fill(-steep), padded, { bias: fill(half * steep), clip: [0, 1] });
  return [inBlocks(w.op("Mul", [mask, b.blocked(dy)]))];
}

/** One rule an operation, or the word that the plain rule is meant. */
export const BLOCKED: { readonly [K in Op]: BlockedRule<K> | "plain" } = {
  input: "plain",
  constant: "plain",
  imageToTensor: "plain",
  conv2d: convolution,
  convInputGrad,
  convWeightGrad,
  batchNorm,
  batchNormGrad,
  batchNormEval,
  layerNorm,
  layerNormGrad,
  channelScale,
  channelBias,
  channelSum,
  channelDot,
  maxPool,
  maxPoolGrad,
  globalAveragePool,
  spatialBroadcast,
  gateChannels,
  spatialDot,
  activation,
  activationGrad,
  exp: elementwise,
  sqrt: elementwise,
  add: elementwise,
  sub: elementwise,
  mul: elementwise,
  div: elementwise,
  minimum: elementwise,
  scaleSamples,
  matmul: "plain",
  softmax: "plain",
  logSoftmax: "plain",
  oneHotMax: "plain",
  sumLast: "plain",
  expandLast: "plain",
  sumAll: "plain",
  broadcastScalar: "plain",
  reshape: "plain",
  transpose: "plain",
  concat: "plain",
  slice: "plain",
  pad: "plain",
  adamw: "plain",
  sgd: "plain",
};

/** Emits one node, in blocks where its rule takes it, else plainly. */
export function lowerBlocked(b: Blocks, node: Node): void {
  const rule = BLOCKED[node.op] as BlockedRule<Op> | "plain";
  const placed = rule === "plain" ? undefined : rule(b, node);
  const results = placed ?? lowerPlainly(b, node);
  node.outputs.forEach((value, i) => {
    b.set(value, results[i]!);
  });
}

function lowerPlainly(b: Blocks, node: Node): readonly Placed[] {
  const inputs = (node.inputs as readonly Value[]).map((x) => b.plain(x));
  return (PLAIN[node.op] as Lowering<Op>)(b.w, node, inputs).map(inRows);
}
