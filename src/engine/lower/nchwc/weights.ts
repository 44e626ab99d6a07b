// ◇ Browser-safe. The gradient of a dense convolution towards its kernel, as a blocked convolution. dy in blocks, [N,
// O/b, pixels, b], is a blocked kernel as it lies there, whose input channels are the pixels of dy. Its image are the
// pixels of x for one column of taps: channels of x lie side by side, rows below each other, so that taps of one
// column are the rows of the result. Everything that moves maps runs on all threads, which slices, pads and
// concatenations of plain maps do not.

import type { Node, Value } from "../../graph.ts";
import { NCHWC } from "../writer.ts";
import { type Blocks, inRows, type Placed } from "./blocked.ts";
import { picked } from "./blocked-pick.ts";

/** How a row of dy lies in blocks of b pixels. */
interface Lanes {
  /** Columns, padded with zeros: a multiple of the block, or a part of it. */
  readonly wide: number;
  /** Blocks a row; 1 if samples share one. */
  readonly blocks: number;
  /** Samples whose rows share a block. */
  readonly samples: number;
}

/** Padding more than this part of dy's columns costs more than plain products (24 columns of a block of 32 do not). */
const MOST_PADDING = 0.35;

function lanesOf(size: number, columns: number, n: number): Lanes {
  const up = Math.ceil(columns / size) * size;
  let lanes: Lanes = { wide: up, blocks: up / size, samples: 1 };
  for (let samples = 2; columns * samples <= size && n % samples === 0; samples *= 2)
    lanes = { wide: size / samples, blocks: 1, samples };
  return lanes;
}

/** Taps of the kernel's rows that meet the same rows of x: those a stride apart. */
interface RowPhase {
  /** First row of x. */
  readonly from: number;
  /** Rows of x, a stride apart. */
  readonly length: number;
  readonly taps: readonly number[];
  /** Rows of zeros before and after. */
  readonly before: number;
  readonly after: number;
}

function rowPhases({ inputs: [x, dy], attrs }: Node<"convWeightGrad">): RowPhase[] {
  const [stride] = attrs.stride;
  const [top] = attrs.padding;
  const [height, given] = [x.shape[2]!, dy.shape[2]!];
  const taps = Array.from({ length: attrs.kernel[0] }, (_, i) => i);
  const phases = Array.from({ length: stride }, (_, from) => {
    const own = taps.filter((i) => (i - top - from) % stride === 0);
    if (own.length === 0) return [];
    const [first, last] = [own[0]!, own.at(-1)!].map((i) => (i - top - from) / stride) as [number, number];
    const length = Math.min(Math.ceil((height - from) / stride), given + last);
    return [{ from, length, taps: own, before: -first, after: given + last - length }];
  });
  return phases.flat();
}

/** How the product of a weight gradient is laid out. */
interface Plan {
  readonly node: Node<"convWeightGrad">;
  readonly lanes: Lanes;
  /** Parts of the samples that are added up afterwards: a small kernel alone would not occupy all threads. */
  readonly parts: number;
}

/** Dense convolutions; undefined where dy has rows that do not fill blocks well. */
export function denseWeightGrad(b: Blocks, node: Node<"convWeightGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  const [n, o, height, columns] = dy.shape as [number, number, number, number];
  const c = x.shape[1]!;
  const [kh, kw] = node.attrs.kernel;
  const lanes = lanesOf(b.size, columns, n);
  const phases = rowPhases(node);
  if (lanes.wide > (1 + MOST_PADDING) * columns) return undefined;
  if (phases.some(({ length, before }) => length < 1 || before < 0)) return undefined;
  const { w, size } = b;
  const pixels = lanes.samples * height * lanes.wide;
  const parts = partsOf(n / lanes.samples, (b.up(o) / size) * kh, (c * kh * kw) / pixels);
  const plan = { node, lanes, parts };
  const kernel = kernelOfGradient(b, plan);
  const source = sourceOf(b, x);
  const rows = phases.map((phase) => {
    const products = columnsOf(b, node).map((columns) => {
      const image = imageOf(b, plan, source, phase, columns);
      return product(b, plan, kernel, phase, image, columns.length * c);
    });
    return products.length === 1 ? products[0]! : w.op("Concat", products, { axis: 2 });
  });
  const taps = inOrder(
    b,
    rows,
    phases.flatMap((phase) => phase.taps),
  ); // [O/b, kH, kW C, b]
  const split = w.reshape(taps, [b.up(o) / size, kh, kw, c, size]);
  const blocked = w.reshape(w.transpose(split, [0, 3, 1, 2, 4]), [1, b.up(o), c * kh * kw, 1]);
  const plain = w.op("ReorderOutput", [blocked], { channels: o }, NCHWC);
  return [inRows(w.reshape(plain, [o, c, kh, kw]))];
}

/**
 * Parts of the samples that are added up afterwards. Each by itself where their sums are few (`share` of the kernel's
 * map, at most), as nothing is moved then; else enough of them to occupy many threads: a power of two.
 *
 * @param blocks - of the result that one thread can take
 */
