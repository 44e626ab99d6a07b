// Sessions by the C interface of the ONNX Runtime library that onnxruntime-node brings: results are written where the caller
// wants them, or copied out. The Node binding copies every result into new memory, given tensors too (1.30.0), which for
// weights and moments of 20 M parameters is 240 MB and about 90 ms a step; and it aborts the whole process if the thread
// that runs a model with it is ended meanwhile, which these calls survive.
// Invariants: the objects here own the memory that the library refers to, and keep it alive until it is released; what a failed
// call took is freed.
import type { NativeSession } from "./native.ts";
import { type Library, openLibrary, type Pointer } from "./ort-library.ts";
import type { Port } from "./ports.ts";
import { type SessionOptions, Tensor, type Tensors } from "./session.ts";

const LEVELS = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;

/** An array of a tensor's values; which one, the type decides. */
type Values = Float32ArrayConstructor;
type Type = readonly [name: "float32", array: Values];

/** Types by ONNXTensorElementDataType, and the arrays of their values; others are left to the binding. */
const TYPES = {
  1: ["float32", Float32Array],
  2: ["uint8", Uint8Array],
  3: ["int8", Int8Array],
  4: ["uint16", Uint16Array],
  5: ["int16", Int16Array],
  6: ["int32", Int32Array],
  7: ["int64", BigInt64Array],
  9: ["bool", Uint8Array],
  11: ["float64", Float64Array],
  12: ["uint32", Uint32Array],
  13: ["uint64", BigUint64Array],
} as const;

const CODES = new Map<string, number>(Object.entries(TYPES).map(([code, [name]]) => [name, Number(code)]));

/** TypeScript sees one type: all of them are treated the same. */
function typeOf(code: number): Type | undefined {
  return (TYPES as unknown as Readonly<Record<number, Type>>)[code];
}

/**
 * Loads a model that runs on the CPU.
 *
 * @param options - as createSession's; `providers`, `where` and `profilePrefix` are not for it
 * @returns undefined where the library cannot be called directly, or not for this model: the binding then serves
 * @throws Error if ONNX Runtime refuses the model
 */
export async function openDirect(
  model: Uint8Array,
  options: SessionOptions = {},
): Promise<NativeSession | undefined> {
  const ort = await openLibrary();
  if (ort === undefined) return undefined;
  const session = load(ort, model, options);
  let direct = false;
  try {
    const inputs = endsOf(ort, session, "Input");
    const outputs = endsOf(ort, session, "Output");
    direct = [...inputs, ...outputs].every(({ type }) => type !== undefined);
    return direct ? new DirectSession(ort, session, inputs, outputs) : undefined;
  } finally {
    if (!direct) ort.call("ReleaseSession", session);
  }
}

function load(ort: Library, model: Uint8Array, options: SessionOptions): Pointer {
  const { threads = 0, optimization = "all", memoryPattern = false, config } = options;
  const made = ort.made("CreateSessionOptions");
  try {
    ort.call("SetIntraOpNumThreads", made, threads);
    ort.call("SetInterOpNumThreads", made, 1);
    ort.call("SetSessionLogSeverityLevel", made, 4); // its errors become ours
    ort.call("SetSessionGraphOptimizationLevel", made, LEVELS[optimization]);
    if (!memoryPattern) ort.call("DisableMemPattern", made);
    for (const [key, value] of Object.entries({ "session.set_denormal_as_zero": "1", ...config }))
      ort.call("AddSessionConfigEntry", made, key, value);
    return ort.made("CreateSessionFromArray", ort.env, model, model.byteLength, made);
  } finally {
    ort.call("ReleaseSessionOptions", made);
  }
}

/** An input or output, with its name as the library wants it: ended by zero, at an address that stays. */
interface End extends Port {
  readonly memory: Uint8Array;
  readonly address: Pointer;
}

function endsOf(ort: Library, session: Pointer, kind: "Input" | "Output"): End[] {
  const count = Number(ort.made(`SessionGet${kind}Count`, session));
  return Array.from({ length: count }, (_, i) => {
    const name = nameOf(ort, ort.made(`SessionGet${kind}Name`, session, i, ort.allocator));
    const memory = new TextEncoder().encode(`${name}\0`.padEnd(72, "\0")); // off V8's heap
    const shape = declared(ort, ort.made(`SessionGet${kind}TypeInfo`, session, i));
    return { name, memory, address: ort.address(memory), ...shape };
  });
}

