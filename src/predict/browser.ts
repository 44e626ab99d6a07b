// ◇ Browser-safe. A predictor in a page: a checkpoint's bytes and the page's own onnxruntime-web are all that it needs.
// Invariant: the graph has standard operators only, so that every build and provider of onnxruntime-web runs it.
import { unexpected } from "../core/errors.ts";
import { type Ort, openPageSession } from "../engine/runtime/page-session.ts";
import { lentCheckpoint, type OpenedCheckpoint } from "./checkpoint.ts";
import { openPredictor as openGraph, type Predictor } from "./predictor.ts";

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
    createSession: (model) => openPageSession(ort, model, { providers: executionProviders }),
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
