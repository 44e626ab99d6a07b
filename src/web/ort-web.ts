// ◇ Browser-safe. ONNX Runtime in the page: its WebAssembly, with threads where the page may share memory, and WebGPU by its
// native provider where there is an adapter. For a Web Worker: what runs here holds up the thread that it runs in.
// Source: onnxruntime-web, the build whose one WebAssembly file has both (decision 24). Invariant: what runs, and why, is known.

import glue from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import binary from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import * as ort from "onnxruntime-web/webgpu";
import { AppError } from "../core/errors.ts";
import { deviceMemory, openPageSession, type PageSessionOptions } from "../engine/runtime/page-session.ts";
import type { Session } from "../engine/runtime/session.ts";
import type { StepRuntime } from "../train/step/compile.ts";
import { findAdapter } from "./adapter.ts";
import { NO_HEADERS } from "./isolation.ts";

/** What computes in a page. */
export type PageProvider = "wasm" | "webgpu";

/** What was chosen, to be shown. */
export interface PageRuntimeFacts {
  readonly provider: PageProvider;
  /** Threads of the WebAssembly, which also does what a device cannot. */
  readonly threads: number;
  /** Why this provider and so many threads, in words for people. */
  readonly reason: string;
}

/** ONNX Runtime, ready to load models. */
export interface PageRuntime extends PageRuntimeFacts {
  /**
   * Loads a model, to be released by the caller.
   *
   * @throws as openPageSession
   */
  readonly createSession: (
    model: Uint8Array,
    options?: Omit<PageSessionOptions, "providers">,
  ) => Promise<Session>;
  /** What runs the graphs of a training step (train/step/step.ts); on WebGPU state stays on the device. */
  readonly step: StepRuntime;
}

/** What is wished for. */
export interface PageRuntimeOptions {
  /** `auto`, the default, takes WebGPU where a graphics processor offers it. */
  readonly provider?: PageProvider | "auto" | undefined;
  /** Threads of the WebAssembly; default by the machine's cores. The first call in a worker decides. */
  readonly threads?: number | undefined;
  /** Why memory may not be shared, if it may not; default that the server sends no headers. */
  readonly alone?: string | undefined;
}

/** More than these wait for each other longer than they help at the sizes of one picture. */
const MOST_THREADS = 8;

let threadsBegun: number | undefined;

/**
 * Opens ONNX Runtime in this worker.
 *
 * @throws AppError("input", "DEVICE") where WebGPU is asked for and there is none
 * @example const { createSession, provider, threads, reason } = await openPageRuntime()
 */
export async function openPageRuntime(options: PageRuntimeOptions = {}): Promise<PageRuntime> {
  const { provider: asked = "auto" } = options;
  const { threads, why } = beginThreads(options);
  const adapter = asked === "wasm" ? undefined : await findAdapter();
  if (asked === "webgpu" && adapter?.runs !== true)
    throw new AppError("input", "DEVICE", `Expected WebGPU in this browser, got ${adapter?.words}`, {
      hint: "use WebAssembly",
    });
  const provider = asked === "webgpu" || (adapter?.runs === true && !adapter.software) ? "webgpu" : "wasm";
  const words = adapter === undefined ? "WebAssembly was asked for" : adapter.words;
  const createSession: PageRuntime["createSession"] = (model, more) =>
    openPageSession(ort, model, { ...more, providers: providersOf(provider) });
  const memory = provider === "webgpu" ? deviceMemory(ort) : undefined;
  return {
    ...{ provider, threads, reason: `${words}; ${why}` },
    createSession,
    step: { provider, overwrites: provider === "wasm", createSession, memory },
  };
}

/** What WebGPU has no kernel for runs in WebAssembly. */
const providersOf = (provider: PageProvider) => (provider === "wasm" ? ["wasm"] : ["webgpu", "wasm"]);

/** Threads begin with the first model, for all. */
function beginThreads({ threads: asked, alone = NO_HEADERS }: PageRuntimeOptions): {
  readonly threads: number;
  readonly why: string;
} {
  const cores = navigator.hardwareConcurrency;
  const possible = globalThis.crossOriginIsolated;
  threadsBegun ??= possible ? Math.max(1, Math.min(asked ?? coresOf(cores), MOST_THREADS)) : 1;
  Object.assign(ort.env.wasm, {
    numThreads: threadsBegun,
    wasmPaths: { mjs: here(glue), wasm: here(binary) },
  });
  ort.env.logLevel = "error";
  const isolated = `${threadsBegun === 1 ? "one thread" : `${threadsBegun} threads`} on ${cores} logical cores`;
  return { threads: threadsBegun, why: possible ? isolated : `one thread, since ${alone}` };
}

/** Logical cores come in pairs on most machines, whose halves get in each other's way; of two, both are taken. */
const coresOf = (logical: number) => (logical <= 2 ? logical : Math.ceil(logical / 2));

/** From where the worker's own code lies, as the page's address is relative. */
const here = (path: string) => new URL(path, import.meta.url).href;
