// An exported model opened for prediction on this machine, as a checkpoint is.
import { readBytes } from "../machine/files.ts";
import { exportedFacts } from "../models/files/exported.ts";
import { type LocalOptions, localRuntime } from "./infer.ts";
import { type Predictor, sessionPredictor } from "./predictor.ts";

/**
 * Opens a file that `model export` wrote; the caller closes the predictor.
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
