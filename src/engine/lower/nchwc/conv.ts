// ◇ Browser-safe. Convolutions and their gradients on blocked maps (kernels: blocked-kernels.ts).

import type { Node } from "../../graph.ts";
import { type Blocks, inBlocks, onlyNormalised, type Placed } from "./blocked.ts";
import { denseKernel, forwardOuterKernel, kernelOf } from "./blocked-kernels.ts";
import { ownConv, ownStemWeightGrad, ownWeightGrad } from "./own-conv.ts";
import { inputGrad } from "./phases.ts";
import { pointwiseWeightGrad } from "./pointwise.ts";
import { denseWeightGrad } from "./weights.ts";

/**
 * True for a widening 1x1 convolution that only a BatchNorm reads: its mean follows from the narrower input's. Our own operators
 * sum in the pass that squares.
 */
function normalisedNext(b: Blocks, node: Node<"conv2d">): boolean {
  if (b.kernels !== undefined) return false;
  const [x, weight] = node.inputs;
  const one = kernelOf(weight).every((k) => k === 1) && node.attrs.stride.every((s) => s === 1);
  const unpadded = node.attrs.padding.every((p) => p === 0);
  return one && unpadded && x.shape[1]! < weight.shape[0]! && onlyNormalised(b, node.outputs[0]!);
}

/** Minus the batch mean of a 1x1 convolution, mean(W x) = W mean(x), as its bias [Op]: it then writes y - mean. */
function withoutMean(b: Blocks, node: Node<"conv2d">): string {
  const [x, weight] = node.inputs;
  const [o, c] = weight.shape as [number, number];
  const { w } = b;
  const means = w.op("ReduceMean", [b.spatialMean(b.blocked(x), x.shape)], { axes: [0], keepdims: 0 }); // [Cp]
  // One pixel in blocks is a vector: the convolution itself takes the mean through.
  const pixel = w.reshape(means, [1, b.up(c), 1, 1]);
  const mean = w.reshape(b.conv(pixel, denseKernel(b, weight), { kernel: [1, 1] }), [b.up(o)]);
  b.meanless.set(node.outputs[0]!, b.trim(mean, o));
  return w.op("Neg", [mean]);
}

/** Blocked rule of conv2d; undefined where the plain one has to do it. */
export function convolution(b: Blocks, node: Node<"conv2d">): readonly Placed[] | undefined {
  const dense = node.attrs.groups === 1 && b.fits(node.inputs[0]) && b.fits(node.outputs[0]!);
  const name = convolved(b, node, dense && normalisedNext(b, node) ? withoutMean(b, node) : undefined);
  return name === undefined ? undefined : [inBlocks(name)];
}

/**
 * The convolution in blocks.
 *
 * @param bias - [Op]
 */
export function convolved(b: Blocks, node: Node<"conv2d">, bias?: string): string | undefined {
  const [x, weight] = node.inputs;
  const { stride, padding: pads, groups } = node.attrs;
  const conv = { kernel: kernelOf(weight), stride, pads, bias };
  if (!b.fits(node.outputs[0]!)) return undefined;
  if (x.shape[1] === 3 && groups === 1) return b.conv(b.plain(x), forwardOuterKernel(b, weight), conv);
  if (!b.fits(x)) return undefined;
  if (groups > 1)
    return b.conv(b.blocked(x), forwardOuterKernel(b, weight), { ...conv, groups: b.up(groups) });
  return ownConv(b, node, { bias }) ?? b.conv(b.blocked(x), denseKernel(b, weight), conv);
}

/**
 * Blocked rule of convInputGrad: one stride-1 convolution of dy for each phase of the stride, with the taps that
 * meet it, the last tap first; the phases are then woven together.
 */
export function convInputGrad(b: Blocks, node: Node<"convInputGrad">): readonly Placed[] | undefined {
  const [dy] = node.inputs;
  if (!b.fits(dy) || !b.fits(node.outputs[0]!)) return undefined;
  return [inBlocks(inputGrad(b, node))];
}

/** Blocked rule of convWeightGrad; undefined where the plain one has to do it. */
export function convWeightGrad(b: Blocks, node: Node<"convWeightGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  const { kernel, stride, groups } = node.attrs;
  if (!b.fits(dy) || !(b.fits(x) || (groups === 1 && x.shape[1] === 3))) return undefined;
  if (groups > 1) return depthwiseWeightGrad(b, node);
  const own = b.fits(x) ? ownWeightGrad(b, node) : ownStemWeightGrad(b, node);
  if (own !== undefined) return own;
  if (kernel[0] * kernel[1] * stride[0] * stride[1] === 1) return pointwiseWeightGrad(b, node);
  return denseWeightGrad(b, node);
}

/** x as one image of N Cp channels, dy its kernels of Ho x Wo, dilated by the stride. */
function depthwiseWeightGrad(b: Blocks, node: Node<"convWeightGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  const { stride, padding: p, kernel } = node.attrs;
  const { w, size } = b;
  const [n, c, h, width] = x.shape as [number, number, number, number];
  const [, , ho, wo] = dy.shape as [number, number, number, number];
  const padded = b.up(c);
  const bottom = kernel[0] + (ho - 1) * stride[0] - h - p[0];
  const right = kernel[1] + (wo - 1) * stride[1] - width - p[1];
  if (Math.min(bottom, right) < 0) return undefined; // rows never read: the plain rule crops them
  const image = w.reshape(b.blocked(x), [1, n * padded, h, width]);
  const kernels = w.reshape(b.blocked(dy), [n * padded, 1, ho, wo]);
  const each = b.conv(image, kernels, {
    kernel: [ho, wo],
    dilation: stride,
    pads: [p[0], p[1], bottom, right],
    groups: n * padded,
  });
  const taps = kernel[0] * kernel[1];
  const sum = w.sum(w.reshape(each, [n, padded / size, taps, size]), [0]);
  const rows = w.reshape(w.transpose(sum, [0, 2, 1]), [padded, taps]);
  const trimmed = padded === c ? rows : w.slice(rows, [0], [0], [c]);
  return [{ name: w.reshape(trimmed, [c, 1, ...kernel]), blocked: false }];
}