export function partsOf(samples: number, blocks: number, share: number): number {
  if (share <= 1) return samples;
  let parts = 1;
  while (samples % (2 * parts) === 0 && parts * Math.ceil(blocks / 4) < 24) parts *= 2;
  return parts;
}

/** Rows of all phases in the order of the kernel. */
function inOrder({ w }: Blocks, rows: readonly string[], taps: readonly number[]): string {
  if (rows.length === 1) return rows[0]!;
  const places = taps.map((_, i) => taps.indexOf(i));
  return w.op("Gather", [w.op("Concat", rows, { axis: 1 }), w.ints(...places)], { axis: 1 });
}

/** dy as a kernel [parts O, samples b, rows, 1]. */
function kernelOfGradient(b: Blocks, { node, lanes, parts }: Plan): string {
  const { w, size } = b;
  const dy = node.inputs[1];
  const [n, o, height, width] = dy.shape as [number, number, number, number];
  const { wide, blocks, samples } = lanes;
  const outer = b.up(o) / size;
  const whole = { stride: 1, offset: 0 };
  const map = picked(b, { name: b.blocked(dy), shape: [n, o, height, width] }, [
    { ...whole, length: height },
    { ...whole, length: wide },
  ]);
  const each = n / samples / parts;
  const shape = [parts * outer * size, each * size, height * blocks, 1];
  if (samples === 1) {
    const split = w.reshape(map, [parts, each, outer, height * wide * size]);
    return w.reshape(each === 1 ? split : w.transpose(split, [0, 2, 1, 3]), shape);
  }
  const split = w.reshape(map, [parts, each, samples, outer, height, wide * size]);
  return w.reshape(w.transpose(split, [0, 3, 1, 4, 2, 5]), shape);
}

/** The pixels of x that some columns of taps meet, [1, samples b, rows, columns C]. */
function imageOf(
  b: Blocks,
  { node, lanes }: Plan,
  source: string,
  phase: RowPhase,
  columns: readonly number[],
): string {
  const { w, size } = b;
  const { shape } = node.inputs[0];
  const [n, c] = shape as [number, number];
  const { wide, blocks, samples } = lanes;
  const { stride, padding } = node.attrs;
  const rows = { stride: stride[0], offset: phase.from, length: phase.length };
  const maps = columns.map((j) => {
    const map = picked(b, { name: source, shape }, [
      rows,
      { stride: stride[1], offset: j - padding[1], length: wide },
    ]);
    return w.op("ReorderOutput", [map], { channels: c }, NCHWC);
  });
  const plain = maps.length === 1 ? maps[0]! : w.op("Concat", maps, { axis: 1 });
  const wanted = [1, (n / samples) * size, phase.length * blocks, columns.length * c];
  if (samples === 1) {
    const pixels = w.reshape(plain, [n, 1, columns.length * c, phase.length * wide]);
    return w.reshape(w.op("ReorderInput", [pixels], { channels_last: 1 }, NCHWC), wanted);
  }
  const split = w.reshape(plain, [n / samples, samples, columns.length * c, phase.length, wide]);
  return w.reshape(w.transpose(split, [0, 3, 2, 1, 4]), wanted);
}

/** The taps of a phase for some columns, [O/b, taps, columns C, b]. */
function product(
  b: Blocks,
  { lanes, node, parts }: Plan,
  kernel: string,
  phase: RowPhase,
  image: string,
  width: number,
): string {
  const { w, size } = b;
  const dy = node.inputs[1];
  const { blocks } = lanes;
  const sums = b.conv(image, kernel, {
    kernel: [dy.shape[2]! * blocks, 1],
    stride: [blocks, 1],
    pads: [phase.before * blocks, 0, phase.after * blocks, 0],
    groups: parts,
  });
  const shape = [b.up(dy.shape[1]!) / size, phase.taps.length, width, size];
  return parts === 1 ? w.reshape(sums, shape) : w.sum(w.reshape(sums, [parts, ...shape]), [0]);
}

/** Columns of taps that share an image: all of them where x has too few channels to fill one. */
function columnsOf(
  b: Blocks,
  { inputs: [x], attrs }: Node<"convWeightGrad">,
): readonly (readonly number[])[] {
  const all = Array.from({ length: attrs.kernel[1] }, (_, j) => j);
  return x.shape[1]! < b.size ? [all] : all.map((j) => [j]);
}

/** x in blocks; few channels are padded to the four that ONNX Runtime can reorder. */
function sourceOf(b: Blocks, x: Value): string {
  if (b.fits(x)) return b.blocked(x);
  const missing = Math.ceil(x.shape[1]! / 4) * 4 - x.shape[1]!;
  return b.w.op("ReorderInput", [b.w.pad(b.plain(x), [0, 0, 0, 0, 0, missing, 0, 0])], {}, NCHWC);
}
