// ◇ Browser-safe. Convolutions and their two gradients in standard ONNX.
// Input gradient: a convolution of dy with flipped taps (stride 1, or dy spread out by zeros when depthwise),
// or a transposed convolution. Weight gradient: matrix products over shifted maps (dense), or one grouped
// convolution of x with dy as its kernel (depthwise). docs/decisions has the measurements.
import type { Node, Padding, Size } from "../graph.ts";
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
  const { kernel, stride } = node.attrs;
  const [kh, kw] = kernel;
  const [c, o] = [node.inputs[0].shape[1]!, node.inputs[1].shape[1]!];
  const apart = stride[0] * stride[1] === 1 && kw * c + kh * o < kh * kw * c;
  if (w.features.croppingPad && apart) return [weightGradOfShifts(w, node, x!, dy!)];
  const maps = shiftedMaps(w, node, x!);
  const { shape } = node.inputs[1];
  const area = shape[2]! * shape[3]!;
  const all = { name: joined(w, maps, [shape[0]!, c, area]), rows: kh * kw * c };
  const one = { name: w.reshape(dy!, [shape[0]!, o, area]), rows: o };
  if (kh * kw === 1) return [w.reshape(product(w, one, all, shape[0]!, area), [o, c, 1, 1])];
  // The longer side first: the product is faster, and its result is transposed anyway.
  const taps = w.reshape(product(w, all, one, shape[0]!, area), [kh, kw, c, o]);
  return [w.transpose(taps, [3, 2, 0, 1])];
}

/** Some maps of each sample: [N, rows, area]. */
interface Rows {
  readonly name: string;
  readonly rows: number;
}

/** Sum over samples and area of the products of rows: [a.rows, b.rows]. */
function product(w: Writer, a: Rows, b: Rows, n: number, area: number): string {
  if (batchIsCheap(a.rows, b.rows, area)) return w.sum(w.matmul(a.name, b.name, 3, false, true), [0]);
  const last = ({ name, rows }: Rows) => samplesLast(w, name, [n, rows, area]);
  return w.matmul(last(a), last(b), 2, false, true);
}

function joined(w: Writer, maps: Strings, [n, c, area]: readonly [number, number, number]): string {
  const rows = maps.map((map) => w.reshape(map, [n, c, area]));
  return rows.length === 1 ? rows[0]! : w.op("Concat", rows, { axis: 1 });
}

/**
 * At stride 1 columns are shifted in x and rows in dy: kW and kH copies of them in place of kH kW copies of x.
 * Tap (i, j) is the sum over h, w of x[h, w + j - left] dy[h - i + top, w], both zero outside.
 */
function weightGradOfShifts(w: Writer, node: Node<"convWeightGrad">, x: string, dy: string): string {
  const [n, c, height, width] = node.inputs[0].shape as [number, number, number, number];
  const [, o, ho, wo] = node.inputs[1].shape as [number, number, number, number];
  const [top, left] = node.attrs.padding;
  const [kh, kw] = node.attrs.kernel;
  const area = height * wo;
  const columns = Array.from({ length: kw }, (_, j) =>
    w.pad(x, [0, 0, 0, left - j, 0, 0, 0, wo - width - left + j]),
  );
  const rows = Array.from({ length: kh }, (_, i) =>
    w.pad(dy, [0, 0, i - top, 0, 0, 0, height - ho - i + top, 0]),
  );
  const a = { name: joined(w, columns, [n, c, area]), rows: kw * c };
  const b = { name: joined(w, rows, [n, o, area]), rows: kh * o };
  return w.transpose(w.reshape(product(w, a, b, n, area), [kw, c, kh, o]), [3, 1, 2, 0]);
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
