// The cases of goldens/ops.json as graphs: one builder an operation, keyed exhaustively,
// and `wave`, the formula that the inputs come from (test/parity/ops.py has the same).
import { readFileSync } from "node:fs";
import { type Op, type OpTable, type Shape, sizeOf, type Value } from "../../src/engine/graph.ts";
import * as ops from "../../src/engine/ops.ts";
import * as backward from "../../src/engine/ops-backward.ts";
import * as layers from "../../src/engine/ops-layers.ts";

export interface InputSpec {
  readonly shape: Shape;
  readonly seed?: number;
  readonly scale?: number;
  readonly offset?: number;
  readonly values?: readonly number[];
  readonly dtype?: "uint8";
}

export interface GoldenCase {
  readonly op: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly attrs: object;
  /** False where finite differences would cross a kink or saturate. */
  readonly smooth: boolean;
  readonly tolerance?: number;
  readonly projection?: InputSpec;
  readonly outputs: readonly { readonly shape: Shape; readonly data: readonly number[] }[];
  /** Gradients of sum(first output * projection) by input. */
  readonly grads: Readonly<Record<string, readonly number[]>>;
}

interface Goldens {
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: readonly GoldenCase[];
}

export const GOLDENS: Goldens = JSON.parse(
  readFileSync(new URL("./goldens/ops.json", import.meta.url), "utf8"),
);

/** 256 evenly spread values in (-1, 1), odd multiples of 1/256, by an integer hash of the index. */
export function wave(size: number, seed: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => {
    let h = (Math.imul(i, 0x9e3779b1) + Math.imul(seed, 0x85ebca6b)) >>> 0;
    h = (h ^ (h >>> 15)) >>> 0;
    h = Math.imul(h, 0x2c1b3c6d) >>> 0;
    h = (h ^ (h >>> 12)) >>> 0;
    return ((h >>> 24) + 0.5) / 128 - 1;
  });
}

/** The data of an input. */
export function fill(spec: InputSpec): Float32Array | Uint8Array {
  const { values, seed = 0, scale = 1, offset = 0, dtype } = spec;
  if (dtype === "uint8") return Uint8Array.from(values!);
  return Float32Array.from(values ?? wave(sizeOf(spec.shape), seed).map((v) => v * scale + offset));
}

type Inputs = Readonly<Record<string, Value>>;
type Builder<A = object> = (v: Inputs, attrs: A) => readonly Value[];

const one =
  (f: (...values: Value[]) => Value): Builder =>
  (v) => [f(...Object.values(v))];

