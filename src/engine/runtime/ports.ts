// What goes into a session and comes out of it, checked before any native code sees it: names, types, shapes, memory.
// Source: onnxruntime-common's Tensor. Invariant: what passes is memory of this thread that is as long as its shape demands.
import { type AppError, unexpected } from "../../core/errors.ts";
import { DeviceTensor } from "./device-tensor.ts";
import type { Tensor, Tensors } from "./session.ts";

/** An input or output of a model. */
export interface Port {
  readonly name: string;
  /** As tensors name it; undefined of what is no tensor. */
  readonly type: string | undefined;
  /** Its length along each axis; undefined where the model leaves it open. All open if undefined itself. */
  readonly dims: readonly (number | undefined)[] | undefined;
}

/** Names of the arrays that hold values of each type; a name is safer than a class, of which every realm has its own. */
const ARRAYS: Readonly<Record<string, readonly string[]>> = {
  float32: ["Float32Array"],
  float64: ["Float64Array"],
  float16: ["Uint16Array", "Float16Array"],
  int8: ["Int8Array"],
  uint8: ["Uint8Array", "Uint8ClampedArray"],
  int16: ["Int16Array"],
  uint16: ["Uint16Array"],
  int32: ["Int32Array"],
  uint32: ["Uint32Array"],
  int64: ["BigInt64Array"],
  uint64: ["BigUint64Array"],
  bool: ["Uint8Array"],
  string: ["Array"],
};

/**
 * Refuses what a run cannot be given.
 *
 * @param feeds - a tensor for every input
 * @param fetches - names of outputs, or tensors to write them into; all outputs if left out
 * @throws AppError("input", "TENSOR" | "PORT")
 */
export function checkRun(
  feeds: Tensors,
  fetches: readonly string[] | Tensors | undefined,
  ends: { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] },
): void {
  checkTensors(feeds, ends.inputs, "inputs");
  for (const { name } of ends.inputs) {
    if (feeds[name] === undefined) throw unknownPort("inputs", ends.inputs, Object.keys(feeds));
  }
  if (fetches === undefined) return;
  if (Array.isArray(fetches)) checkNames(fetches, ends.outputs);
  else checkTensors(fetches as Tensors, ends.outputs, "outputs");
}

function checkNames(fetches: readonly string[], ports: readonly Port[]): void {
  const names = ports.map(({ name }) => name);
  if (fetches.length === 0 || !fetches.every((name) => names.includes(name)))
    throw unknownPort("outputs", ports, fetches);
}

function checkTensors(tensors: Tensors, ports: readonly Port[], what: "inputs" | "outputs"): void {
  if (typeof tensors !== "object" || tensors === null || (what === "outputs" && isEmpty(tensors)))
    throw unknownPort(what, ports, tensors);
  for (const [name, tensor] of Object.entries(tensors)) {
    const port = ports.find((each) => each.name === name);
    if (port === undefined) throw unknownPort(what, ports, Object.keys(tensors));
    checkTensor(tensor, port);
  }
}

const isEmpty = (tensors: Tensors) => Object.keys(tensors).length === 0;

function unknownPort(what: string, ports: readonly Port[], got: unknown): AppError {
  const expected = ports.map(({ name }) => name).join(", ") || "none";
  return unexpected("input", { code: "PORT", expected, name: `the model's ${what}`, got });
}

function checkTensor(tensor: Tensor, { name, type, dims }: Port): void {
  const bad = (expected: string, got: unknown) =>
    unexpected("input", { code: "TENSOR", expected, name: `the tensor ${name}`, got });
  if (typeof tensor !== "object" || tensor === null) throw bad("a tensor", tensor);
  if (type !== undefined && tensor.type !== type) throw bad(type, tensor.type);
  const shape: readonly number[] = tensor.dims;
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw bad("a shape of whole numbers", shape);
  const fits =
    dims === undefined ||
    (dims.length === shape.length && dims.every((n, i) => n === undefined || n === shape[i]));
  if (!fits) throw bad(`the shape [${dims!.map((n) => n ?? "any").join(", ")}]`, `[${shape.join(", ")}]`);
  if (tensor instanceof DeviceTensor) {
    if (tensor.isFreed) throw bad("a tensor that is not freed", "one that is");
    return;
  }
  const data = memoryOf(tensor, bad);
  const length = shape.reduce((product, n) => product * n, 1);
  if (data.length !== length) throw bad(`${length} values (shape [${shape.join(", ")}])`, data.length);
}

/** Its values, in memory that stays as it is while native code reads it. */
function memoryOf(tensor: Tensor, bad: (expected: string, got: unknown) => AppError): { length: number } {
  const arrays = ARRAYS[tensor.type];
  if (arrays === undefined) throw bad(`a tensor of ${Object.keys(ARRAYS).join(", ")}`, tensor.type);
  let data: unknown;
  try {
    data = tensor.data; // a getter, which throws for tensors on other devices
  } catch (cause) {
    throw bad("a tensor in this process's memory", cause);
  }
  const kind = kindOf(data);
  if (!(ArrayBuffer.isView(data) || Array.isArray(data)) || !arrays.includes(kind))
    throw bad(`a ${arrays[0]}`, kind);
  if (ArrayBuffer.isView(data) && kindOf(data.buffer) !== "ArrayBuffer")
    throw bad("memory that no other thread shares", kindOf(data.buffer));
  return data as { length: number };
}

/** `Float32Array`, `Array`, `SharedArrayBuffer`, `Undefined`, ... */
function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}
