// ◇ Browser-safe. The gradient of a 1x1 convolution towards its kernel, as a blocked 1x1 convolution: the map with
// more channels is its kernel as it lies in blocks, whose input channels are pixels (weights.ts); only the other map
// is moved.

import type { Node, Value } from "../../graph.ts";
import { batchIsCheap } from "../plain-conv.ts";
import { NCHWC } from "../writer.ts";
import { type Blocks, inRows, type Placed } from "./blocked.ts";
import { picked } from "./blocked-pick.ts";
import { partsOf } from "./weights.ts";

/** Padding more than this part of a map's pixels costs more than plain products. */
const MOST_PADDING = 0.1;

/** At stride 1, without padding; undefined where the plain rule has to do it. */
export function pointwiseWeightGrad(b: Blocks, node: Node<"convWeightGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  const area = dy.shape[2]! * dy.shape[3]!;
  if (node.attrs.padding.some((p) => p !== 0)) return undefined;
  if (b.up(area) > (1 + MOST_PADDING) * area) return productOfRows(b, node);
  const [c, o] = [x.shape[1]!, dy.shape[1]!];
  const { w } = b;
  if (o >= c) {
    const blocked = w.reshape(product(b, dy, x), [1, b.up(o), c, 1]);
    return [inRows(w.reshape(w.op("ReorderOutput", [blocked], { channels: o }, NCHWC), [o, c, 1, 1]))];
  }
  const rows = w.reshape(w.transpose(product(b, x, dy), [1, 0, 2]), [o, b.up(c)]);
  const trimmed = b.up(c) === c ? rows : w.slice(rows, [1], [0], [c]);
  return [inRows(w.reshape(trimmed, [o, c, 1, 1]))];
}

/** Products of all channels of one map with those of another: [K/b, I, b]. */
function product(b: Blocks, kernel: Value, image: Value): string {
  const { w, size } = b;
  const [n, k, height, width] = kernel.shape as [number, number, number, number];
  const i = image.shape[1]!;
  const [outer, pixels] = [b.up(k) / size, b.up(height * width)];
  const parts = partsOf(n, outer, i / pixels);
  const each = n / parts;
  const split = w.reshape(flat(b, kernel, pixels), [parts, each, outer, pixels * size]);
  const moved = each === 1 ? split : w.transpose(split, [0, 2, 1, 3]);
  const plain = w.op("ReorderOutput", [flat(b, image, pixels)], { channels: i }, NCHWC);
  const rows = w.op("ReorderInput", [w.reshape(plain, [n, 1, i, pixels])], { channels_last: 1 }, NCHWC);
  const sums = b.conv(
    w.reshape(rows, [1, n * pixels, 1, i]),
    w.reshape(moved, [parts * outer * size, each * pixels, 1, 1]),
    { kernel: [1, 1], groups: parts },
  );
  const shape = [outer, i, size];
  return parts === 1 ? w.reshape(sums, shape) : w.sum(w.reshape(sums, [parts, ...shape]), [0]);
}

/** All pixels of a map in one row, with zeros at its end, in blocks. */
function flat(b: Blocks, value: Value, pixels: number): string {
  const [n, c, height, width] = value.shape as [number, number, number, number];
  const area = height * width;
  const row = b.w.reshape(b.blocked(value), [n, b.up(c), 1, area]);
  return picked(b, { name: row, shape: [n, c, 1, area] }, [
    { stride: 1, offset: 0, length: 1 },
    { stride: 1, offset: 0, length: pixels },
  ]);
}

/** On small maps one product over all pixels of all samples, channels last. */
function productOfRows(b: Blocks, node: Node<"convWeightGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  const [, o, h, width] = dy.shape as [number, number, number, number];
  const c = x.shape[1]!;
  if (batchIsCheap(o, c, h * width)) return undefined;
  const rows = (v: Value) => {
    const channels = v.shape[1]!;
    const last = b.w.op("ReorderOutput", [b.blocked(v)], { channels, channels_last: 1 }, NCHWC);
    return b.w.reshape(last, [-1, channels]);
  };
  const product = b.w.matmul(rows(dy), rows(x), 2, true, false);
  return [{ name: b.w.reshape(product, [o, c, 1, 1]), blocked: false }];
}
