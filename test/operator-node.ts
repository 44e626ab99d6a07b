// One operator of engine/kernels as a model of its own, for tests: maps in blocks, and the products of a convolution, from which
// what it should compute is summed in float64.
import { Random } from "../src/core/random.ts";
import { sizeOf } from "../src/engine/graph.ts";
import { COMPILED } from "../src/engine/lower/writer.ts";
import { createSession } from "../src/engine/runtime/open-session.ts";
import { Tensor } from "../src/engine/runtime/session.ts";
import { encodeModel } from "../src/formats/onnx.ts";

type Map4 = readonly [number, number, number, number];

/** Normal numbers, by name. */
export function drawn(name: string, shape: readonly number[]): Float32Array {
  const random = Random.of(11).split(name);
  return Float32Array.from({ length: sizeOf(shape) }, () => random.normal());
}

/** Channels in whole blocks. */
export const up = (channels: number, lanes: number): number => Math.ceil(channels / lanes) * lanes;

/** [N, C, H, W] in blocks of channels; what pads the last block is NaN, as operators may not read it. */
export function toBlocks(
  data: Float32Array,
  [n, c, h, w]: Map4,
  lanes: number,
  pad = Number.NaN,
): Float32Array {
  const padded = up(c, lanes);
  const out = new Float32Array(n * padded * h * w).fill(pad);
  const area = h * w;
  for (let i = 0; i < n * c * area; i++) {
    const [sample, channel, pixel] = [Math.floor(i / (c * area)), Math.floor(i / area) % c, i % area];
    const block = sample * (padded / lanes) + Math.floor(channel / lanes);
    out[(block * area + pixel) * lanes + (channel % lanes)] = data[i]!;
  }
  return out;
}

/** The way back; and the largest magnitude of what pads the blocks, which ONNX Runtime's operators multiply by zeros. */
export function fromBlocks(data: Float32Array, shape: Map4, lanes: number) {
  const map = new Float32Array(sizeOf(shape));
  const places = toBlocks(
    map.map((_, i) => i),
    shape,
    lanes,
  );
  let padding = 0;
  for (const [at, i] of places.entries())
    if (Number.isNaN(i)) padding = Math.max(padding, Math.abs(data[at]!));
    else map[i] = data[at]!;
  return { map, padding };
}

/** A convolution whose map has length / s pixels along each axis, rounded up. */
export interface Sizes {
  readonly n: number;
  readonly c: number;
  readonly o: number;
  readonly h: number;
  readonly w: number;
  readonly k: number;
  readonly s: number;
  /** Rows of zeros above, columns on the left: (k - 1) / 2 if left out. */
  readonly p?: number;
}
export const padOf = ({ k, p = (k - 1) / 2 }: Sizes): number => p;
const outOf = (length: number, { s }: Sizes) => Math.floor((length - 1) / s) + 1;

/** For `it.each`: sizes with their text. */
export const titled = (cases: readonly Sizes[]): (readonly [string, Sizes])[] =>
  cases.map((sizes) => [JSON.stringify(sizes).replaceAll('"', ""), sizes] as const);

/** Calls `each` with the places in x, weights and y of every product of a convolution. */
export function products(sizes: Sizes, each: (x: number, w: number, y: number) => void): void {
  const { n, c, o, h, w, k, s } = sizes;
  const [ho, wo, pad] = [outOf(h, sizes), outOf(w, sizes), padOf(sizes)];
  for (let i = 0; i < n * o * ho * wo * c * k * k; i++) {
    const [kw, kh, ci] = [i % k, Math.floor(i / k) % k, Math.floor(i / (k * k)) % c];
    const y = Math.floor(i / (k * k * c));
    const [col, row, oi] = [y % wo, Math.floor(y / wo) % ho, Math.floor(y / (wo * ho)) % o];
    const sample = Math.floor(y / (wo * ho * o));
    const [xr, xc] = [row * s + kh - pad, col * s + kw - pad];
    if (xr < 0 || xr >= h || xc < 0 || xc >= w) continue;
    each(((sample * c + ci) * h + xr) * w + xc, ((oi * c + ci) * k + kh) * k + kw, y);
  }
}

