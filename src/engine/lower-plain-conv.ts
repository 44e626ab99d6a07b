// Convolutions and their two gradients in standard ONNX.
// Input gradient: a convolution of dy with flipped taps (stride 1, or dy spread out by zeros when depthwise),
// or a transposed convolution. Weight gradient: matrix products over shifted maps (dense), or one grouped
// convolution of x with dy as its kernel (depthwise). docs/decisions has the measurements.
import type { Node, Padding, Size } from "./graph.ts";
import type { Writer } from "./writer.ts";

type Strings = readonly string[];

/** Lowering of conv2d. */
export function convolution(
  w: Writer,
  { inputs: [, weight], attrs }: Node<"conv2d">,
  [x, k]: Strings,
): Strings {
  return [conv(w, x!, k!, sizeOfKernel(weight.shape), attrs.stride, attrs.padding, attrs.groups)];
}

function conv(
  w: Writer,
  x: string,
  weight: string,
  kernel: Size,
  stride: Size,
  pads: Padding,
  groups: number,
  dilations: Size = [1, 1],
): string {
  return w.op("Conv", [x, weight], { kernel_shape: kernel, strides: stride, pads, group: groups, dilations });
}

const sizeOfKernel = (shape: readonly number[]): Size => [shape[2]!, shape[3]!];

/** Taps in reverse order along height and width. */
function flipTaps(w: Writer, weight: string, kernel: Size): string {
  if (kernel[0] === 1 && kernel[1] === 1) return weight;
  const lowest = -0x7fff_ffff;
  return w.slice(weight, [2, 3], [-1, -1], [lowest, lowest], [-1, -1]);
}

/** Lowering of convInputGrad; which form, see the file's head. */
export function convInputGrad(w: Writer, node: Node<"convInputGrad">, [dy, weight]: Strings): Strings {
  const { stride, groups } = node.attrs;
  const depthwise = groups > 1;
  if (stride[0] === 1 && stride[1] === 1) {
    const turned = depthwise ? weight! : w.transpose(weight!, [1, 0, 2, 3]);
    return [fullConvolution(w, node, dy!, turned, node.inputs[0].shape)];
  }
  if (!depthwise) return [transposedConvolution(w, node, dy!, weight!)];
  const [spread, shape] = spreadOut(w, node, dy!);
  return [fullConvolution(w, node, spread, weight!, shape)];
}

/** Stride-1 convolution of dy with flipped taps, padded so that the output has the input's size. */
function fullConvolution(
  w: Writer,
  node: Node<"convInputGrad">,
  dy: string,
  weight: string,
  shape: readonly number[],
): string {
  const { padding, groups, inputSize } = node.attrs;
  const kernel = sizeOfKernel(node.inputs[1].shape);
  const before: Size = [kernel[0] - 1 - padding[0], kernel[1] - 1 - padding[1]];
  const after: Size = [
    inputSize[0] - shape[2]! - before[0] + kernel[0] - 1,
    inputSize[1] - shape[3]! - before[1] + kernel[1] - 1,
  ];
  const [x, pads] = cropNegative(w, dy, shape, [before[0], before[1], after[0], after[1]]);
  return conv(w, x, flipTaps(w, weight, kernel), kernel, [1, 1], pads, groups);
}

/** Convolutions take no negative padding: crops the map instead. */
function cropNegative(w: Writer, x: string, shape: readonly number[], pads: Padding): [string, Padding] {
  if (pads.every((p) => p >= 0)) return [x, pads];
  const crop = pads.map((p) => Math.max(0, -p)) as unknown as Padding;
  const cut = w.slice(x, [2, 3], [crop[0], crop[1]], [shape[2]! - crop[2], shape[3]! - crop[3]]);
  return [cut, pads.map((p) => Math.max(0, p)) as unknown as Padding];
}

/** dy with stride - 1 zeros after each entry along height and width; concatenation is faster than Pad here. */
function spreadOut(w: Writer, node: Node<"convInputGrad">, dy: string): [string, number[]] {
  const [n, c, h, width] = node.inputs[0].shape as [number, number, number, number];
  const [sh, sw] = node.attrs.stride;
  const planes = n * c;
  const zeros = (shape: readonly number[]) => w.op("Expand", [w.float(0), w.ints(...shape)]);
  let x = w.reshape(dy, [planes, h, width, 1]);
  if (sw > 1) x = w.op("Concat", [x, zeros([planes, h, width, sw - 1])], { axis: 3 });
  x = w.reshape(x, [planes, h, 1, width * sw]);
  if (sh > 1) x = w.op("Concat", [x, zeros([planes, h, sh - 1, width * sw])], { axis: 2 });
  const shape = [n, c, h * sh, width * sw];
  return [w.reshape(x, shape), shape];
}

