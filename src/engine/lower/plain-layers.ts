// ◇ Browser-safe. Pooling and layer normalisation in standard ONNX.
// The gradient of max-pool compares every tap of a window with its maximum: MaxPool's own indices would need a
// scatter, which takes longer on the CPU and is missing elsewhere. The blocked lowering has the same form.
import type { Node, PoolAttrs } from "../graph.ts";
import type { Writer } from "./writer.ts";

type Strings = readonly string[];

/** Lowering of maxPool. */
export function maxPool(w: Writer, { attrs }: Node<"maxPool">, [x]: Strings): Strings {
  return [w.op("MaxPool", [x!], poolAttributes(attrs))];
}

/** ONNX's attributes of a pool, in either domain. */
export function poolAttributes({ kernel, stride, padding }: PoolAttrs) {
  return { kernel_shape: kernel, strides: stride, pads: padding };
}

/** Lowering of maxPoolGrad. */
export function maxPoolGrad(
  w: Writer,
  { inputs: [x, y], attrs }: Node<"maxPoolGrad">,
  names: Strings,
): Strings {
  return [poolGradient(w, attrs, { inside: x.shape, outside: y.shape, axis: 2 }, names)];
}

/** Where height and width are: axes `axis` and `axis + 1` of the input's and the output's four. */
export interface PoolView {
  readonly inside: readonly number[];
  readonly outside: readonly number[];
  readonly axis: 1 | 2;
}

/** dx of a max-pool from x, y and dy, all four-axis tensors with height and width as in `view`. */
export function poolGradient(w: Writer, attrs: PoolAttrs, view: PoolView, [x, y, dy]: Strings): string {
  const { kernel } = attrs;
  const taps = windowTaps(w, attrs, view, x!);
  // Of equal values the first takes the gradient: a window is free until one of its taps was the maximum.
  let free: string | undefined;
  const rows = Array.from({ length: kernel[0] }, (_, i) => {
    const shares = Array.from({ length: kernel[1] }, (_, j) => {
      const equal = w.op("Equal", [taps[i]![j]!, y!]);
      const hit = free === undefined ? equal : w.op("And", [equal, free]);
      const other = w.op("Not", [equal]);
      free = free === undefined ? other : w.op("And", [free, other]);
      return w.op("Mul", [dy!, w.op("Cast", [hit], { to: 1 })]);
    });
    return spread(w, shares, view, attrs, 1);
  });
  return spread(w, rows, view, attrs, 0);
}

/** For each tap the part of the padded map that it meets, of the output's size. */
function windowTaps(
  w: Writer,
  { kernel, stride, padding: p }: PoolAttrs,
  view: PoolView,
  x: string,
): string[][] {
  const { axis, outside } = view;
  const pads = Array<number>(8).fill(0);
  [pads[axis], pads[axis + 1], pads[axis + 4], pads[axis + 5]] = [p[0], p[1], p[2], p[3]];
  const lowest = w.float(-3.4028234663852886e38);
  const padded = p.some((n) => n > 0) ? w.op("Pad", [x, w.ints(...pads), lowest]) : x;
  const axes = [axis, axis + 1];
  const reach = (k: number, tap: number) => tap + (outside[axis + k]! - 1) * stride[k]! + 1;
  return Array.from({ length: kernel[0] }, (_, i) =>
    Array.from({ length: kernel[1] }, (_, j) =>
      w.slice(padded, axes, [i, j], [reach(0, i), reach(1, j)], stride),
    ),
  );
}

/**
 * Brings what belongs to each tap of one direction back to the input's grid: taps that are a stride apart meet on one
 * phase of the grid, shifted; the phases interleave.
 * @param direction - 0: height, whose taps are complete rows; 1: width
 */
function spread(w: Writer, shares: Strings, view: PoolView, attrs: PoolAttrs, direction: 0 | 1): string {
  const axis = view.axis + direction;
  const stride = attrs.stride[direction]!;
  const shifts = Math.ceil(shares.length / stride);
  const length = view.outside[axis]! + shifts - 1;
  // Axes of a share: width is spread first, so that rows have the input's width.
  const dims = view.outside.with(
    view.axis + 1,
    (direction === 0 ? view.inside : view.outside)[view.axis + 1]!,
  );
  const phases = Array.from({ length: stride }, (_, phase) => {
    const parts = shares.flatMap((share, tap) =>
      tap % stride === phase ? [shifted(w, share, axis, Math.floor(tap / stride), shifts)] : [],
    );
    if (parts.length === 0) return w.op("Expand", [w.float(0), w.ints(...dims.with(axis, length))]);
    return parts.reduce((sum, part) => w.op("Add", [sum, part]));
  });
  return cropped(w, interleave(w, phases, dims.with(axis, length), axis), axis, {
    length: length * stride,
    before: attrs.padding[direction]!,
    size: view.inside[axis]!,
  });
}