/** Inputs of a node in order; one whose name begins with `none` is left out. */
export type Feeds = Readonly<Record<string, readonly [data: Float32Array, dims: readonly number[]]>>;

/** A convolution of drawn operands, with what an operator in blocks of `lanes` is given for it. */
export function drawnConv(sizes: Sizes, lanes: number) {
  const { n, c, o, h, w, k } = sizes;
  const [ho, wo] = [outOf(h, sizes), outOf(w, sizes)];
  const [x, y, weight] = [[n, c, h, w] as const, [n, o, ho, wo] as const, [o, c, k, k] as const];
  const data = { x: drawn("x", x), dy: drawn("dy", y), w: drawn("w", weight), sum: drawn("sum", y) };
  const blocked = ([a, b, ...rest]: Map4) => [a, up(b, lanes), ...rest];
  const inBlocks = (map: Float32Array, shape: Map4) => [toBlocks(map, shape, lanes), blocked(shape)] as const;
  const bias = drawn("bias", [up(o, lanes)]).map((v, i) => (i < o ? v : 0));
  const feeds = {
    x: inBlocks(data.x, x),
    dy: inBlocks(data.dy, y),
    w: [data.w, weight],
    bias: [bias, [bias.length]],
    sum: [toBlocks(data.sum, y, lanes, 0), blocked(y)],
  } as const;
  return {
    x,
    y,
    weight,
    blocked,
    data,
    bias,
    feeds,
    attributes: { ...sizes, ho, wo, p: padOf(sizes), back: 0 },
  };
}

/** True for equal bytes. A matcher for arrays would take minutes to word how two large ones differ. */
export const sameBytes = (a: Float32Array, b: Float32Array): boolean => {
  const [x, y] = [a, b].map((data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return x!.equals(y!);
};

/** A node, what it reads and writes, and the library of its operator. */
export interface OperatorNode {
  readonly op: string;
  readonly attributes: Readonly<Record<string, number | { readonly float: number }>>;
  readonly feeds: Feeds;
  readonly dims: readonly number[];
  /** Of further outputs. */
  readonly more?: readonly (readonly number[])[] | undefined;
  readonly library: string;
  readonly threads?: number | undefined;
}

/** Its first output, computed on the CPU. */
export async function runNode(node: OperatorNode): Promise<Float32Array> {
  return (await runOutputs(node))[0]!;
}

/** All outputs. */
export async function runOutputs(node: OperatorNode): Promise<readonly Float32Array[]> {
  const { op, attributes, feeds, dims, more = [], library, threads = 1 } = node;
  const outputs = [dims, ...more].map((shape, i) => ({
    name: `y${i}`,
    dtype: "float32" as const,
    dims: shape,
  }));
  const named = Object.entries(feeds);
  const given = named.filter(([name]) => !name.startsWith("none"));
  const typed = Object.entries(attributes).map(
    ([name, value]) => [name, typeof value === "number" ? { int: value } : value] as const,
  );
  const inputs = named.map(([name]) => (name.startsWith("none") ? "" : name));
  const model = encodeModel({
    ...{ irVersion: 8, producer: "facehand", metadata: {} },
    opsets: [
      { domain: "", version: 17 },
      { domain: COMPILED, version: 1 },
    ],
    graph: {
      ...{ name: "g", initializers: [] },
      nodes: [
        {
          ...{ name: "n", op, domain: COMPILED, inputs },
          outputs: outputs.map(({ name }) => name),
          attributes: Object.fromEntries(typed),
        },
      ],
      inputs: given.map(([name, [, shape]]) => ({ name, dtype: "float32", dims: shape })),
      outputs,
    },
  });
  const session = await createSession(model, { threads, optimization: "disabled", operators: library });
  try {
    const tensors = given.map(([name, [data, shape]]) => [name, new Tensor("float32", data, shape)] as const);
    const made = await session.run(Object.fromEntries(tensors));
    return outputs.map(({ name }) => made[name]!.data as Float32Array);
  } finally {
    await session.release();
  }
}