function nameOf(ort: Library, pointer: Pointer): string {
  try {
    return ort.text(pointer);
  } finally {
    ort.call("AllocatorFree", ort.allocator, pointer);
  }
}

/** What the model states about an end; takes over `info`. */
function declared(ort: Library, info: Pointer): Pick<Port, "type" | "dims"> {
  try {
    const tensor = ort.made("CastTypeInfoToTensorInfo", info);
    if (tensor === 0n) return { type: undefined, dims: undefined }; // a sequence, a map, something optional
    const type = typeOf(Number(ort.made("GetTensorElementType", tensor)))?.[0];
    return { type, dims: dimsOf(ort, tensor).map((n) => (n < 0 ? undefined : n)) };
  } finally {
    ort.call("ReleaseTypeInfo", info);
  }
}

function dimsOf(ort: Library, tensorInfo: Pointer): number[] {
  const dims = new BigInt64Array(Number(ort.made("GetDimensionsCount", tensorInfo)));
  if (dims.length > 0) ort.call("GetDimensions", tensorInfo, dims, dims.length);
  return Array.from(dims, Number);
}

class DirectSession implements NativeSession {
  readonly inputs: readonly End[];
  readonly outputs: readonly End[];
  readonly #ort: Library;
  readonly #session: Pointer;
  readonly #addresses: { readonly inputs: Addresses; readonly outputs: Addresses };

  constructor(ort: Library, session: Pointer, inputs: readonly End[], outputs: readonly End[]) {
    this.#ort = ort;
    this.#session = session;
    this.inputs = inputs;
    this.outputs = outputs;
    this.#addresses = { inputs: addressesOf(inputs), outputs: addressesOf(outputs) };
  }

  run(feeds: Tensors, fetches: readonly string[] | Tensors): Record<string, Tensor> {
    const given = Array.isArray(fetches) ? undefined : (fetches as Tensors);
    const names = given === undefined ? (fetches as readonly string[]) : Object.keys(given);
    const values: Pointer[] = [];
    try {
      const inputs = this.#bind(feeds, values);
      // The library puts a value of its own where there is none.
      const outputs = given === undefined ? new BigUint64Array(names.length) : this.#bind(given, values);
      const from = BigUint64Array.from(Object.keys(feeds), (name) => this.#addresses.inputs.get(name)!);
      const to = BigUint64Array.from(names, (name) => this.#addresses.outputs.get(name)!);
      this.#ort.call("Run", this.#session, null, from, inputs, inputs.length, to, outputs.length, outputs);
      if (given !== undefined) return { ...given };
      values.push(...outputs);
      return Object.fromEntries(names.map((name, i) => [name, this.#copy(outputs[i]!)]));
    } finally {
      for (const value of values) this.#ort.call("ReleaseValue", value);
    }
  }

  /** Values that are read and written in the tensors' own memory; `all` takes them, to be released. */
  #bind(tensors: Tensors, all: Pointer[]): BigUint64Array {
    return BigUint64Array.from(Object.values(tensors), ({ data, dims, type }) => {
      const memory = data as Float32Array | Uint8Array;
      void memory.buffer; // moves small arrays off V8's heap, where they would move about
      const shape = BigInt64Array.from(dims, BigInt);
      const size = [memory, memory.byteLength, shape, shape.length] as const;
      const value = this.#ort.made(
        "CreateTensorWithDataAsOrtValue",
        this.#ort.memory,
        ...size,
        CODES.get(type)!,
      );
      all.push(value);
      return value;
    });
  }

  #copy(value: Pointer): Tensor {
    const ort = this.#ort;
    const info = ort.made("GetTensorTypeAndShape", value);
    try {
      const dims = dimsOf(ort, info);
      const [type, array] = typeOf(Number(ort.made("GetTensorElementType", info)))!;
      const length = dims.reduce((product, n) => product * n, 1);
      const bytes = ort.bytes(ort.made("GetTensorMutableData", value), length * array.BYTES_PER_ELEMENT);
      return new Tensor(type, new array(bytes.buffer, bytes.byteOffset, length), dims);
    } finally {
      ort.call("ReleaseTensorTypeAndShapeInfo", info);
    }
  }

  free(): void {
    this.#ort.call("ReleaseSession", this.#session);
  }
}

type Addresses = ReadonlyMap<string, Pointer>;

function addressesOf(ends: readonly End[]): Addresses {
  return new Map(ends.map(({ name, address }) => [name, address]));
}
