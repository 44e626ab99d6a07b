// ◇ Browser-safe. Max-pool and its gradient on blocked maps. The gradient compares every tap of a window with the
// window's maximum, as the plain form does; taps are picked and their shares brought back by convolutions, which run
// on all threads.

import type { Node } from "../../graph.ts";
import { poolAttributes } from "../plain-layers.ts";
import { NCHWC } from "../writer.ts";
import { type Blocks, inBlocks, type Placed, stays } from "./blocked.ts";
import { picked } from "./blocked-pick.ts";
import { ownMaxPoolGrad } from "./own-maps.ts";
import { weave } from "./phases.ts";

/** Blocked rule of maxPool; undefined where the plain one has to do it. */
export function maxPool(b: Blocks, { inputs: [x], attrs }: Node<"maxPool">): readonly Placed[] | undefined {
  if (!stays(b, x)) return undefined;
  return [inBlocks(b.w.op("MaxPool", [b.blocked(x)], poolAttributes(attrs), NCHWC))];
}

/** Blocked rule of maxPoolGrad. */
export function maxPoolGrad(b: Blocks, node: Node<"maxPoolGrad">): readonly Placed[] | undefined {
  const [x, y] = node.inputs;
  if (!stays(b, x) || !stays(b, y)) return undefined;
  const own = ownMaxPoolGrad(b, node);
  if (own !== undefined) return [inBlocks(own)];
  const { stride, padding } = node.attrs;
  const shares = sharesOf(b, node);
  const phases = (axis: 0 | 1) => Array.from({ length: stride[axis] }, (_, a) => a);
  const length = (axis: 0 | 1) => Math.ceil(x.shape[2 + axis]! / stride[axis]);
  /** Windows whose tap lies on a phase of x, for each of its pixels. */
  const windows = (axis: 0 | 1, phase: number, tap: number) => ({
    stride: 1,
    offset: (phase + padding[axis]! - tap) / stride[axis],
    length: length(axis),
  });
  const parts = phases(0).map((row) =>
    phases(1).map((column) => {
      const own = shares.filter(
        ({ i, j }) => (row + padding[0] - i) % stride[0] === 0 && (column + padding[1] - j) % stride[1] === 0,
      );
      const zeros = () =>
        b.w.op("Expand", [b.w.float(0), b.w.ints(x.shape[0]!, b.up(x.shape[1]!), length(0), length(1))]);
      return (
        own.reduce<string | undefined>(
          (sum, { name, i, j }) =>
            picked(b, { name, shape: y.shape }, [windows(0, row, i), windows(1, column, j)], sum),
          undefined,
        ) ?? zeros()
      );
    }),
  );
  return [inBlocks(weave(b, { shape: x.shape, stride }, parts))];
}

/** What a tap of each window takes of the window's gradient, [N, Cp, Ho, Wo]. */
interface Share {
  readonly name: string;
  readonly i: number;
  readonly j: number;
}

/** Of equal values the first takes the gradient: a window is free until one of its taps was the maximum. */
function sharesOf(b: Blocks, node: Node<"maxPoolGrad">): Share[] {
  const [x, y, dy] = node.inputs;
  const { kernel, stride, padding } = node.attrs;
  const { w } = b;
  const [, , height, width] = y.shape as [number, number, number, number];
  let free: string | undefined;
  return Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => {
    const [i, j] = [Math.floor(tap / kernel[1]), tap % kernel[1]];
    const value = picked(b, { name: b.blocked(x), shape: x.shape }, [
      { stride: stride[0], offset: i - padding[0], length: height },
      { stride: stride[1], offset: j - padding[1], length: width },
    ]);
    const equal = onMap(b, node, i, j, w.op("Equal", [value, b.blocked(y)]));
    const hit = free === undefined ? equal : w.op("And", [equal, free]);
    const other = w.op("Not", [equal]);
    free = free === undefined ? other : w.op("And", [free, other]);
    return { name: w.op("Mul", [b.blocked(dy), w.op("Cast", [hit], { to: 1 })]), i, j };
  });
}

/** Padding is never the maximum, though a picked pixel beyond the map reads as 0. */
function onMap(
  b: Blocks,
  { inputs: [x, y], attrs }: Node<"maxPoolGrad">,
  i: number,
  j: number,
  equal: string,
): string {
  const { stride, padding } = attrs;
  const inside = (axis: 0 | 1, tap: number) =>
    Array.from({ length: y.shape[2 + axis]! }, (_, k) => {
      const at = k * stride[axis] + tap - padding[axis]!;
      return at >= 0 && at < x.shape[2 + axis]!;
    });
  const [rows, columns] = [inside(0, i), inside(1, j)];
  if ([...rows, ...columns].every((ok) => ok)) return equal;
  const { w, size } = b;
  const mask = rows.flatMap((row) =>
    columns.flatMap((column) => Array<number>(size).fill(Number(row && column))),
  );
  const [n, c, height, width] = y.shape as [number, number, number, number];
  const flat = [(n * b.up(c)) / size, height * width * size];
  const known = w.op("Cast", [w.floats(mask, [flat[1]!])], { to: 9 });
  return w.reshape(w.op("And", [w.reshape(equal, flat), known]), [n, b.up(c), height, width]);
}