/** Makes a case's outputs; an operation without a builder does not compile. */
export const BUILDERS: { readonly [K in Op]: Builder<OpTable[K]["attrs"]> } = {
  input: ({ x }) => [x!],
  constant: (_v, attrs) => {
    const { data, shape } = attrs as unknown as { data: number[]; shape: number[] };
    return [ops.constant(data, shape)];
  },
  imageToTensor: ({ image }, { mean, std }) => [ops.imageToTensor(image!, mean, std)],
  conv2d: ({ x, w }, attrs) => [ops.conv2d(x!, w!, attrs)],
  convInputGrad: ({ dy, w }, attrs) => [backward.convInputGrad(dy!, w!, attrs)],
  convWeightGrad: ({ x, dy }, attrs) => [backward.convWeightGrad(x!, dy!, attrs)],
  batchNorm: ({ x, w, b }, { eps }) => {
    const { y, mean, variance } = ops.batchNorm(x!, w!, b!, eps);
    return [y, mean, variance];
  },
  batchNormGrad: ({ x, dy, w, mean, variance }, { eps }) =>
    backward.batchNormGrad(x!, dy!, w!, mean!, variance!, eps),
  batchNormEval: ({ x, w, b, mean, variance }, { eps }) => [
    ops.batchNormEval(x!, w!, b!, mean!, variance!, eps),
  ],
  layerNorm: ({ x, w, b }, { eps }) => [layers.layerNorm(x!, w!, b!, eps)],
  layerNormGrad: ({ x, dy, w }, { eps }) => backward.layerNormGrad(x!, dy!, w!, eps),
  channelScale: one(ops.channelScale as never),
  channelBias: one(ops.channelBias as never),
  channelSum: one(ops.channelSum as never),
  channelDot: one(ops.channelDot as never),
  maxPool: ({ x }, attrs) => [layers.maxPool(x!, attrs)],
  maxPoolGrad: ({ x, y, dy }, attrs) => [backward.maxPoolGrad(x!, y!, dy!, attrs)],
  globalAveragePool: one(ops.globalAveragePool as never),
  spatialBroadcast: ({ x }, { size }) => [ops.spatialBroadcast(x!, size)],
  gateChannels: one(ops.gateChannels as never),
  spatialDot: one(ops.spatialDot as never),
  activation: ({ x }, { kind }) => [ops.activation(kind, x!)],
  activationGrad: ({ x, dy }, { kind }) => [backward.activationGrad(kind, x!, dy!)],
  exp: one(ops.exp as never),
  sqrt: one(ops.sqrt as never),
  add: one(ops.add as never),
  sub: one(ops.sub as never),
  mul: one(ops.mul as never),
  div: one(ops.div as never),
  minimum: one(ops.minimum as never),
  scaleSamples: one(ops.scaleSamples as never),
  matmul: ({ a, b }, attrs) => [ops.matmul(a!, b!, attrs)],
  softmax: one(ops.softmax as never),
  logSoftmax: one(ops.logSoftmax as never),
  oneHotMax: one(ops.oneHotMax as never),
  sumLast: one(ops.sumLast as never),
  expandLast: ({ x }, { size }) => [ops.expandLast(x!, size)],
  sumAll: one(ops.sumAll as never),
  broadcastScalar: ({ x }, { shape }) => [ops.broadcastScalar(x!, shape)],
  reshape: ({ x }, { shape }) => [ops.reshape(x!, shape)],
  transpose: ({ x }, { perm }) => [ops.transpose(x!, perm)],
  concat: (v, { axis }) => [ops.concat(Object.values(v), axis)],
  slice: ({ x }, { axis, start, end }) => [ops.slice(x!, axis, start, end)],
  pad: ({ x }, { axis, before, after }) => [ops.pad(x!, axis, before, after)],
  adamw: (v, attrs) => backward.adamw(Object.values(v) as never, attrs),
  sgd: (v, attrs) => backward.sgd(Object.values(v) as never, attrs),
};

/** softplus(z) - z y: binary cross-entropy with logits, a value a sample. */
const bce = (z: Value, y: Value) => ops.sub(ops.activation("softplus", z), ops.mul(z, y));

/** Compositions that models are made of, for the interplay of the rules. */
const COMPOSED: Readonly<Record<string, (v: Inputs) => Value>> = {
  bce: ({ z, y }) => ops.meanAll(bce(z!, y!)),
  bceWeighted: ({ z, y, weight }) => ops.meanAll(ops.mul(bce(z!, y!), weight!)),
  focal: ({ z, y }) => {
    const loss = bce(z!, y!);
    const missed = ops.sub(ops.scalar(1), ops.exp(ops.scale(loss, -1)));
    return ops.meanAll(ops.mul(ops.mul(missed, missed), loss));
  },
  crossEntropy: ({ z, hot }) => ops.scale(ops.sumAll(ops.mul(ops.logSoftmax(z!), hot!)), -1 / z!.shape[0]!),
  squeezeExcite: ({ x, reduce, reduceBias, expand, expandBias }) => {
    const narrow = ops.activation("silu", ops.linear(ops.globalAveragePool(x!), reduce!, reduceBias));
    return ops.gateChannels(x!, ops.activation("sigmoid", ops.linear(narrow, expand!, expandBias)));
  },
  residual: ({ x, w1, g1, b1, w2 }) => {
    const attrs = { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1 } as const;
    const y = ops.batchNorm(ops.conv2d(x!, w1!, attrs), g1!, b1!, 1e-3).y;
    return ops.add(x!, ops.conv2d(ops.activation("silu", y), w2!, attrs));
  },
};

export interface Built {
  readonly inputs: Readonly<Record<string, Value>>;
  readonly feeds: Readonly<Record<string, Float32Array | Uint8Array>>;
  readonly outputs: readonly Value[];
}

/** The graph of a case and what to feed it. */
export function build(c: GoldenCase): Built {
  const specs = Object.entries(c.inputs);
  const inputs = Object.fromEntries(specs.map(([k, s]) => [k, ops.input(k, s.shape, s.dtype)]));
  const feeds = Object.fromEntries(specs.map(([k, s]) => [k, fill(s)]));
  const composed = COMPOSED[c.op];
  const outputs =
    composed === undefined ? (BUILDERS[c.op as Op] as Builder)(inputs, c.attrs) : [composed(inputs)];
  return { inputs, feeds, outputs };
}
