// ◇ Browser-safe. The ONNX graph that grows while a TensorFlow Lite graph is translated (import.ts holds the rules).
// Invariant: a computed tensor of rank 4 is NCHW in ONNX and NHWC in the source; all others have equal shapes.
import { type AppError, unexpected } from "../../core/errors.ts";
import type { AttributeValue, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "../../formats/onnx.ts";
import { elementCount, toFloat32 } from "../../formats/tensor.ts";
import type { TfliteModel, TfliteTensor } from "../../formats/tflite.ts";
import type { Activation } from "../../formats/tflite-schema.ts";

export type Attributes = Readonly<Record<string, AttributeValue>>;

export const TO_NCHW = [0, 3, 1, 2] as const;
const TO_NHWC = [0, 2, 3, 1] as const;

/** What the graph has and no rule covers. */
export function refused(where: string, got: string): AppError {
  const hint = "use a float model made of convolutions, pooling, resizing and elementwise operators.";
  const expected = "operators that can be translated";
  return unexpected("data", { code: "TFLITE_OPERATOR", expected, name: where, got, hint });
}

/** The ONNX graph under construction. Values are named by their tensor's index, the ends by their names. */
export class TfliteGraph {
  readonly where: string;
  readonly #model: TfliteModel;
  readonly #ends: ReadonlySet<number>;
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxTensor>();
  /** Constants computed on import: tensors dequantised from fp16. */
  readonly #folded = new Map<number, Float32Array>();

  constructor(model: TfliteModel, where: string) {
    this.#model = model;
    this.where = where;
    this.#ends = new Set([...model.inputs, ...model.outputs]);
  }

  tensor(index: number): TfliteTensor {
    const tensor = this.#model.tensors[index];
    if (tensor === undefined) throw refused(this.where, "an operator without one of its inputs or outputs");
    return tensor;
  }

  /** Shape as in the source (NHWC). */
  shape(index: number): readonly number[] {
    return this.tensor(index).shape;
  }

  rank(index: number): number {
    return this.shape(index).length;
  }

  name(index: number): string {
    const { name } = this.tensor(index);
    return this.#ends.has(index) ? name : `#${index}`;
  }

  fold(index: number, values: Float32Array): void {
    if (elementCount(this.shape(index)) !== values.length) {
      throw refused(this.where, `${values.length} values for tensor ${this.tensor(index).name}`);
    }
    this.#folded.set(index, values);
  }

  /** A constant's values in the source's order, undefined for a computed tensor. */
  constant(index: number): Float32Array | undefined {
    const folded = this.#folded.get(index);
    if (folded) return folded;
    const tensor = this.tensor(index);
    return tensor.data && toFloat32({ ...tensor, data: tensor.data });
  }

  /** A constant's values; of `rank` axes, if given. */
  needConstant(index: number, what: string, rank = this.rank(index)): Float32Array {
    if (this.rank(index) !== rank) throw refused(this.where, `${what} of ${this.rank(index)} axes`);
    const values = this.constant(index);
    if (values === undefined) throw refused(this.where, `computed ${what}`);
    return values;
  }

  /** ONNX name of an operand; a constant becomes an initializer of `rank`, NCHW if that is 4. */
  value(index: number, rank = this.rank(index)): string {
    const values = this.constant(index);
    if (values === undefined) return this.name(index);
    if (this.rank(index) > rank)
      throw refused(this.where, `a constant of ${this.rank(index)} axes for ${rank}`);
    const shape = [...Array<number>(Math.max(0, rank - this.rank(index))).fill(1), ...this.shape(index)];
    const [data, dims] = rank === 4 ? transpose(values, shape, TO_NCHW) : [values, shape];
    return this.floats(`${this.name(index)}/constant${rank}`, dims, data);
  }

  floats(name: string, dims: readonly number[], values: Float32Array): string {
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#initializers.set(name, { name, dtype: "float32", dims, data });
    return name;
  }

  /** Whole numbers, none of them missing. */
  whole(values: readonly (number | undefined)[], what: string): number[] {
    if (values.every((value) => Number.isSafeInteger(value))) return values as number[];
    throw refused(this.where, `${what} that are not whole numbers`);
  }

  ints(name: string, values: readonly number[]): string {
    this.whole(values, `values of ${name}`);
    const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.#initializers.set(name, { name, dtype: "int64", dims: [values.length], data });
    return name;
  }

  node(op: string, inputs: readonly string[], output: string, attributes: Attributes = {}): string {
    this.#nodes.push({ name: `${op}/${output}`, op, domain: "", inputs, outputs: [output], attributes });
    return output;
  }

  /** An operator followed by the activation fused into it. */
  fused(
    op: string,
    inputs: readonly string[],
    index: number,
    activation: Activation,
    attributes: Attributes = {},
  ) {
    const output = this.name(index);
    if (activation === "none") return this.node(op, inputs, output, attributes);
    return this.activate(activation, this.node(op, inputs, `${output}/linear`, attributes), output);
  }

  activate(activation: Activation, input: string, output: string): string {
    if (activation === "relu") return this.node("Relu", [input], output);
    const [low, high] = activation === "relu6" ? [0, 6] : [-1, 1];
    if (activation !== "relu6" && activation !== "relu-1-to-1") {
      throw refused(this.where, `activation ${activation}`);
    }
    const limits = [low, high].map((v) => this.floats(`limit/${v}`, [], Float32Array.of(v!)));
    return this.node("Clip", [input, ...limits], output);
  }

  /** The value with the source's axis order. */
  nhwc(index: number): string {
    if (this.rank(index) !== 4) return this.value(index);
    return this.node("Transpose", [this.value(index)], `${this.name(index)}/nhwc${this.#nodes.length}`, {
      perm: { ints: TO_NHWC },
    });
  }

  /** Reshapes a value in the source's axis order to a tensor's shape, and to NCHW if that is an image. */
  fromNhwc(value: string, index: number): string {
    const output = this.name(index);
    const shape = this.ints(`${output}/shape`, this.shape(index));
    if (this.rank(index) !== 4) return this.node("Reshape", [value, shape], output);
    const image = this.node("Reshape", [value, shape], `${output}/nhwc`);
    return this.node("Transpose", [image], output, { perm: { ints: TO_NCHW } });
  }

  finish(): OnnxModel {
    const end = (index: number): OnnxValue => {
      const { name, shape, dtype } = this.tensor(index);
      return { name, dtype, dims: shape.length === 4 ? TO_NCHW.map((axis) => shape[axis]!) : shape };
    };
    return {
      irVersion: 8,
      producer: "facehand",
      opsets: [{ domain: "", version: 17 }],
      metadata: {},
      graph: {
        name: this.#model.description || "tflite",
        nodes: this.#nodes,
        initializers: [...this.#initializers.values()],
        inputs: this.#model.inputs.map(end),
        outputs: this.#model.outputs.map(end),
      },
    };
  }
}

/**
 * Row-major values with the axes in another order.
 *
 * @param values - elementCount(shape) values
 * @param axes - source axis of each axis of the result
 * @returns the values and their shape
 */
export function transpose(values: Float32Array, shape: readonly number[], axes: readonly number[]) {
  const dims = axes.map((axis) => shape[axis]!);
  // As of most weights, those of 1x1 convolutions: axes of one element move nothing.
  const moved = axes.filter((axis) => shape[axis]! > 1);
  if (moved.every((axis, k) => k === 0 || moved[k - 1]! < axis)) return [values.slice(), dims] as const;
  const strides = axes.map((axis) => elementCount(shape.slice(axis + 1)));
  const out = new Float32Array(values.length);
  const at = new Array<number>(dims.length).fill(0);
  const last = dims.length - 1;
  const [length = 1, step = 0] = [dims[last], strides[last]];
  for (let i = 0, from = 0; i < out.length; ) {
    for (let end = i + length, k = from; i < end; i++, k += step) out[i] = values[k]!;
    for (let d = last - 1; d >= 0; d--) {
      from += strides[d]!;
      if (++at[d]! < dims[d]!) break;
      from -= strides[d]! * dims[d]!;
      at[d] = 0;
    }
  }
  return [out, dims] as const;
}
