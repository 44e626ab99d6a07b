// Kernels in blocks, made inside the graph from torch's [O, I, kH, kW], once a step.
// Dense [O/b][I/b][kH][kW][b of I][b of O]; depthwise and stem [O/b][I][kH][kW][b of O].
// ReorderInput takes one side into blocks; what is left to transpose moves in rows of a block, which is fast.
import type { Blocks } from "./blocked.ts";
import type { Size, Value } from "./graph.ts";
import { NCHWC } from "./writer.ts";

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

/** Of the dense convolution that takes gradients back through part of a kernel: O and I exchanged, taps as given. */
export function exchangedKernel(b: Blocks, plain: string, [o, i, kh, kw]: KernelShape): string {
  const { w, size } = b;
  const [op, ip, taps] = [b.up(o), b.up(i), kh * kw];
  const rows = w.pad(plain, [0, 0, 0, 0, op - o, 0, 0, 0]);
  const inner = w.op("ReorderInput", [w.reshape(rows, [op, i, taps, 1])], {}, NCHWC);
  const split = w.reshape(inner, [op / size, size, ip / size, taps, size]);
  return w.reshape(w.transpose(split, [2, 0, 3, 1, 4]), [ip, op, kh, kw]);
}

/** Of a depthwise convolution (I = 1) or of the stem, taps as given. */
export function outerKernel(b: Blocks, plain: string, [o, i, kh, kw]: KernelShape): string {
  const { w, size } = b;
  const op = b.up(o);
  const split = w.reshape(w.pad(plain, [0, 0, 0, 0, op - o, 0, 0, 0]), [op / size, size, i * kh * kw]);
  return w.reshape(w.transpose(split, [0, 2, 1]), [op, i, kh, kw]);
}

/** Of the forward pass of a depthwise convolution or of the stem. */
export function forwardOuterKernel(b: Blocks, weight: Value): string {
  return b.weight(weight, "outer", (plain) => outerKernel(b, plain, shapeOf(weight)));
}

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
  const { w } = b;
  return b.weight(weight, `gradient ${rows} ${columns}`, (plain) => {
    const whole = (taps: readonly number[], length: number) => length === 1 && taps.length === 1;
    const some = whole(rows, kh) ? plain : w.op("Gather", [plain, w.ints(...rows)], { axis: 2 });
    const taken = whole(columns, kw) ? some : w.op("Gather", [some, w.ints(...columns)], { axis: 3 });
    const shape = [o, i, rows.length, columns.length] as const;
    return depthwise ? outerKernel(b, taken, shape) : exchangedKernel(b, taken, shape);
  });
}
