// A model opened on this machine by its path alone: a run folder, a checkpoint or an exported file.
import { readBytes } from "../machine/files.ts";
import { exportedFacts, isOnnxName } from "../models/files/exported.ts";
import { type Compute, type LocalOptions, localRuntime, openWeights } from "./infer.ts";
import { loadModel } from "./model-file.ts";
import { type Predictor, sessionPredictor } from "./predictor.ts";

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

/**
 * Opens a file that `model export` wrote, as a checkpoint is opened; the caller closes the predictor.
 *
 * @throws AppError("data", "FILE_MISSING" | "ONNX_FOREIGN" | "ONNX_OUTPUTS" | "CHECKPOINT_FACTS" | "MODEL_REFUSED")
 * @example const predictor = await openOnnxFile("model.onnx", { batch: 1 })
 */
export async function openOnnxFile(path: string, options: LocalOptions): Promise<Predictor> {
  const bytes = await readBytes(path, "a model");
  const facts = exportedFacts(bytes, path);
  const { createSession: open, batchSize } = localRuntime(options);
  const needsFlag = facts.arch === "umcc" && facts.flag;
  return sessionPredictor(await open(bytes), { facts, batchSize, needsFlag });
}
