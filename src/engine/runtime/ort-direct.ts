// Sessions by the C interface of the ONNX Runtime library that onnxruntime-node brings: results are written where the caller
// wants them, or copied out. The Node binding copies every result into new memory, given tensors too (1.30.0), which for
// weights and moments of 20 M parameters is 240 MB and about 90 ms a step; and it aborts the whole process if the thread
// that runs a model with it is ended meanwhile, which these calls survive. On a device, state stays there (device-tensor).
// Invariants: the objects here own the memory that the library refers to, and keep it alive until it is released; what a failed
// call took is freed.
import { availableParallelism } from "node:os";
import { DeviceTensor } from "./device-tensor.ts";
import type { NativeSession } from "./native.ts";
import { appendProvider, cText, type Library, openLibrary, type Pointer } from "./ort-library.ts";
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

/** Devices that are reached by these calls; others are left to the binding. */
export const KEEPING: ReadonlySet<string> = new Set(["cuda", "webgpu"]);

/**
 * Loads a model that runs on the CPU, or on a device that keeps state.
 *
 * @param options - as createSession's; `where` is not for it
 * @returns undefined where the library cannot be called directly, or not for this model: the binding then serves
 * @throws Error if ONNX Runtime refuses the model
 */
export async function openDirect(
  model: Uint8Array,
  options: SessionOptions = {},
): Promise<NativeSession | undefined> {
  const { onDevice = [], providers = [] } = options;
  if (!providers.every((name) => name === "cpu" || KEEPING.has(name))) return undefined;
  const ort = await openLibrary();
  if (ort === undefined) return undefined;
  const session = load(ort, model, options);
  let direct = false;
  try {
    const inputs = endsOf(ort, session, "Input");
    const outputs = endsOf(ort, session, "Output");
    direct = [...inputs, ...outputs].every(({ type }) => type !== undefined);
    if (!direct) return undefined;
    const made = new DirectSession(ort, session, { inputs, outputs, onDevice });
    if (providers.some((name) => name !== "cpu")) freeAtExit(made);
    return made;
  } finally {
    if (!direct) ort.call("ReleaseSession", session);
  }
}

function load(ort: Library, model: Uint8Array, options: SessionOptions): Pointer {
  const { threads = 0, optimization = "all", memoryPattern = false, config, profilePrefix } = options;
  const { providers = [], providerOptions = {}, operators } = options;
  const made = ort.made("CreateSessionOptions");
  try {
    ort.call("SetIntraOpNumThreads", made, threads);
    ort.call("SetInterOpNumThreads", made, 1);
    ort.call("SetSessionLogSeverityLevel", made, 4); // its errors become ours
    ort.call("SetSessionGraphOptimizationLevel", made, LEVELS[optimization]);
    if (!memoryPattern) ort.call("DisableMemPattern", made);
    for (const [key, value] of Object.entries({ "session.set_denormal_as_zero": "1", ...config }))
      ort.call("AddSessionConfigEntry", made, key, value);
    for (const name of providers) if (name !== "cpu") appendProvider(ort, made, name, providerOptions);
    if (operators !== undefined) addOperators(ort, made, operators, threads);
    if (profilePrefix !== undefined) ort.call("EnableProfiling", made, profilePrefix);
    return ort.made("CreateSessionFromArray", ort.env, model, model.byteLength, made);
  } finally {
    ort.call("ReleaseSessionOptions", made);
  }
}

/** @param threads - those of the session, which operators do not learn of; 0 for one per core */
function addOperators(ort: Library, made: Pointer, path: string, threads: number): void {
  const own = threads === 0 ? availableParallelism() : threads;
  ort.call("AddSessionConfigEntry", made, "facehand.threads", String(own));
  ort.call("RegisterCustomOpsLibrary_V2", made, path);
}

/** An input or output, with its name as the library wants it. */
interface End extends Port {
  readonly memory: Uint8Array;
  readonly address: Pointer;
}

