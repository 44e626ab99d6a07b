// Convolutions and their gradients on blocked maps. Kernels: dense [O/b][I/b][kH][kW][b of I][b of O],
// depthwise and stem [O/b][I][kH][kW][b of O]; made from torch's order inside the graph, once a step.
import type { Blocks, Placed } from "./blocked.ts";
import { isNode, type Node, type Padding, type Size, type Value } from "./graph.ts";
import { batchIsCheap } from "./lower-plain-conv.ts";
import { NCHWC } from "./writer.ts";

const blocked = (name: string): Placed => ({ name, blocked: true });

const kernelOf = (weight: Value): Size => [weight.shape[2]!, weight.shape[3]!];

/** Reverses height and width. */
function flip(b: Blocks, weight: string, [kh, kw]: Size): string {
  if (kh * kw === 1) return weight;
  return b.w.slice(weight, [2, 3], [-1, -1], [-0x7fff_ffff, -0x7fff_ffff], [-1, -1]);
}

/**
 * [O, I, kH, kW] to dense blocks, of O (`turn`: of the transposed and flipped kernel, that of the input gradient).
 * ReorderInput takes one side into blocks; what is left to transpose moves in rows of a block, which is fast.
 */
function denseKernel(b: Blocks, weight: Value, turn: boolean): string {
  const [o, i, kh, kw] = weight.shape as [number, number, number, number];
  const { w, size } = b;
  const [op, ip, taps] = [b.up(o), b.up(i), kh * kw];
  return b.weight(weight, turn ? "dense turned" : "dense", (plain) => {
    if (turn) {
      const rows = w.pad(flip(b, plain, [kh, kw]), [0, 0, 0, 0, op - o, 0, 0, 0]);
      const inner = w.op("ReorderInput", [w.reshape(rows, [op, i, taps, 1])], {}, NCHWC);
      const split = w.reshape(inner, [op / size, size, ip / size, taps, size]);
      return w.reshape(w.transpose(split, [2, 0, 3, 1, 4]), [ip, op, kh, kw]);
    }
    const columns = w.pad(plain, [0, 0, 0, 0, 0, ip - i, 0, 0]);
    const outer = w.op("ReorderInput", [w.reshape(columns, [1, o, ip * taps, 1])], {}, NCHWC);
    if (taps === 1) return w.reshape(outer, [op, ip, 1, 1]);
    const split = w.reshape(outer, [op / size, ip / size, size, taps, size]);
    return w.reshape(w.transpose(split, [0, 1, 3, 2, 4]), [op, ip, kh, kw]);
  });
}

/** [O, I, kH, kW] with only O in blocks: depthwise (I = 1) and the stem. */
function outerKernel(b: Blocks, weight: Value, flipped = false): string {
  const [o, i, kh, kw] = weight.shape as [number, number, number, number];
  const { w, size } = b;
  return b.weight(weight, flipped ? "outer flipped" : "outer", (plain) => {
    const op = b.up(o);
    const turned = flipped ? flip(b, plain, [kh, kw]) : plain;
    const split = w.reshape(w.pad(turned, [0, 0, 0, 0, op - o, 0, 0, 0]), [op / size, size, i * kh * kw]);
    return w.reshape(w.transpose(split, [0, 2, 1]), [op, i, kh, kw]);
  });
}

/** True for a widening 1x1 convolution that only a BatchNorm reads: its mean follows from the narrower input's. */
function normalisedNext(b: Blocks, node: Node<"conv2d">): boolean {
  const [x, weight] = node.inputs;
  const [y] = node.outputs;
  const one = kernelOf(weight).every((k) => k === 1) && node.attrs.stride.every((s) => s === 1);
  const readers = b.readers(y!);
  const norms = readers.filter((reader) => isNode(reader, "batchNorm")).length === 1;
  const others = readers.every((reader) => isNode(reader, "batchNorm") || isNode(reader, "batchNormGrad"));
  return one && norms && others && node.attrs.padding.every((p) => p === 0) && x.shape[1]! < weight.shape[0]!;
}

/** Minus the batch mean of a 1x1 convolution, mean(W x) = W mean(x), as its bias [Op]: it then writes y - mean. */
function withoutMean(b: Blocks, node: Node<"conv2d">): string {
  const [x, weight] = node.inputs;
  const [o, c] = weight.shape as [number, number];
  const { w } = b;
  const means = w.op("ReduceMean", [b.spatialMean(b.blocked(x), x.shape)], { axes: [0], keepdims: 0 }); // [Cp]
  // One pixel in blocks is a vector: the convolution itself takes the mean through.
  const pixel = w.reshape(means, [1, b.up(c), 1, 1]);
  const mean = w.reshape(b.conv(pixel, denseKernel(b, weight, false), { kernel: [1, 1] }), [b.up(o)]);
  b.meanless.set(node.outputs[0]!, b.trim(mean, o));
  return w.op("Neg", [mean]);
}

