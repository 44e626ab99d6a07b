// The C interface of the ONNX Runtime library that onnxruntime-node brings, called through koffi: its table of functions.
// Source: onnxruntime_c_api.h, whose table only grows at its end.
// Invariant: a status that is not null becomes an error, and is freed.
import { join } from "node:path";
import { libraryFolder, runtimeVersion } from "./ort-node.ts";
import { disableTelemetryOfThread, type Libc } from "./telemetry.ts";

/** Places in the table of functions, and what they take. A status that is not null is a fault. */
const FUNCTIONS = {
  GetErrorMessage: [2, "const char *f(void *status)"],
  CreateEnv: [3, "void *f(int level, const char *id, void *out)"],
  DisableTelemetryEvents: [6, "void *f(void *env)"],
  CreateSessionFromArray: [8, "void *f(void *env, void *model, size_t length, void *options, void *out)"],
  Run: [
    9,
    "void *f(void *session, void *run, void *names, void *values, size_t n, void *outNames, size_t m, void *out)",
  ],
  CreateSessionOptions: [10, "void *f(void *out)"],
  EnableProfiling: [14, "void *f(void *options, const char *prefix)"],
  DisableMemPattern: [17, "void *f(void *options)"],
  SetSessionLogSeverityLevel: [22, "void *f(void *options, int level)"],
  SetSessionGraphOptimizationLevel: [23, "void *f(void *options, int level)"],
  SetIntraOpNumThreads: [24, "void *f(void *options, int threads)"],
  SetInterOpNumThreads: [25, "void *f(void *options, int threads)"],
  SessionGetInputCount: [30, "void *f(void *session, void *out)"],
  SessionGetOutputCount: [31, "void *f(void *session, void *out)"],
  SessionGetInputTypeInfo: [33, "void *f(void *session, size_t index, void *out)"],
  SessionGetOutputTypeInfo: [34, "void *f(void *session, size_t index, void *out)"],
  SessionGetInputName: [36, "void *f(void *session, size_t index, void *allocator, void *out)"],
  SessionGetOutputName: [37, "void *f(void *session, size_t index, void *allocator, void *out)"],
  CreateTensorAsOrtValue: [48, "void *f(void *allocator, void *dims, size_t rank, int type, void *out)"],
  CreateTensorWithDataAsOrtValue: [
    49,
    "void *f(void *info, void *data, size_t bytes, void *dims, size_t rank, int type, void *out)",
  ],
  GetTensorMutableData: [51, "void *f(void *value, void *out)"],
  CastTypeInfoToTensorInfo: [55, "void *f(void *info, void *out)"],
  GetTensorElementType: [60, "void *f(void *info, void *out)"],
  GetDimensionsCount: [61, "void *f(void *info, void *out)"],
  GetDimensions: [62, "void *f(void *info, void *dims, size_t rank)"],
  GetTensorTypeAndShape: [65, "void *f(void *value, void *out)"],
  CreateCpuMemoryInfo: [69, "void *f(int allocator, int memory, void *out)"],
  AllocatorFree: [76, "void *f(void *allocator, void *pointer)"],
  GetAllocatorWithDefaultOptions: [78, "void *f(void *out)"],
  ReleaseStatus: [93, "void f(void *status)"],
  ReleaseSession: [95, "void f(void *session)"],
  ReleaseValue: [96, "void f(void *value)"],
  ReleaseTypeInfo: [98, "void f(void *info)"],
  ReleaseTensorTypeAndShapeInfo: [99, "void f(void *info)"],
  ReleaseSessionOptions: [100, "void f(void *options)"],
  AddSessionConfigEntry: [130, "void *f(void *options, const char *key, const char *value)"],
  CreateAllocator: [131, "void *f(void *session, void *info, void *out)"],
  ReleaseAllocator: [132, "void f(void *allocator)"],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, "void *f(void *options, void *cuda)"],
  CreateCUDAProviderOptions: [205, "void *f(void *out)"],
  UpdateCUDAProviderOptions: [206, "void *f(void *cuda, void *keys, void *values, size_t n)"],
  ReleaseCUDAProviderOptions: [208, "void f(void *cuda)"],
  SessionOptionsAppendExecutionProvider: [
    216,
    "void *f(void *options, const char *name, void *keys, void *values, size_t n)",
  ],
  RegisterCustomOpsLibrary_V2: [228, "void *f(void *options, const char *path)"],
  SessionGetMemoryInfoForOutputs: [381, "void *f(void *session, void *infos, size_t n)"],
} as const satisfies Readonly<Record<string, readonly [place: number, prototype: string]>>;