function endsOf(ort: Library, session: Pointer, kind: "Input" | "Output"): End[] {
  const count = Number(ort.made(`SessionGet${kind}Count`, session));
  return Array.from({ length: count }, (_, i) => {
    const name = nameOf(ort, ort.made(`SessionGet${kind}Name`, session, i, ort.allocator));
    const memory = cText(name);
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

interface Ends {
  readonly inputs: readonly End[];
  readonly outputs: readonly End[];
  /** Names of outputs. */
  readonly onDevice: readonly string[];
}

/** Sessions on devices: where a process ends with one that is open, its device would be taken down under it (SIGSEGV). */
const onDevices = new Set<DirectSession>();
let watched = false;

function freeAtExit(session: DirectSession): void {
  onDevices.add(session);
  if (watched) return;
  watched = true;
  process.once("exit", () => {
    for (const each of [...onDevices]) each.free();
  });
}

class DirectSession implements NativeSession {
  readonly inputs: readonly End[];
  readonly outputs: readonly End[];
  readonly #ort: Library;
  readonly #session: Pointer;
  readonly #addresses: { readonly inputs: Addresses; readonly outputs: Addresses };
  /** Allocators of the memory in which outputs are made that stay there. */
  readonly #places: ReadonlyMap<string, Pointer>;
  readonly #kept = new Set<DeviceTensor>();

  constructor(ort: Library, session: Pointer, { inputs, outputs, onDevice }: Ends) {
    this.#ort = ort;
    this.#session = session;
    this.inputs = inputs;
    this.outputs = outputs;
    this.#addresses = { inputs: addressesOf(inputs), outputs: addressesOf(outputs) };
    this.#places = onDevice.length === 0 ? new Map() : this.#placesOf(onDevice);
  }

  /** Where the session itself would make them. */
  #placesOf(names: readonly string[]): Map<string, Pointer> {
    const infos = new BigUint64Array(this.outputs.length);
    this.#ort.call("SessionGetMemoryInfoForOutputs", this.#session, infos, infos.length);
    const allocators = new Map<Pointer, Pointer>();
    const allocatorOf = (info: Pointer) => {
      const known = allocators.get(info) ?? this.#ort.made("CreateAllocator", this.#session, info);
      allocators.set(info, known);
      return known;
    };
    return new Map(
      this.outputs.flatMap(({ name }, i) => (names.includes(name) ? [[name, allocatorOf(infos[i]!)]] : [])),
    );
  }

  run(feeds: Tensors, fetches: readonly string[] | Tensors): Record<string, Tensor> {
    const given = Array.isArray(fetches) ? undefined : (fetches as Tensors);
    const names = given === undefined ? (fetches as readonly string[]) : Object.keys(given);
    const values: Pointer[] = [];
    const made = new Map<string, DeviceTensor>();
    try {
      const inputs = this.#bind(feeds, values);
      if (given === undefined)
        for (const name of names) if (this.#places.has(name)) made.set(name, this.#make(name));
      // The library puts a value of its own where there is none.
      const outputs =
        given === undefined
          ? BigUint64Array.from(names, (name) => made.get(name)?.value ?? 0n)
          : this.#bind(given, values);
      const from = BigUint64Array.from(Object.keys(feeds), (name) => this.#addresses.inputs.get(name)!);
      const to = BigUint64Array.from(names, (name) => this.#addresses.outputs.get(name)!);
      this.#ort.call("Run", this.#session, null, from, inputs, inputs.length, to, outputs.length, outputs);
      if (given !== undefined) return { ...given };
      values.push(...outputs.filter((_, i) => !made.has(names[i]!)));
      return Object.fromEntries(
        names.map((name, i) => [name, made.get(name) ?? this.#copy(outputs[i]!)] as const),
      );
    } catch (error) {
      for (const tensor of made.values()) tensor.free();
      throw error;
    } finally {
      for (const value of values) this.#ort.call("ReleaseValue", value);
    }
  }

  /** An output that stays on the device, before it has values. */
  #make(name: string): DeviceTensor {
    const { type, dims = [] } = this.outputs.find((output) => output.name === name)!;
    const shape = BigInt64Array.from(dims, (n) => BigInt(n!));
    const place = this.#places.get(name)!;
    const of = [place, shape, shape.length, CODES.get(type!)!] as const;
    const value = this.#ort.made("CreateTensorAsOrtValue", ...of);
    const tensor = new DeviceTensor({ type: type as "float32", dims: dims as number[], value }, () => {
      this.#kept.delete(tensor);
      this.#ort.call("ReleaseValue", value);
    });
    this.#kept.add(tensor);
    return tensor;
  }

  /** Values that are read and written in the tensors' own memory; `all` takes them, to be released. */
  #bind(tensors: Tensors, all: Pointer[]): BigUint64Array {
    return BigUint64Array.from(Object.values(tensors), (tensor) => {
      if (tensor instanceof DeviceTensor) return tensor.value;
      const { data, dims, type } = tensor;
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
      const values = new array(length);
      ort.copy(ort.made("GetTensorMutableData", value), values);
      return new Tensor(type, values, dims);
    } finally {
      ort.call("ReleaseTensorTypeAndShapeInfo", info);
    }
  }

  free(): void {
    onDevices.delete(this);
    for (const tensor of [...this.#kept]) tensor.free();
    for (const allocator of new Set(this.#places.values())) this.#ort.call("ReleaseAllocator", allocator);
    this.#ort.call("ReleaseSession", this.#session);
  }
}

type Addresses = ReadonlyMap<string, Pointer>;

function addressesOf(ends: readonly End[]): Addresses {
  return new Map(ends.map(({ name, address }) => [name, address]));
}
