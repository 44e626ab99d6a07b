// Sessions by the C interface of the ONNX Runtime library that onnxruntime-node brings, for training steps:
// results are written where the caller wants them. The Node binding copies every result into new memory, given
// tensors too (1.30.0), which for weights and moments of 20 M parameters is 240 MB and about 90 ms a step.
// Source: onnxruntime_c_api.h, whose table of functions only grows at its end.
// Invariant: memory that the library holds on to is kept alive by the objects here until it is released.
import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { libraryFolder, runtimeVersion } from "./ort-node.ts";
import type { Session, SessionOptions, Tensor, Tensors } from "./session.ts";

/** Places in the table of functions, and what they take. A status that is not null is a fault. */
const FUNCTIONS = {
  GetErrorMessage: [2, "const char *f(void *status)"],
  CreateEnv: [3, "void *f(int level, const char *id, void *out)"],
  CreateSessionFromArray: [8, "void *f(void *env, void *model, size_t length, void *options, void *out)"],
  Run: [
    9,
    "void *f(void *session, void *run, void *names, void *values, size_t n, void *outNames, size_t m, void *out)",
  ],
  CreateSessionOptions: [10, "void *f(void *out)"],
  DisableMemPattern: [17, "void *f(void *options)"],
  SetSessionLogSeverityLevel: [22, "void *f(void *options, int level)"],
  SetSessionGraphOptimizationLevel: [23, "void *f(void *options, int level)"],
  SetIntraOpNumThreads: [24, "void *f(void *options, int threads)"],
  SetInterOpNumThreads: [25, "void *f(void *options, int threads)"],
  SessionGetInputCount: [30, "void *f(void *session, void *out)"],
  SessionGetOutputCount: [31, "void *f(void *session, void *out)"],
  SessionGetInputName: [36, "void *f(void *session, size_t index, void *allocator, void *out)"],
  SessionGetOutputName: [37, "void *f(void *session, size_t index, void *allocator, void *out)"],
  CreateTensorWithDataAsOrtValue: [
    49,
    "void *f(void *info, void *data, size_t bytes, void *dims, size_t rank, int type, void *out)",
  ],
  CreateCpuMemoryInfo: [69, "void *f(int allocator, int memory, void *out)"],
  AllocatorFree: [76, "void *f(void *allocator, void *pointer)"],
  GetAllocatorWithDefaultOptions: [78, "void *f(void *out)"],
  ReleaseStatus: [93, "void f(void *status)"],
  ReleaseSession: [95, "void f(void *session)"],
  ReleaseValue: [96, "void f(void *value)"],
  ReleaseSessionOptions: [100, "void f(void *options)"],
  AddSessionConfigEntry: [130, "void *f(void *options, const char *key, const char *value)"],
} as const satisfies Readonly<Record<string, readonly [place: number, prototype: string]>>;

type Name = keyof typeof FUNCTIONS;
type Pointer = bigint;
type Argument = Pointer | number | string | ArrayBufferView | null;

/** The C interface: `call` throws on a fault. */
interface Library {
  call(name: Name, ...args: readonly Argument[]): void;
  /** As `call`, for functions whose last argument is where they write a pointer or a size. */
  made(name: Name, ...args: readonly Argument[]): Pointer;
  text(pointer: Pointer): string;
  address(memory: ArrayBufferView): Pointer;
  readonly env: Pointer;
  readonly memory: Pointer;
  readonly allocator: Pointer;
}

/** The release whose table and file names are known here. */
const VERSION = "1.30.0";

const FILES: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux: "libonnxruntime.so.1",
  darwin: "libonnxruntime.1.dylib",
  win32: "onnxruntime.dll",
};

let opened: Promise<Library | undefined> | undefined;

/** The library, opened once; undefined where it cannot be used like this. */
function library(): Promise<Library | undefined> {
  opened ??= open().catch(() => undefined); // no build of the interface for this system, or another layout
  return opened;
}

async function open(): Promise<Library | undefined> {
  const file = FILES[process.platform];
  if (file === undefined || runtimeVersion() !== VERSION) return undefined;
  const { default: koffi } = await import("koffi");
  const base = koffi.load(join(libraryFolder(), file)).func("void *OrtGetApiBase()")() as Pointer;
  const getApi = koffi.decode(
    koffi.decode(base, "void *") as Pointer,
    koffi.proto("void *f(uint32_t version)"),
  );
  const table = (getApi as (version: number) => Pointer)(Number(VERSION.split(".")[1]));
  const found = Object.entries(FUNCTIONS).map(([name, [place, prototype]]) => {
    const pointer = koffi.decode(table, place * koffi.sizeof("void *"), "void *") as Pointer;
    return [name, koffi.decode(pointer, koffi.proto(prototype.replace("f(", `${name}(`)))] as const;
  });
  const functions = Object.fromEntries(found) as Readonly<Record<Name, (...args: Argument[]) => unknown>>;
  const call: Library["call"] = (name, ...args) => {
    const status = functions[name](...args) as Pointer | null | undefined;
    if (status === null || status === undefined || status === 0n) return;
    const message = functions.GetErrorMessage(status) as string;
    functions.ReleaseStatus(status);
    throw new Error(message);
  };
  const made: Library["made"] = (name, ...args) => {
    const out = new BigUint64Array(1);
    call(name, ...args, out);
    return out[0]!;
  };
  return {
    call,
    made,
    text: (pointer) => koffi.decode.string(pointer),
    address: (memory) => koffi.address(memory),
    env: made("CreateEnv", 3, "facehand"),
    memory: made("CreateCpuMemoryInfo", 1, 0), // OrtArenaAllocator, OrtMemTypeDefault
    allocator: made("GetAllocatorWithDefaultOptions"),
  };
}

