// ONNX Runtime's Node binding, what it brings, and sessions on it; the only file that imports it.
// Defaults suit training graphs: no memory pattern (1.8 times the memory), sequential (parallel is 2.4 times slower).
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { env, InferenceSession, listSupportedBackends, Tensor as NodeTensor } from "onnxruntime-node";
import { unexpected } from "../../core/errors.ts";
import type { NativeSession } from "./native.ts";
import type { Port } from "./ports.ts";
import type { SessionOptions, Tensor, Tensors } from "./session.ts";
import { disableTelemetry } from "./telemetry.ts";

disableTelemetry(); // before any session, and so before the library has its environment

/** An execution provider that the installed binding knows. */
export interface Backend {
  readonly name: string;
  /** False if it needs a library that the package does not bring and that is not there. */
  readonly installed: boolean;
}

/** Version of the installed ONNX Runtime. */
export function runtimeVersion(): string {
  return env.versions.node ?? env.versions.common;
}

/** The execution providers of the installed binding on this system. */
export function listBackends(): Backend[] {
  return listSupportedBackends().map(({ name, bundled }) => ({
    name,
    installed: bundled || existsSync(join(libraryFolder(), `libonnxruntime_providers_${name}.so`)),
  }));
}

/** Where the binding has its libraries and searches for those of providers. */
export function libraryFolder(): string {
  return join(bindingFolder(), "bin", "napi-v6", process.platform, process.arch);
}

/**
 * The command that downloads the CUDA libraries, which are too large for the npm package, into `libraryFolder()`: the
 * binding's own installation script. npm does not run it by itself (scripts/bundled.mjs).
 *
 * @example cudaInstall() // "node node_modules/onnxruntime-node/script/install.js"
 */
export function cudaInstall(): string {
  const path = join(bindingFolder(), "script", "install.js");
  const near = relative(process.cwd(), path);
  const shown = near.startsWith("..") ? path : near;
  return `node ${/\s/.test(shown) ? JSON.stringify(shown) : shown}`;
}

function bindingFolder(): string {
  return dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
}

const CONFIG = { "session.set_denormal_as_zero": "1" } as const;

/**
 * Loads a model into the binding.
 *
 * @param options - as createSession's; `where`, `onDevice` and `providerOptions` are not for it
 * @throws Error if ONNX Runtime refuses it, AppError("input", "DEVICE") for a provider that the binding does not have
 */
export async function openBinding(model: Uint8Array, options: SessionOptions): Promise<NativeSession> {
  refuseUnknown(options.providers ?? []);
  if (options.providerOptions !== undefined)
    throw new Error("the binding passes no settings on to a provider");
  const session = await InferenceSession.create(model, nativeOptions(options));
  return {
    inputs: session.inputMetadata.map(portOf),
    outputs: session.outputMetadata.map(portOf),
    run: (feeds, fetches) => run(session, feeds, fetches),
    free: () => session.release(),
  };
}

function portOf(end: InferenceSession.ValueMetadata): Port {
  if (!end.isTensor) return { name: end.name, type: undefined, dims: undefined };
  const dims = end.shape.map((n) => (typeof n === "number" ? n : undefined));
  return { name: end.name, type: end.type, dims };
}

/** The binding would leave out a provider that it does not have, and run on the CPU without a word. */
function refuseUnknown(providers: readonly string[]): void {
  if (providers.every((name) => name === "cpu")) return;
  const known = listBackends().map(({ name }) => name);
  const got = providers.find((name) => !known.includes(name));
  if (got === undefined) return;
  throw unexpected("input", { code: "DEVICE", expected: known.join(", "), name: "the provider", got });
}

function nativeOptions(options: SessionOptions): InferenceSession.SessionOptions {
  const { threads = 0, optimization = "all", memoryPattern = false, providers = ["cpu"] } = options;
  return {
    executionProviders: providers,
    executionMode: "sequential",
    graphOptimizationLevel: optimization,
    enableMemPattern: memoryPattern,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4, // its errors become ours
    extra: { ...CONFIG, ...options.config },
    ...(options.profilePrefix === undefined
      ? {}
      : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
  };
}

async function run(session: InferenceSession, feeds: Tensors, fetches: readonly string[] | Tensors) {
  const wanted = Array.isArray(fetches) ? [...fetches] : rewrap(fetches as Tensors);
  return { ...(await session.run(rewrap(feeds), wanted)) } as Record<string, Tensor>;
}

/** The binding knows tensors by its own (CommonJS) class; the data is shared, not copied. */
function rewrap(tensors: Tensors): Record<string, NodeTensor> {
  const out: Record<string, NodeTensor> = {};
  for (const [name, t] of Object.entries(tensors)) {
    out[name] =
      t instanceof NodeTensor ? t : new NodeTensor(t.type as "float32", t.data as Float32Array, t.dims);
  }
  return out;
}
