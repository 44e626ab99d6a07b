// ◇ Browser-safe. The gradient of a convolution towards its input, on blocked maps, for any stride.
// Rows h of the input with h mod s = a form phase a. They meet the taps k with (h + pad - k) mod s = 0, and tap k
// meets row (h + pad - k) / s of dy: for each phase a stride-1 convolution of dy. Source: the polyphase form of
// transposed convolution (Dumoulin and Visin, arXiv 1603.07285, section 4, with the zeros left out).

import type { Node, Size } from "../../graph.ts";
import type { Blocks } from "./blocked.ts";
import { gradientKernel, kernelOf } from "./blocked-kernels.ts";
import { ownConv } from "./own-conv.ts";

/** What one phase of one axis needs of dy. */
interface Phase {
  /** Taps that meet it, the last first. */
  readonly taps: readonly number[];
  /** Rows of dy to pad (or, negative, to crop) before and after. */
  readonly before: number;
  readonly after: number;
}

/**
 * @param kernel - taps of the axis; `pad` before its first row
 * @param length - rows of every phase; the last of them may lie beyond the input
 * @param given - rows of dy
 */
function phases(kernel: number, stride: number, pad: number, length: number, given: number): Phase[] {
  return Array.from({ length: stride }, (_, a) => {
    const taps = Array.from({ length: kernel }, (_, k) => kernel - 1 - k).filter(
      (k) => (a + pad - k) % stride === 0,
    );
    const before = taps.length === 0 ? 0 : (taps[0]! - a - pad) / stride;
    return { taps, before, after: length - given - before + taps.length - 1 };
  });
}

/**
 * Name of the gradient in blocks, [N, Ip, H, W].
 *
 * @param sum - blocked map that is added in the same pass; at stride 1 only
 */
export function inputGrad(b: Blocks, node: Node<"convInputGrad">, sum?: string): string {
  const [dy, weight] = node.inputs;
  const own = ownConv(b, node, { sum });
  if (own !== undefined) return own;
  const { stride, padding, inputSize } = node.attrs;
  const [kh, kw] = kernelOf(weight);
  const [high, wide] = [Math.ceil(inputSize[0] / stride[0]), Math.ceil(inputSize[1] / stride[1])];
  const rows = phases(kh, stride[0], padding[0], high, dy.shape[2]!);
  const columns = phases(kw, stride[1], padding[1], wide, dy.shape[3]!);
  if (rows.length * columns.length === 1) return phase(b, node, rows[0]!, columns[0]!, [high, wide], sum);
  const parts = rows.map((row) => columns.map((column) => phase(b, node, row, column, [high, wide])));
  return weave(b, { shape: node.outputs[0]!.shape, stride }, parts);
}

/** One phase: [N, Ip, high, wide]. */
function phase(
  b: Blocks,
  node: Node<"convInputGrad">,
  row: Phase,
  column: Phase,
  [high, wide]: readonly [number, number],
  sum?: string,
): string {
  const [dy, weight] = node.inputs;
  const { groups } = node.attrs;
  const out = node.outputs[0]!.shape;
  if (misses(row, dy.shape[2]!) || misses(column, dy.shape[3]!)) {
    return b.w.op("Expand", [b.w.float(0), b.w.ints(out[0]!, b.up(out[1]!), high, wide)]);
  }
  const pads = [row.before, column.before, row.after, column.after];
  const depthwise = groups > 1;
  return b.conv(crop(b, node, pads), gradientKernel(b, weight, depthwise, row.taps, column.taps), {
    kernel: [row.taps.length, column.taps.length],
    pads: pads.map((p) => Math.max(0, p)),
    groups: depthwise ? b.up(dy.shape[1]!) : 1,
    sum,
  });
}

/** True if no tap of a phase meets a row of dy. */
function misses({ taps, before, after }: Phase, given: number): boolean {
  return taps.length === 0 || Math.max(0, -before) + Math.max(0, -after) >= given;
}

/** dy without the rows and columns that negative padding takes away. */
function crop(b: Blocks, node: Node<"convInputGrad">, pads: readonly number[]): string {
  const [dy] = node.inputs;
  const name = b.blocked(dy);
  if (pads.every((p) => p >= 0)) return name;
  const [n, c, h, width] = dy.shape as [number, number, number, number];
  const [top, left, bottom, right] = pads.map((p) => Math.max(0, -p)) as [number, number, number, number];
  const view = b.w.reshape(name, [(n * b.up(c)) / b.size, h, width, b.size]);
  const cut = b.w.slice(view, [1, 2], [top, left], [h - bottom, width - right]);
  return b.w.reshape(cut, [n, b.up(c), h - top - bottom, width - left - right]);
}

/**
 * Phases side by side: columns first, then rows; what lies beyond the map is cut off.
 *
 * @param shape - of the map, [N, C, H, W]
 * @param parts - by row and column of the stride: [N, Cp, H / stride, W / stride], rounded up
 */
export function weave(
  b: Blocks,
  { shape, stride }: { readonly shape: readonly number[]; readonly stride: Size },
  parts: readonly (readonly string[])[],
): string {
  const { w, size } = b;
  const [n, c, height, width] = shape as [number, number, number, number];
  const [high, wide] = [Math.ceil(height / stride[0]), Math.ceil(width / stride[1])];
  const planes = (n * b.up(c)) / size;
  const rows = parts.map((columns) => {
    const cells = columns.map((name) => w.reshape(name, [planes * high, wide, size]));
    const row = cells.length === 1 ? cells[0]! : w.op("Concat", cells, { axis: 2 });
    return w.reshape(row, [planes, high, wide * stride[1] * size]);
  });
  const whole = rows.length === 1 ? rows[0]! : w.op("Concat", rows, { axis: 2 });
  const [tall, broad] = [high * stride[0], wide * stride[1]];
  const view = w.reshape(whole, [planes, tall, broad, size]);
  const cut = tall === height && broad === width ? view : w.slice(view, [1, 2], [0, 0], [height, width]);
  return w.reshape(cut, [n, b.up(c), height, width]);
}