function transposedConvolution(w: Writer, node: Node<"convInputGrad">, dy: string, weight: string): string {
  const { stride, padding: p, inputSize } = node.attrs;
  const kernel = sizeOfKernel(node.inputs[1].shape);
  const [, , h, width] = node.inputs[0].shape as [number, number, number, number];
  const reach: Size = [(h - 1) * stride[0] + kernel[0], (width - 1) * stride[1] + kernel[1]];
  const missing = [inputSize[0] - reach[0] + p[0] + p[2], inputSize[1] - reach[1] + p[1] + p[3]];
  return w.op("ConvTranspose", [dy, weight], {
    kernel_shape: kernel,
    strides: stride,
    pads: p,
    output_padding: missing,
  });
}

/** Lowering of convWeightGrad; which form, see the file's head. */
export function convWeightGrad(w: Writer, node: Node<"convWeightGrad">, [x, dy]: Strings): Strings {
  if (node.attrs.groups > 1) return [depthwiseWeightGrad(w, node, x!, dy!)];
  const [xv, dyv] = node.inputs;
  const [n, o] = dyv.shape as [number, number];
  const c = xv.shape[1]!;
  const area = dyv.shape[2]! * dyv.shape[3]!;
  const [kh, kw] = node.attrs.kernel;
  const maps = shiftedMaps(w, node, x!).map((map) => w.reshape(map, [n, c, area]));
  const columns = maps.length === 1 ? maps[0]! : w.op("Concat", maps, { axis: 1 }); // [N, kH kW C, Ho Wo]
  const rows = w.reshape(dy!, [n, o, area]);
  const sum = batchIsCheap(o, kh * kw * c, area)
    ? w.sum(w.matmul(rows, columns, 3, false, true), [0])
    : w.matmul(
        samplesLast(w, rows, [n, o, area]),
        samplesLast(w, columns, [n, kh * kw * c, area]),
        2,
        false,
        true,
      );
  const taps = w.reshape(sum, [o, kh, kw, c]); // [O, kH kW C]
  return [kh * kw === 1 ? w.reshape(taps, [o, c, 1, 1]) : w.transpose(taps, [0, 3, 1, 2])];
}

/**
 * One product per sample and a sum over samples, or one product over all samples after reordering the maps:
 * whichever moves fewer numbers.
 */
export function batchIsCheap(rows: number, columns: number, area: number): boolean {
  return rows * columns <= (rows + columns) * area;
}

/** [N, C, area] as [C, N area]. */
function samplesLast(w: Writer, x: string, [n, c, area]: readonly [number, number, number]): string {
  return w.reshape(w.transpose(x, [1, 0, 2]), [c, n * area]);
}

/** For each tap (row by row) the part of the padded input that it meets, [N, C, Ho, Wo]. */
function shiftedMaps(w: Writer, node: Node<"convWeightGrad">, x: string): string[] {
  const { stride, padding: p, kernel } = node.attrs;
  const [, , ho, wo] = node.inputs[1].shape as [number, number, number, number];
  const padded = w.pad(x, [0, 0, p[0], p[1], 0, 0, p[2], p[3]]);
  const whole = kernel[0] * kernel[1] === 1 && stride[0] * stride[1] === 1;
  if (whole) return [padded];
  const maps: string[] = [];
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      const end = [i + (ho - 1) * stride[0] + 1, j + (wo - 1) * stride[1] + 1];
      maps.push(w.slice(padded, [2, 3], [i, j], end, stride));
    }
  }
  return maps;
}

/** x as one image of N C channels, convolved with dy as N C kernels of Ho x Wo, dilated by the stride. */
function depthwiseWeightGrad(w: Writer, node: Node<"convWeightGrad">, x: string, dy: string): string {
  const { stride, padding: p, kernel } = node.attrs;
  const [n, c, h, width] = node.inputs[0].shape as [number, number, number, number];
  const [, , ho, wo] = node.inputs[1].shape as [number, number, number, number];
  const after = [
    kernel[0] + (ho - 1) * stride[0] - h - p[0],
    kernel[1] + (wo - 1) * stride[1] - width - p[1],
  ] as const;
  const flat = w.reshape(x, [1, n * c, h, width]);
  const [image, pads] = cropNegative(w, flat, [1, n * c, h, width], [p[0], p[1], after[0], after[1]]);
  const kernels = w.reshape(dy, [n * c, 1, ho, wo]);
  const each = conv(w, image, kernels, [ho, wo], [1, 1], pads, n * c, stride);
  return w.reshape(w.sum(w.reshape(each, [n, c, kernel[0], kernel[1]]), [0]), [c, 1, kernel[0], kernel[1]]);
}
