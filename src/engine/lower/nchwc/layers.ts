// ◇ Browser-safe. Layer normalisation on blocked maps.
// Means over channels are 1x1 convolutions that write one block of equal channels, [N, b, H, W]; they apply to
// all blocks of a map by broadcasting. Padded channels have weight 0 in them.

import type { Node, Value } from "../../graph.ts";
import { type Blocks, inBlocks, inRows, type Placed, stays } from "./blocked.ts";

/** Statistics in two passes; the normalised map serves the gradient too. */
export function layerNorm(b: Blocks, node: Node<"layerNorm">): readonly Placed[] | undefined {
  const [x, weight, bias] = node.inputs;
  if (!stays(b, x)) return undefined;
  const { unit } = normalised(b, x, node.attrs.eps);
  return [inBlocks(b.affine(unit, b.vector(weight), b.up(x.shape[1]!), { bias: b.vector(bias) }))];
}

/** The plain lowering's formula. */
export function layerNormGrad(b: Blocks, node: Node<"layerNormGrad">): readonly Placed[] | undefined {
  const [x, dy, weight] = node.inputs;
  if (!stays(b, x) || !b.fits(dy)) return undefined;
  const { w } = b;
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const padded = b.up(c);
  const { unit, inverse } = normalised(b, x, node.attrs.eps);
  const g = b.affine(b.blocked(dy), b.vector(weight), padded);
  const centred = onAll(b, "Sub", g, channelMean(b, g, c), x);
  const along = onAll(b, "Mul", unit, channelMean(b, w.op("Mul", [g, unit]), c), x);
  const dx = onAll(b, "Mul", w.op("Sub", [centred, along]), inverse, x);
  const dweight = w.sum(b.dot(unit, b.blocked(dy), x.shape), [0]);
  const means = w.sum(b.spatialMean(b.blocked(dy), [n, c]), [0]);
  const dbias = w.op("Mul", [means, w.float(h * width)]);
  return [inBlocks(dx), inRows(b.trim(dweight, c)), inRows(b.trim(dbias, c))];
}

/** x with mean 0 and variance 1 over channels, and the inverse of its deviation, [N, b, H, W]. */
function normalised(b: Blocks, x: Value, eps: number): { unit: string; inverse: string } {
  const known = b.normalised.get(x);
  if (known !== undefined && known.eps === eps) return known;
  const { w } = b;
  const c = x.shape[1]!;
  const centred = onAll(b, "Sub", b.blocked(x), channelMean(b, b.blocked(x), c), x);
  const variance = channelMean(b, w.op("Mul", [centred, centred]), c);
  const inverse = w.op("Reciprocal", [w.op("Sqrt", [w.op("Add", [variance, w.float(eps)])])]);
  const made = { unit: onAll(b, "Mul", centred, inverse, x), inverse, eps };
  b.normalised.set(x, made);
  return made;
}

/** Mean over the first `channels` channels, in every channel of one block: [N, b, H, W]. */
function channelMean(b: Blocks, x: string, channels: number): string {
  const padded = b.up(channels);
  // Kernel [1, Cp/b, 1, 1, b of the input, b of the output].
  const kernel = new Float32Array(padded * b.size).fill(1 / channels, 0, channels * b.size);
  return b.conv(x, b.w.floats(kernel, [b.size, padded, 1, 1]), { kernel: [1, 1] });
}

/** An elementwise operation of a map with one block, the same for all its blocks. */
function onAll(b: Blocks, op: "Sub" | "Mul", map: string, block: string, like: Value): string {
  const [n, c, h, width] = like.shape as [number, number, number, number];
  const { w, size } = b;
  const area = h * width * size;
  const wide = w.op(op, [w.reshape(map, [n, b.up(c) / size, area]), w.reshape(block, [n, 1, area])]);
  return w.reshape(wide, [n, b.up(c), h, width]);
}
