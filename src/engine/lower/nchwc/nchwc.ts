// ◇ Browser-safe. The fast lowering for CPUs: activations stay in ONNX Runtime's own NCHWc blocks from stem to head.
// A rule returns undefined where its operands do not fit blocks; the plain rule then serves, on reordered maps.
// Measurements behind the formulations: docs/decisions.

import { isNode, type Node, type Op, type Value } from "../../graph.ts";
import type { Lowering } from "../plain.ts";
import { PLAIN } from "../plain-training.ts";
import { type Blocks, inBlocks, inRows, type Placed, stays } from "./blocked.ts";
import { convInputGrad, convolution, convWeightGrad } from "./conv.ts";
import { layerNorm, layerNormGrad } from "./layers.ts";
import { batchNorm, batchNormEval, batchNormGrad, RANGES } from "./norm.ts";
import { ownAdamW, ownClipGrad, ownSiluGrad } from "./own-maps.ts";
import { inputGrad } from "./phases.ts";
import { maxPool, maxPoolGrad } from "./pool.ts";

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
  return stays(b, x) ? [inBlocks(gated(b, x, gate))] : undefined;
}

/** @param shift - [N, C], added to all pixels in the same pass */
function gated(b: Blocks, x: Value, gate: Value, shift?: Value): string {
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const channels = n * b.up(c);
  const image = b.w.reshape(b.blocked(x), [1, channels, h, width]);
  const bias = shift === undefined ? {} : { bias: b.w.reshape(padRows(b, shift), [channels]) };
  return b.w.reshape(b.affine(image, padRows(b, gate), channels, bias), [n, b.up(c), h, width]);
}

/**
 * A sum, in the pass that makes one of its terms where nothing else reads that term: what was emitted for the term
 * alone is then left out.
 */
function addition(b: Blocks, node: Node<"add">): readonly Placed[] | undefined {
  const [x, y] = node.inputs;
  return joined(b, x, y) ?? joined(b, y, x) ?? elementwise(b, node);
}

function joined(b: Blocks, term: Value, other: Value): readonly Placed[] | undefined {
  if (!stays(b, term) || b.readers(term).length !== 1) return undefined;
  const { node } = term;
  if (isNode(node, "convInputGrad") && node.attrs.stride.every((s) => s === 1) && stays(b, other))
    return [inBlocks(inputGrad(b, node, b.blocked(other)))];
  if (!isNode(node, "gateChannels") || !isNode(other.node, "spatialBroadcast")) return undefined;
  return [inBlocks(gated(b, node.inputs[0], node.inputs[1], other.node.inputs[0]))];
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

function activation(b: Blocks, node: Node<"activation">): readonly Placed[] | undefined {
  const [x] = node.inputs;
  return b.clipped.has(x) ? [inBlocks(b.blocked(x))] : elementwise(b, node);
}

/** d silu = s (1 + x - y) with s = sigmoid(x) and y = silu(x), which the forward pass has made: two passes less. */
function siluGrad(b: Blocks, node: Node<"activationGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  const own = ownSiluGrad(b, x, dy);
  if (own !== undefined) return [inBlocks(own)];
  const forward = b.readers(x).find((reader) => isNode(reader, "activation") && reader.attrs.kind === "silu");
  const y = forward?.outputs[0];
  if (y === undefined || !b.isBlocked(y)) return elementwise(b, node);
  const { w } = b;
  const padded = b.up(x.shape[1]!);
  const fill = (value: number) => w.floats(new Float32Array(padded).fill(value), [padded]);
  const sigmoid = w.op("Sigmoid", [b.blocked(x)]); // first: the sum below is then x's last reader, and made in its memory
  const rest = b.affine(b.blocked(y), fill(-1), padded, { bias: fill(1), sum: b.blocked(x) });
  const slope = w.op("Mul", [sigmoid, rest]);
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
  const own = low === 0 ? ownClipGrad(b, x, dy, high) : undefined;
  if (own !== undefined) return [inBlocks(own)];
  const padded = b.up(x.shape[1]!);
  const fill = (value: number) => w.floats(new Float32Array(padded).fill(value), [padded]);
  const steep = 2 ** 100;
  if (high === Number.POSITIVE_INFINITY) {
    const mask = b.affine(b.blocked(x), fill(steep), padded, { clip: [0, 1] });
    return [inBlocks(w.op("Mul", [mask, b.blocked(dy)]))];
  }
  const half = (high - low) / 2;
  const away = b.affine(b.blocked(x), fill(1), padded, { bias: fill(-(low + half)), clip: "absolute" });
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
  add: addition,
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
  adamw: ownAdamW,
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