const LEVELS = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;
/** ONNXTensorElementDataType. */
const TYPES: Readonly<Record<string, number>> = { float32: 1, uint8: 2 };

/**
 * Loads a model that writes its results into the tensors given to `run`, which have to be there for every output
 * wanted and may share memory with inputs that nothing reads any more. On the CPU.
 *
 * @param options - as createSession's; `providers`, `where` and `profilePrefix` are not for it
 * @returns undefined where the library cannot be called directly: createSession then serves
 * @throws AppError("internal", "MODEL_REFUSED") if ONNX Runtime refuses the model
 * @example const session = (await createDirectSession(model)) ?? (await createSession(model))
 */
export async function createDirectSession(
  model: Uint8Array,
  options: SessionOptions = {},
): Promise<Session | undefined> {
  const ort = await library();
  if (ort === undefined) return undefined;
  try {
    return new DirectSession(ort, load(ort, model, options));
  } catch (cause) {
    const message = `Expected a model that ONNX Runtime accepts, got ${(cause as Error).message}`;
    throw new AppError("internal", "MODEL_REFUSED", message, { cause });
  }
}

function load(ort: Library, model: Uint8Array, options: SessionOptions): Pointer {
  const { threads = 0, optimization = "all", memoryPattern = false, config } = options;
  const made = ort.made("CreateSessionOptions");
  try {
    ort.call("SetIntraOpNumThreads", made, threads);
    ort.call("SetInterOpNumThreads", made, 1);
    ort.call("SetSessionLogSeverityLevel", made, 3);
    ort.call("SetSessionGraphOptimizationLevel", made, LEVELS[optimization]);
    if (!memoryPattern) ort.call("DisableMemPattern", made);
    for (const [key, value] of Object.entries({ "session.set_denormal_as_zero": "1", ...config }))
      ort.call("AddSessionConfigEntry", made, key, value);
    return ort.made("CreateSessionFromArray", ort.env, model, model.byteLength, made);
  } finally {
    ort.call("ReleaseSessionOptions", made);
  }
}

/** Names as the library wants them, ended by zero, at addresses that stay. */
interface Names {
  readonly names: readonly string[];
  readonly addresses: ReadonlyMap<string, Pointer>;
  readonly memory: readonly Uint8Array[];
}

class DirectSession implements Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #ort: Library;
  readonly #session: Pointer;
  readonly #inputs: Names;
  readonly #outputs: Names;

  constructor(ort: Library, session: Pointer) {
    this.#ort = ort;
    this.#session = session;
    this.#inputs = this.#names("SessionGetInputCount", "SessionGetInputName");
    this.#outputs = this.#names("SessionGetOutputCount", "SessionGetOutputName");
    this.inputNames = this.#inputs.names;
    this.outputNames = this.#outputs.names;
  }

  #names(count: Name, name: Name): Names {
    const ort = this.#ort;
    const names = Array.from({ length: Number(ort.made(count, this.#session)) }, (_, i) => {
      const pointer = ort.made(name, this.#session, i, ort.allocator);
      const text = ort.text(pointer);
      ort.call("AllocatorFree", ort.allocator, pointer);
      return text;
    });
    const memory = names.map((text) => new TextEncoder().encode(`${text}\0`.padEnd(72, "\0"))); // off V8's heap
    return {
      names,
      memory,
      addresses: new Map(names.map((text, i) => [text, ort.address(memory[i]!)])),
    };
  }

  async run(feeds: Tensors, fetches?: readonly string[] | Tensors): Promise<Record<string, Tensor>> {
    if (fetches === undefined || Array.isArray(fetches))
      throw new AppError("internal", "FETCHES", "Expected a tensor for every output, got names");
    await new Promise((resolve) => setImmediate(resolve));
    const values: Pointer[] = [];
    try {
      const [inNames, inputs] = this.#bind(feeds, this.#inputs, values);
      const [outNames, outputs] = this.#bind(fetches as Tensors, this.#outputs, values);
      const [n, m] = [inputs.length, outputs.length];
      this.#ort.call("Run", this.#session, null, inNames, inputs, n, outNames, m, outputs);
    } catch (cause) {
      const message = `Expected the model to run, got ${(cause as Error).message}`;
      throw new AppError("internal", "RUN_FAILED", message, { cause });
    } finally {
      for (const value of values) this.#ort.call("ReleaseValue", value);
    }
    return { ...(fetches as Tensors) };
  }

  /** Arrays of names and of tensors; `all` takes the tensors, to be released. */
  #bind(tensors: Tensors, { addresses }: Names, all: Pointer[]): [BigUint64Array, BigUint64Array] {
    const entries = Object.entries(tensors);
    const names = BigUint64Array.from(entries, ([name]) => {
      const address = addresses.get(name);
      if (address === undefined) throw new Error(`no input or output ${name}`);
      return address;
    });
    const values = BigUint64Array.from(entries, ([, tensor]) => {
      const value = this.#tensor(tensor);
      all.push(value);
      return value;
    });
    return [names, values];
  }

  /** The library reads and writes the tensor's own memory. */
  #tensor({ data, dims, type }: Tensor): Pointer {
    const memory = data as Float32Array | Uint8Array;
    const element = TYPES[type];
    if (element === undefined) throw new Error(`a tensor of ${type}`);
    void memory.buffer; // moves small arrays off V8's heap, where they would move about
    const shape = BigInt64Array.from(dims, BigInt);
    return this.#ort.made(
      "CreateTensorWithDataAsOrtValue",
      this.#ort.memory,
      memory,
      memory.byteLength,
      shape,
      shape.length,
      element,
    );
  }

  async release(): Promise<void> {
    this.#ort.call("ReleaseSession", this.#session);
  }
}
