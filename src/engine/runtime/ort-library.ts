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
  /** A copy of that many bytes. */
  bytes(pointer: Pointer, length: number): Uint8Array<ArrayBuffer>;
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
  const env = made("CreateEnv", 3, "facehand");
  call("DisableTelemetryEvents", env);
  return {
    call,
    made,
    text: (pointer) => koffi.decode.string(pointer),
    bytes: (pointer, length) =>
      length === 0
        ? new Uint8Array(0)
        : (koffi.decode(pointer, "uint8_t", length) as Uint8Array<ArrayBuffer>),
    address: (memory) => koffi.address(memory),
    env,
    memory: made("CreateCpuMemoryInfo", 1, 0), // OrtArenaAllocator, OrtMemTypeDefault
    allocator: made("GetAllocatorWithDefaultOptions"),
  };
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
