// Sessions on ONNX Runtime's Node binding; the only file that imports it.
// Defaults suit training graphs: no memory pattern (1.8 times the memory), sequential (parallel is 2.4 times slower).
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { env, InferenceSession, listSupportedBackends, Tensor as NodeTensor } from "onnxruntime-node";
import { AppError, unexpected } from "../core/errors.ts";
import { causeOf, endsOf, withCause } from "../core/sniff.ts";
import { collectGarbage } from "./garbage.ts";
import type { Session, SessionOptions, Tensor, Tensors } from "./session.ts";

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

/** Where the binding keeps its libraries and looks for those of providers. */
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

/** Models from which on their bytes are worth a collection of garbage. */
const LARGE_BYTES = 16 * 2 ** 20;

const CONFIG = { "session.set_denormal_as_zero": "1" } as const;

/**
 * Loads a model into ONNX Runtime.
 *
 * @param model - a serialised ONNX model; not kept
 * @param options - see SessionOptions
 * @returns a session, to be released by the caller
 * @throws AppError("input", "DEVICE") for a provider that the installed binding does not have
 * @throws AppError("data" | "internal", "MODEL_REFUSED") if ONNX Runtime refuses it; `data` if `where` is given
 * @example const session = await createSession(encodeModel(model), { threads: 2 })
 */
export async function createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const { where } = options;
  refuseUnknown(options.providers ?? []);
  const large = model.byteLength >= LARGE_BYTES;
  if (large) collectGarbage(); // what the model was made of
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(model, nativeOptions(options));
  } catch (cause) {
    const message = `Expected a model that ONNX Runtime accepts${where === undefined ? "" : ` in ${where}`}, got ${reason(cause)}`;
    const error = new AppError(where === undefined ? "internal" : "data", "MODEL_REFUSED", message, {
      cause,
    });
    if (where === undefined) throw error;
    throw withCause(error, causeOf(endsOf(model), ["onnx"]), "an ONNX model", where);
  }
  if (large) setImmediate(collectGarbage); // the model itself, once the caller has let it go
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds, fetches) => run(session, feeds, fetches),
    release: () => session.release(),
  };
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
    logSeverityLevel: 3,
    extra: { ...CONFIG, ...options.config },
    ...(options.profilePrefix === undefined
      ? {}
      : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
  };
}

async function run(session: InferenceSession, feeds: Tensors, fetches?: readonly string[] | Tensors) {
  try {
    if (fetches === undefined) return { ...(await session.run(feeds)) };
    const wanted = Array.isArray(fetches) ? [...fetches] : rewrap(fetches as Tensors);
    return { ...(await session.run(feeds, wanted)) };
  } catch (cause) {
    throw new AppError("internal", "RUN_FAILED", `Expected the model to run, got ${reason(cause)}`, {
      cause,
    });
  }
}

/** The binding knows fetches by its own (CommonJS) Tensor class; the data is shared, not copied. */
function rewrap(fetches: Tensors): Record<string, Tensor> {
  const out: Record<string, Tensor> = {};
  for (const [name, t] of Object.entries(fetches)) {
    out[name] =
      t instanceof NodeTensor ? t : new NodeTensor(t.type as "float32", t.data as Float32Array, t.dims);
  }
  return out;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