/** Blocked rule of conv2d; undefined where the plain one has to do it. */
export function convolution(b: Blocks, node: Node<"conv2d">): readonly Placed[] | undefined {
  const [x, weight] = node.inputs;
  const { stride, padding: pads, groups } = node.attrs;
  const conv = { kernel: kernelOf(weight), stride, pads };
  if (!b.fits(node.outputs[0]!)) return undefined;
  if (x.shape[1] === 3 && groups === 1) return [blocked(b.conv(b.plain(x), outerKernel(b, weight), conv))];
  if (!b.fits(x)) return undefined;
  if (groups > 1)
    return [blocked(b.conv(b.blocked(x), outerKernel(b, weight), { ...conv, groups: b.up(groups) }))];
  const bias = normalisedNext(b, node) ? withoutMean(b, node) : undefined;
  return [
    blocked(
      b.conv(b.blocked(x), denseKernel(b, weight, false), bias === undefined ? conv : { ...conv, bias }),
    ),
  ];
}

/** Blocked rule of convInputGrad; undefined where the plain one has to do it. */
export function convInputGrad(b: Blocks, node: Node<"convInputGrad">): readonly Placed[] | undefined {
  const [dy, weight] = node.inputs;
  const { stride, groups } = node.attrs;
  if (!b.fits(dy) || !b.fits(node.outputs[0]!)) return undefined;
  const one = stride[0] === 1 && stride[1] === 1;
  if (groups === 1 && !one) return undefined;
  const [, , h, width] = dy.shape as [number, number, number, number];
  const pads = fullPads(node, [h * stride[0], width * stride[1]]);
  // Where rows of the input were never read, dy would have to be cropped: the plain rule does that.
  if (Math.min(...pads) < 0) return undefined;
  const name = one ? b.blocked(dy) : spreadOut(b, node);
  const kernel = groups === 1 ? denseKernel(b, weight, true) : outerKernel(b, weight, true);
  const options = { kernel: kernelOf(weight), pads, groups: groups > 1 ? b.up(groups) : 1 };
  return [blocked(b.conv(name, kernel, options))];
}

/** Padding of a stride-1 convolution of dy (spread out to `size`) with turned taps that gives the input's size. */
function fullPads(node: Node<"convInputGrad">, [h, width]: Size): Padding {
  const { padding, inputSize } = node.attrs;
  const size = kernelOf(node.inputs[1]);
  const top = size[0] - 1 - padding[0];
  const left = size[1] - 1 - padding[1];
  const bottom = inputSize[0] - h - top + size[0] - 1;
  const right = inputSize[1] - width - left + size[1] - 1;
  return [top, left, bottom, right];
}

/** dy with stride - 1 zeros after each entry along height and width. */
function spreadOut(b: Blocks, node: Node<"convInputGrad">): string {
  const [dy] = node.inputs;
  const [n, c, h, width] = dy.shape as [number, number, number, number];
  const [sh, sw] = node.attrs.stride;
  const { w, size } = b;
  const planes = (n * b.up(c)) / size;
  const zeros = (shape: readonly number[]) => w.op("Expand", [w.float(0), w.ints(...shape)]);
  let x = w.reshape(b.blocked(dy), [planes * h, width, size]);
  if (sw > 1) x = w.op("Concat", [x, zeros([planes * h, width, size * (sw - 1)])], { axis: 2 });
  x = w.reshape(x, [planes, h, width * sw * size]);
  if (sh > 1) x = w.op("Concat", [x, zeros([planes, h, width * sw * size * (sh - 1)])], { axis: 2 });
  return w.reshape(x, [n, b.up(c), h * sh, width * sw]);
}

/** Depthwise in blocks, 1x1 on small maps as one product; others by the plain rule. */
export function convWeightGrad(b: Blocks, node: Node<"convWeightGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  if (!b.fits(x) || !b.fits(dy)) return undefined;
  return node.attrs.groups > 1 ? depthwiseWeightGrad(b, node) : pointwiseWeightGrad(b, node);
}

/** 1x1 on small maps: one product over all pixels of all samples, channels last; others plainly. */
function pointwiseWeightGrad(b: Blocks, node: Node<"convWeightGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  const { stride, kernel } = node.attrs;
  const [, o, h, width] = dy.shape as [number, number, number, number];
  const c = x.shape[1]!;
  const one = kernel[0] * kernel[1] * stride[0] * stride[1] === 1;
  if (!one || batchIsCheap(o, c, h * width)) return undefined;
  const rows = (v: Value) => {
    const channels = v.shape[1]!;
    const last = b.w.op("ReorderOutput", [b.blocked(v)], { channels, channels_last: 1 }, NCHWC);
    return b.w.reshape(last, [-1, channels]);
  };
  const product = b.w.matmul(rows(dy), rows(x), 2, true, false);
  return [{ name: b.w.reshape(product, [o, c, 1, 1]), blocked: false }];
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
