// ◇ Browser-safe. Collects ONNX nodes and constants while a lowering runs; names are numbered, equal constants are
// shared. The provider decides which non-standard operators a lowering may use.
import type { AttributeValue, OnnxDtype, OnnxNode, OnnxTensor } from "../../formats/onnx.ts";
import { type Shape, sizeOf } from "../graph.ts";

/** Where an emitted graph runs; decides which of ONNX Runtime's own operators it may contain. */
export const PROVIDERS = ["cpu", "wasm", "webgpu", "cuda", "coreml", "dml"] as const;
export type Provider = (typeof PROVIDERS)[number];

export interface Features {
  /** com.microsoft FusedMatMul: transposes either side for free. */
  readonly fusedMatMul: boolean;
  /** com.microsoft QuickGelu: x * sigmoid(alpha x) in one pass. */
  readonly quickGelu: boolean;
  /** com.microsoft Gelu: x Phi(x) in one pass. */
  readonly gelu: boolean;
  /** BatchNormalization with training_mode = 1. */
  readonly batchNormTraining: boolean;
  /** Pad with negative lengths, which crop. */
  readonly croppingPad: boolean;
}

/** Standard operators alone, which every provider has or hands back to the CPU by name. */
const STANDARD: Features = {
  fusedMatMul: false,
  quickGelu: false,
  gelu: false,
  batchNormTraining: false,
  croppingPad: false,
};
const OWN: Features = {
  fusedMatMul: true,
  quickGelu: true,
  gelu: true,
  batchNormTraining: true,
  croppingPad: true,
};

export const FEATURES: Readonly<Record<Provider, Features>> = {
  cpu: OWN,
  wasm: OWN,
  webgpu: STANDARD,
  cuda: STANDARD,
  coreml: STANDARD,
  dml: STANDARD,
};

/** A number is an int attribute if whole; pass `{ float }` for whole floats. */
export type Attrs = Readonly<Record<string, number | readonly number[] | AttributeValue>>;

/** Operators that rules may ask for more than once, for the same: small vectors and scalars, mostly. */
const SHARED = new Set(["Add", "Sub", "Mul", "Div", "Neg", "Sqrt", "Reciprocal", "Reshape", "Slice", "Pad"]);

export const MICROSOFT = "com.microsoft";
export const NCHWC = "com.microsoft.nchwc";
/** Operators of our own (engine/kernels), which only sessions of training are given. */
export const COMPILED = "facehand";

/** The nodes and constants emitted so far. */
export class Writer {
  readonly features: Features;
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly #constants = new Map<string, string>();
  /** Results of cheap operators, by what they are of. */
  readonly #known = new Map<string, string>();
  /** What a view is a view of. */
  readonly #viewed = new Map<string, string>();
  #count = 0;

  constructor(features: Features) {
    this.features = features;
  }

