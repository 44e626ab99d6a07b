// ◇ Browser-safe. A predictor in a page: a checkpoint's bytes and the page's own onnxruntime-web are all that it needs.
// Invariant: the graph has standard operators only, so that every build and provider of onnxruntime-web runs it.
import { unexpected } from "../core/errors.ts";
import { Handle } from "../core/handle.ts";
import { lend } from "../core/lend.ts";
import type { Session, Tensor, Tensors } from "../engine/runtime/session.ts";
import { lentCheckpoint, type OpenedCheckpoint } from "./checkpoint.ts";
import { openPredictor as openGraph, type Predictor } from "./predictor.ts";

/** What is used of the module `onnxruntime-web`, or of one of its builds (`onnxruntime-web/webgpu`). */
export type Ort = Pick<typeof import("onnxruntime-common"), "InferenceSession" | "Tensor">;

/** What runs a graph in a page; `webgpu` needs the build of that name. */
export type ExecutionProvider = "wasm" | "webgpu" | "webnn";

/** A model, and what runs it in a page. */
export interface BrowserPredictorOptions {
  /** The bytes of a checkpoint's file, which are not referenced afterwards, or what openCheckpoint made of them. */
  readonly checkpoint: Uint8Array | ArrayBuffer | OpenedCheckpoint;
  /** The module onnxruntime-web, as it was imported. */
  readonly ort: Ort;
  /** In order of preference; default `["wasm"]`. `webgpu` needs the build of that name. */
  readonly executionProviders?: readonly ExecutionProvider[] | undefined;
  /** Images a run; fewer are padded. Default 1. */
  readonly batchSize?: number | undefined;
}

/**
 * Opens a checkpoint for prediction in a page; the caller closes it.
 *
 * @throws AppError("input", "ORT" | "BATCH_SIZE"), AppError("data", "WEIGHTS_INCOMPLETE"), and as openCheckpoint
 * @example const predictor = await openPredictor({ checkpoint: bytes, ort })
 */
export async function openPredictor(options: BrowserPredictorOptions): Promise<Predictor> {
  const { checkpoint, ort, executionProviders = ["wasm"], batchSize = 1 } = options;
  checkOrt(ort);
  const { facts, weights } =
    "weights" in checkpoint ? checkpoint : lentCheckpoint(bytesOf(checkpoint), "the checkpoint");
  return openGraph({
    facts,
    weights,
    batchSize,
    provider: "webgpu", // the one without operators of ONNX Runtime's own
    createSession: (model) => openOrtSession(ort, model, executionProviders),
  });
}

function bytesOf(bytes: Uint8Array | ArrayBuffer): Uint8Array {
  return ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes);
}

/**
 * Refuses what is not onnxruntime-web.
 *
 * @throws AppError("input", "ORT")
 */
export function checkOrt(ort: Ort): void {
  if (typeof ort?.InferenceSession?.create === "function" && typeof ort.Tensor === "function") return;
  throw unexpected("input", {
    code: "ORT",
    expected: "the module onnxruntime-web",
    name: "ort",
    got: ort === undefined ? "nothing" : typeof ort,
    hint: 'import * as ort from "onnxruntime-web"',
  });
}

/** A session of a page's own onnxruntime-web, which runs one call at a time; tensors are made by its own class. */
export async function openOrtSession(
  { InferenceSession, Tensor }: Ort,
  model: Uint8Array,
  executionProviders: readonly string[],
): Promise<Session> {
  const session = await InferenceSession.create(model, { executionProviders });
  const handle = new Handle("session", () => session.release());
  const inTurn = lend([session]);
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds, fetches) =>
      handle.use(() =>
        inTurn(async (own) => {
          const entries = Object.entries(feeds).map(
            ([name, { type, data, dims }]) => [name, new Tensor(type, data as Uint8Array, dims)] as const,
          );
          const inputs = Object.fromEntries(entries);
          if (fetches === undefined) return own.run(inputs);
          if (isNames(fetches)) return own.run(inputs, fetches);
          const outputs = await own.run(inputs, Object.keys(fetches));
          return Object.fromEntries(
            Object.entries(fetches).map(([name, into]) => [name, filled(into, outputs[name]!)]),
          );
        }),
      ),
    release: () => handle.release(),
  };
}

const isNames = (fetches: readonly string[] | Tensors): fetches is readonly string[] =>
  Array.isArray(fetches);

/** Callers read the memory that they gave. */
function filled(into: Tensor, from: Tensor): Tensor {
  (into.data as Float32Array).set(from.data as Float32Array);
  return into;
}
