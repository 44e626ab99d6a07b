// A model opened on this machine by its path alone: a run folder, a checkpoint or an exported file.
import { isOnnxName } from "../models/files/exported.ts";
import { type Compute, openWeights } from "./infer.ts";
import { loadModel } from "./model-file.ts";
import { openOnnxFile } from "./onnx-file.ts";
import type { Predictor } from "./predictor.ts";

/**
 * Opens a model for prediction on this machine; the caller closes it.
 *
 * @param runOrFile - a run folder (its best checkpoint), a checkpoint (.safetensors), or an .onnx of `model export`
 * @param options - threads and device
 * @throws AppError("data", "FILE_MISSING" | "NOT_A_CHECKPOINT" | "CHECKPOINT_FACTS" | "SAFETENSORS_..." | "ONNX_..."),
 *   AppError("input", "SEVERAL_SEEDS") for a folder of several runs, which loadModels and openEnsemble take
 * @example const model = await openLocalPredictor("runs/mag")
 */
export async function openLocalPredictor(runOrFile: string, options: Compute = {}): Promise<Predictor> {
  const how = { batch: 1, ...options };
  if (isOnnxName(runOrFile)) return openOnnxFile(runOrFile, how);
  const { facts, weights } = await loadModel(runOrFile);
  return openWeights(facts, weights, how);
}