  /** Emits a node with one output and returns the output's name. */
  op(type: string, inputs: readonly string[], attrs: Attrs = {}, domain = ""): string {
    if (!SHARED.has(type)) return this.many(type, inputs, 1, attrs, domain)[0]!;
    const key = `${type} ${inputs.join(" ")} ${JSON.stringify(attrs)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = this.many(type, inputs, 1, attrs, domain)[0]!;
    this.#known.set(key, made);
    return made;
  }

  /** Emits a node with several outputs. */
  many(type: string, inputs: readonly string[], outputs: number, attrs: Attrs = {}, domain = ""): string[] {
    const name = `${type}_${this.#count++}`;
    const names = outputs === 1 ? [name] : Array.from({ length: outputs }, (_, i) => `${name}_${i}`);
    const attributes = Object.fromEntries(Object.entries(attrs).map(([key, v]) => [key, attribute(v)]));
    this.nodes.push({ name, op: type, domain, inputs, outputs: names, attributes });
    return names;
  }

  float(value: number): string {
    return this.floats([value], []);
  }

  floats(values: ArrayLike<number>, dims: Shape): string {
    const data = values instanceof Float32Array ? values : Float32Array.from(values);
    return this.#constant("float32", dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  ints(...values: readonly number[]): string {
    const data = BigInt64Array.from(values.map(BigInt));
    return this.#constant("int64", [values.length], new Uint8Array(data.buffer));
  }

  /** @param shape - without zeros; -1 at most once */
  reshape(x: string, shape: Shape): string {
    const whole = this.#viewed.get(x) ?? x; // a view of a view is a view of the whole
    const view = this.op("Reshape", [whole, this.ints(...shape)]);
    this.#viewed.set(view, whole);
    return view;
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.op("Transpose", [x], { perm });
  }

  /** Sum over axes, which are dropped. */
  sum(x: string, axes: readonly number[]): string {
    return this.op("ReduceSum", [x, this.ints(...axes)], { keepdims: 0 });
  }

  slice(
    x: string,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps?: readonly number[],
  ): string {
    const more = steps === undefined ? [] : [this.ints(...steps)];
    return this.op("Slice", [x, this.ints(...starts), this.ints(...ends), this.ints(...axes), ...more]);
  }

  /** Zero padding; `pads` are all begins, then all ends. */
  pad(x: string, pads: readonly number[]): string {
    return pads.every((n) => n === 0) ? x : this.op("Pad", [x, this.ints(...pads)]);
  }

  /** Product over the last two axes, batched over the others. */
  matmul(a: string, b: string, rank: number, transA: boolean, transB: boolean): string {
    if (!transA && !transB) return this.op("MatMul", [a, b]);
    if (this.features.fusedMatMul) {
      return this.op("FusedMatMul", [a, b], { transA: Number(transA), transB: Number(transB) }, MICROSOFT);
    }
    const perm = Array.from({ length: rank }, (_, i) => i);
    [perm[rank - 1], perm[rank - 2]] = [rank - 2, rank - 1];
    return this.op("MatMul", [transA ? this.transpose(a, perm) : a, transB ? this.transpose(b, perm) : b]);
  }

  /**
   * Gives values the public names of graph outputs, where they are made if possible: a copy costs a pass.
   * @param values - internal name by public name
   */
  publish(values: Readonly<Record<string, string>>): void {
    const made = new Set(this.nodes.flatMap((node) => node.outputs));
    const renamed = new Map<string, string>();
    for (const [name, value] of Object.entries(values)) {
      if (made.has(value) && !renamed.has(value)) renamed.set(value, name);
    }
    const rename = (name: string) => renamed.get(name) ?? name;
    const needed = this.#needed(Object.values(values));
    this.nodes.splice(0, Number.POSITIVE_INFINITY, ...needed);
    this.nodes.forEach((node, i) => {
      this.nodes[i] = { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
    });
    const read = new Set([...this.nodes.flatMap(({ inputs }) => inputs), ...Object.values(values)]);
    this.initializers.splice(
      0,
      Number.POSITIVE_INFINITY,
      ...this.initializers.filter(({ name }) => read.has(name)),
    );
    for (const [name, value] of Object.entries(values)) {
      if (rename(value) === name) continue;
      const inputs = [rename(value)];
      this.nodes.push({
        name: `copy_${name}`,
        op: "Identity",
        domain: "",
        inputs,
        outputs: [name],
        attributes: {},
      });
    }
  }

  /** The nodes that some values need: rules may leave results behind that a later rule makes in a better way. */
  #needed(values: readonly string[]): OnnxNode[] {
    const wanted = new Set(values);
    const used = this.nodes.toReversed().filter(({ inputs, outputs }) => {
      if (!outputs.some((name) => wanted.has(name))) return false;
      for (const name of inputs) wanted.add(name);
      return true;
    });
    return used.reverse();
  }

  #constant(dtype: OnnxDtype, dims: Shape, data: Uint8Array): string {
    const small = sizeOf(dims) <= 64;
    const key = small ? `${dtype}[${dims}]${data.join()}` : "";
    const known = small ? this.#constants.get(key) : undefined;
    if (known !== undefined) return known;
    const name = `c${this.initializers.length}`;
    this.initializers.push({ name, dtype, dims, data });
    if (small) this.#constants.set(key, name);
    return name;
  }
}

function attribute(value: number | readonly number[] | AttributeValue): AttributeValue {
  if (typeof value === "number") return Number.isInteger(value) ? { int: value } : { float: value };
  return Array.isArray(value) ? { ints: value as readonly number[] } : (value as AttributeValue);
}
