// ◇ Browser-safe. Kernels in blocks, made inside the graph from torch's [O, I, kH, kW], once a step.
// Dense [O/b][I/b][kH][kW][b of I][b of O]; depthwise and stem [O/b][I][kH][kW][b of O].
// ReorderInput takes one side into blocks; what is left to transpose moves in rows of a block, which is fast.

import type { Size, Value } from "../../graph.ts";
import { NCHWC } from "../writer.ts";
import type { Blocks } from "./blocked.ts";

type KernelShape = readonly [o: number, i: number, kh: number, kw: number];

const shapeOf = ({ shape }: Value) => shape as unknown as KernelShape;

/** Height and width of a kernel. */
export const kernelOf = (weight: Value): Size => [weight.shape[2]!, weight.shape[3]!];

/** Of a dense convolution. */
export function denseKernel(b: Blocks, weight: Value): string {
  const [o, i, kh, kw] = shapeOf(weight);
  const { w, size } = b;
  const [op, ip, taps] = [b.up(o), b.up(i), kh * kw];
  return b.weight(weight, "dense", (plain) => {
    const columns = w.pad(plain, [0, 0, 0, 0, 0, ip - i, 0, 0]);
    const outer = w.op("ReorderInput", [w.reshape(columns, [1, o, ip * taps, 1])], {}, NCHWC);
    if (taps === 1) return w.reshape(outer, [op, ip, 1, 1]);
    const split = w.reshape(outer, [op / size, ip / size, size, taps, size]);
    return w.reshape(w.transpose(split, [0, 1, 3, 2, 4]), [op, ip, kh, kw]);
  });
}

/**
 * Of the dense convolution that takes gradients back through part of a kernel: O and I exchanged.
 *
 * @param taps - of the kernel's kH kW, row by row, in the order wanted
 */
function exchangedKernel(b: Blocks, plain: string, shape: KernelShape, taps: readonly number[]): string {
  const [o, i, kh, kw] = shape;
  const { w, size } = b;
  const [op, ip, area] = [b.up(o), b.up(i), kh * kw];
  const rows = w.pad(plain, [0, 0, 0, 0, op - o, ip - i, 0, 0]);
  // One tap: O pixels of I channels, channels last.
  if (area === 1) return w.op("ReorderInput", [w.reshape(rows, [1, op, 1, ip])], { channels_last: 1 }, NCHWC);
  const inner = w.op("ReorderInput", [w.reshape(rows, [op, ip, area, 1])], {}, NCHWC);
  const some = pick(b, w.reshape(inner, [(op * ip) / size, area, size]), area, taps);
  const split = w.reshape(some, [op / size, size, ip / size, taps.length, size]);
  return w.transpose(split, [2, 0, 3, 1, 4]);
}

/** Some taps of [n, area, b]: moved in whole blocks. */
function pick(b: Blocks, kernel: string, area: number, taps: readonly number[]): string {
  const all = taps.length === area && taps.every((tap, k) => tap === k);
  return all ? kernel : b.w.op("Gather", [kernel, b.w.ints(...taps)], { axis: 1 });
}

/** Of a depthwise convolution (I = 1) or of the stem: [O/b, I kH kW, b]. */
function outerKernel(b: Blocks, plain: string, [o, i, kh, kw]: KernelShape): string {
  const { w, size } = b;
  const op = b.up(o);
  const split = w.reshape(w.pad(plain, [0, 0, 0, 0, op - o, 0, 0, 0]), [op / size, size, i * kh * kw]);
  return w.transpose(split, [0, 2, 1]);
}

/** Of the forward pass of a depthwise convolution or of the stem. */
export function forwardOuterKernel(b: Blocks, weight: Value): string {
  const [o, i, kh, kw] = shapeOf(weight);
  return b.w.reshape(outer(b, weight), [b.up(o), i, kh, kw]);
}

const outer = (b: Blocks, weight: Value) =>
  b.weight(weight, "outer", (plain) => outerKernel(b, plain, shapeOf(weight)));

/**
 * Of a gradient towards the input, with some of the taps in a given order: rows x columns.
 *
 * @param rows - indices into height; `columns` into width
 */
export function gradientKernel(
  b: Blocks,
  weight: Value,
  depthwise: boolean,
  rows: readonly number[],
  columns: readonly number[],
): string {
  const [o, i, kh, kw] = shapeOf(weight);
  const taps = rows.flatMap((row) => columns.map((column) => row * kw + column));
  const size = [rows.length, columns.length] as const;
  return b.weight(weight, `gradient ${rows} ${columns}`, (plain) =>
    depthwise
      ? b.w.reshape(pick(b, outer(b, weight), kh * kw, taps), [b.up(o), i, ...size])
      : b.w.reshape(exchangedKernel(b, plain, [o, i, kh, kw], taps), [b.up(i), b.up(o), ...size]),
  );
}