function shifted(w: Writer, x: string, axis: number, by: number, shifts: number): string {
  const pads = Array<number>(8).fill(0);
  pads[axis] = by;
  pads[axis + 4] = shifts - 1 - by;
  return w.pad(x, pads);
}

/** One entry of each map in turn along an axis. */
function interleave(w: Writer, maps: Strings, dims: readonly number[], axis: number): string {
  if (maps.length === 1) return maps[0]!;
  const columns = maps.map((map) => w.op("Unsqueeze", [map, w.ints(axis + 1)]));
  const all = w.op("Concat", columns, { axis: axis + 1 });
  return w.reshape(all, dims.with(axis, dims[axis]! * maps.length));
}

interface Crop {
  readonly length: number;
  readonly before: number;
  readonly size: number;
}

/** Drops the padding; what no window read gets zeros. */
function cropped(w: Writer, x: string, axis: number, { length, before, size }: Crop): string {
  const pads = Array<number>(8).fill(0);
  pads[axis + 4] = Math.max(0, before + size - length);
  const long = w.pad(x, pads);
  if (before === 0 && size >= length) return long;
  return w.slice(long, [axis], [before], [before + size]);
}

/** Over rows the fused operator; over the channels of maps its two passes (mean, then squares around it). */
export function layerNorm(w: Writer, node: Node<"layerNorm">, [x, weight, bias]: Strings): Strings {
  const { eps } = node.attrs;
  const { shape } = node.inputs[0];
  if (shape.length === 2) {
    return [w.op("LayerNormalization", [x!, weight!, bias!], { axis: -1, epsilon: { float: eps } })];
  }
  const { unit } = normalised(w, x!, shape, eps);
  return [w.op("Add", [w.op("Mul", [unit, asColumn(w, weight!)]), asColumn(w, bias!)])];
}

/** dx = inverse (g - mean(g) - unit mean(g unit)) with g = dy weight, means over channels. */
export function layerNormGrad(w: Writer, node: Node<"layerNormGrad">, [x, dy, weight]: Strings): Strings {
  const { shape } = node.inputs[0];
  const rows = shape.length === 2;
  const { unit, inverse } = normalised(w, x!, shape, node.attrs.eps);
  const g = w.op("Mul", [dy!, rows ? weight! : asColumn(w, weight!)]);
  const mean = (v: string) => w.op("ReduceMean", [v], { axes: [1], keepdims: 1 });
  const centred = w.op("Sub", [g, mean(g)]);
  const along = w.op("Mul", [unit, mean(w.op("Mul", [g, unit]))]);
  const dx = w.op("Mul", [w.op("Sub", [centred, along]), inverse]);
  const others = rows ? [0] : [0, 2, 3];
  return [dx, w.sum(w.op("Mul", [dy!, unit]), others), w.sum(dy!, others)];
}

/** x with mean 0 and variance 1 over channels, and the inverse of its deviation. */
function normalised(w: Writer, x: string, shape: readonly number[], eps: number) {
  if (shape.length === 2) {
    const channels = shape[1]!;
    const vector = (value: number) => w.floats(new Float32Array(channels).fill(value), [channels]);
    const attrs = { axis: -1, epsilon: { float: eps } };
    const [unit, , inverse] = w.many("LayerNormalization", [x, vector(1), vector(0)], 3, attrs);
    return { unit: unit!, inverse: inverse! };
  }
  const mean = (v: string) => w.op("ReduceMean", [v], { axes: [1], keepdims: 1 });
  const centred = w.op("Sub", [x, mean(x)]);
  const variance = mean(w.op("Mul", [centred, centred]));
  const inverse = w.op("Reciprocal", [w.op("Sqrt", [w.op("Add", [variance, w.float(eps)])])]);
  return { unit: w.op("Mul", [centred, inverse]), inverse };
}

/** [C] against maps [N, C, H, W]. */
const asColumn = (w: Writer, vector: string) => w.reshape(vector, [-1, 1, 1]);
