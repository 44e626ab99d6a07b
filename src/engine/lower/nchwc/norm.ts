// ◇ Browser-safe. Batch normalisation on blocked maps: sums are convolutions with kernels as large as the map, affine
// maps are depthwise 1x1 convolutions, and what the next operation clips anyway is clipped in the same pass.

import { type Activation, isNode, type Node, type Value } from "../../graph.ts";
import { type Blocks, inBlocks, inRows, type Normed, onlyNormalised, type Placed, stays } from "./blocked.ts";
import { convolved } from "./conv.ts";
import { type Gate, ownAffineSum, ownSums } from "./own-maps.ts";

type Centred = Pick<Normed, "map" | "rest">;

/** Rule of batchNorm; the centred maps serve the gradient too. */
export function batchNorm(b: Blocks, node: Node<"batchNorm">): readonly Placed[] | undefined {
  const [x, weight, bias, around] = node.inputs;
  if (!stays(b, x)) return undefined;
  const { w } = b;
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const padded = b.up(c);
  const { map, rest, mean, squared } = centre(b, x, around);
  const sum = squared ?? ownSums(b, x, [map, map])?.[1] ?? w.sum(b.dot(map, map, x.shape), [0]);
  const squares = w.op("Mul", [sum, w.float(1 / (n * h * width))]);
  const less = rest === undefined ? squares : w.op("Sub", [squares, w.op("Mul", [rest, rest])]);
  const variance = rest === undefined ? less : w.op("Max", [less, w.float(0)]);
  const factor = w.op("Mul", [b.vector(weight), inverseDeviation(b, variance, node.attrs.eps)]);
  const plain = b.vector(bias);
  const shift = rest === undefined ? plain : w.op("Sub", [plain, w.op("Mul", [factor, rest])]);
  const clip = onlyClipped(b, node.outputs[0]!);
  const y = b.affine(map, factor, padded, { bias: shift, clip });
  if (clip !== undefined) b.clipped.add(node.outputs[0]!);
  b.centred.set(node.outputs[1]!, { map, rest, y: node.outputs[0]!, factor, shift });
  return [inBlocks(y), inRows(mean), inRows(b.trim(variance, c))];
}

/**
 * Takes (almost) the mean away without a pass of its own where a convolution can do it as it writes: the exact mean
 * (normalisedNext), or the running one, after which E[x^2] - mean^2 loses no digits. Else in a pass.
 */
function centre(
  b: Blocks,
  x: Value,
  around: Value | undefined,
): Centred & { readonly mean: string; readonly squared?: string | undefined } {
  const { w } = b;
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const count = n * h * width;
  const padded = b.up(c);
  const known = b.meanless.get(x);
  if (known !== undefined) return { map: b.blocked(x), mean: known };
  const meanOf = (map: string) =>
    w.op("ReduceMean", [b.spatialMean(map, x.shape)], { axes: [0], keepdims: 0 });
  if (around !== undefined && isNode(x.node, "conv2d") && onlyNormalised(b, x)) {
    const old = b.vector(around);
    const map = convolved(b, x.node, w.op("Neg", [old]));
    if (map !== undefined) {
      const own = ownSums(b, x, [map, map]);
      const rest = own === undefined ? meanOf(map) : w.op("Mul", [own[0], w.float(1 / count)]);
      return { map, rest, mean: b.trim(w.op("Add", [old, rest]), c), squared: own?.[1] };
    }
  }
  const mean = meanOf(b.blocked(x)); // [Cp]
  const ones = w.floats(new Float32Array(padded).fill(1), [padded]);
  const map = b.affine(b.blocked(x), ones, padded, { bias: w.op("Neg", [mean]) });
  return { map, mean: b.trim(mean, c) };
}

function inverseDeviation({ w }: Blocks, variance: string, eps: number): string {
  return w.op("Reciprocal", [w.op("Sqrt", [w.op("Add", [variance, w.float(eps)])])]);
}

/** The plain lowering's formula, two affine passes over maps: dx = dy A + (x - mean) B + C. */
export function batchNormGrad(b: Blocks, node: Node<"batchNormGrad">): readonly Placed[] | undefined {
  const [x, dy, weight, mean, variance] = node.inputs;
  const centred = b.centred.get(mean);
  if (centred === undefined || !b.fits(dy)) return undefined;
  const { map, rest } = centred;
  const { given, gate } = passed(b, dy, centred);
  const { w } = b;
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const padded = b.up(c);
  const inverse = inverseDeviation(b, b.vector(variance), node.attrs.eps);
  const [dbias, products] = ownSums(b, x, [map, given], gate) ?? [
    w.op("Mul", [w.sum(b.spatialMean(given, x.shape), [0]), w.float(h * width)]),
    w.sum(b.dot(map, given, x.shape), [0]),
  ];
  const about = rest === undefined ? products : w.op("Sub", [products, w.op("Mul", [rest, dbias])]);
  const dweight = w.op("Mul", [about, inverse]);
  const a = w.op("Mul", [b.vector(weight), inverse]);
  const share = w.op("Mul", [a, w.float(-1 / (n * h * width))]);
  const slope = w.op("Mul", [w.op("Mul", [share, inverse]), dweight]);
  const offset = w.op("Mul", [share, dbias]);
  const bias = rest === undefined ? offset : w.op("Sub", [offset, w.op("Mul", [slope, rest])]);
  const dx =
    ownAffineSum(b, x, [given, a, map, slope, bias], gate) ??
    b.affine(given, a, padded, { sum: b.affine(map, slope, padded, { bias }) });
  return [inBlocks(dx), inRows(b.trim(dweight, c)), inRows(b.trim(dbias, c))];
}

/**
 * The gradient that a norm is given: where nothing but it reads that of an activation that clips, what the activation is given,
 * and a gate of our own operators, so that the clipped one is never made.
 */
function passed(b: Blocks, dy: Value, { y, factor, shift }: Normed): { given: string; gate?: Gate } {
  const { node } = dy;
  if (b.kernels === undefined || b.readers(dy).length !== 1 || !isNode(node, "activationGrad"))
    return { given: b.blocked(dy) };
  const [x, before] = node.inputs;
  const [low, high] = RANGES[node.attrs.kind] ?? [];
  if (x !== y || low !== 0 || !b.fits(before)) return { given: b.blocked(dy) };
  return { given: b.blocked(before), gate: { factor, shift, high: high! } };
}

/** Rule of batchNormEval: one affine pass. */
export function batchNormEval(b: Blocks, node: Node<"batchNormEval">): readonly Placed[] | undefined {
  const [x, weight, bias, mean, variance] = node.inputs;
  if (!stays(b, x)) return undefined;
  const factor = b.w.op("Mul", [b.vector(weight), inverseDeviation(b, b.vector(variance), node.attrs.eps)]);
  const shift = b.w.op("Sub", [b.vector(bias), b.w.op("Mul", [b.vector(mean), factor])]);
  return [inBlocks(b.affine(b.blocked(x), factor, b.up(x.shape[1]!), { bias: shift }))];
}

/** Activations that clip to a range: their slope is 1 inside and 0 at the ends and beyond. */
export const RANGES: { readonly [A in Activation]?: readonly [low: number, high: number] } = {
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