type Name = keyof typeof FUNCTIONS;
/** An address; 0 for none. */
export type Pointer = bigint;
type Argument = Pointer | number | string | ArrayBufferView | null;

/** The C interface: `call` throws on a fault. */
export interface Library {
  call(name: Name, ...args: readonly Argument[]): void;
  /** As `call`, for functions whose last argument is where they write a pointer or a size. */
  made(name: Name, ...args: readonly Argument[]): Pointer;
  text(pointer: Pointer): string;
  /** Copies as many bytes from there as the array has. */
  copy(pointer: Pointer, to: ArrayBufferView): void;
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

/** The library, opened once in a thread and never closed; undefined where it cannot be used like this. */
export function openLibrary(): Promise<Library | undefined> {
  opened ??= open().catch(() => undefined); // no build of the interface for this system, or another layout
  return opened;
}

async function open(): Promise<Library | undefined> {
  const file = FILES[process.platform];
  if (file === undefined || runtimeVersion() !== VERSION) return undefined;
  const { default: koffi } = await import("koffi");
  disableTelemetryOfThread(() => (process.platform === "win32" ? undefined : libc(koffi)));
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
  const copyBytes = copier(koffi);
  const env = made("CreateEnv", 3, "facehand");
  call("DisableTelemetryEvents", env);
  return {
    call,
    made,
    text: (pointer) => koffi.decode.string(pointer),
    copy: (pointer, to) => {
      void to.buffer; // as for what a session binds: off V8's heap
      if (to.byteLength > 0) copyBytes(to, pointer, to.byteLength);
    },
    address: (memory) => koffi.address(memory),
    env,
    memory: made("CreateCpuMemoryInfo", 1, 0), // OrtArenaAllocator, OrtMemTypeDefault
    allocator: made("GetAllocatorWithDefaultOptions"),
  };
}

/**
 * The system's own copying of memory, into arrays that JavaScript made. koffi would make them itself (`decode`), which fails in a thread
 * that is being terminated, unseen, and then write to an address that nobody set (SIGSEGV).
 */
function copier(koffi: typeof import("koffi").default) {
  const [library, name] =
    process.platform === "win32" ? ["kernel32.dll", "RtlMoveMemory"] : [null, "memmove"];
  const prototype = `void ${name}(void *to, void *from, size_t bytes)`;
  return koffi.load(library).func(prototype) as unknown as (
    to: ArrayBufferView,
    from: Pointer,
    bytes: number,
  ) => void;
}

function libc(koffi: typeof import("koffi").default): Libc {
  const own = koffi.load(null);
  return {
    getenv: own.func("const char *getenv(const char *name)") as unknown as Libc["getenv"],
    setenv: own.func(
      "int setenv(const char *name, const char *value, int overwrite)",
    ) as unknown as Libc["setenv"],
  };
}

/**
 * Names a provider to a session that is being made; the CPU follows without being named.
 *
 * @param name - cuda or webgpu
 * @param settings - as the library names them
 */
export function appendProvider(
  ort: Library,
  made: Pointer,
  name: string,
  settings: Readonly<Record<string, string>>,
): void {
  const [keys, values] = [Object.keys(settings), Object.values(settings)].map((all) => all.map(cText));
  const addressesOf = (all: readonly Uint8Array[]) => BigUint64Array.from(all, (text) => ort.address(text));
  const given = [addressesOf(keys!), addressesOf(values!), keys!.length] as const;
  if (name !== "cuda") {
    ort.call("SessionOptionsAppendExecutionProvider", made, PROVIDERS[name]!, ...given);
    return;
  }
  const cuda = ort.made("CreateCUDAProviderOptions");
  try {
    ort.call("UpdateCUDAProviderOptions", cuda, ...given);
    ort.call("SessionOptionsAppendExecutionProvider_CUDA_V2", made, cuda);
  } finally {
    ort.call("ReleaseCUDAProviderOptions", cuda);
  }
}

/** What the library calls them. */
const PROVIDERS: Readonly<Record<string, string>> = { webgpu: "WebGPU" };

/** Text as C has it: ended by zero, long enough to lie off V8's heap, at an address that stays. */
export function cText(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`.padEnd(72, "\0"));
}
