// ◇ Browser-safe. A checkpoint opened from its bytes.
import { AppError, unexpected } from "../core/errors.ts";
import { checkpointOf } from "../engine/checkpoint.ts";
import type { Weights } from "../engine/params.ts";
import { parseSafetensors } from "../formats/safetensors.ts";
import { type ModelFacts, parseFacts } from "../models/facts.ts";

/** What a checkpoint holds for prediction. */
export interface OpenedCheckpoint {
  readonly facts: ModelFacts;
  readonly weights: Weights;
}

/**
 * Opens a checkpoint from the bytes of its file; nothing of them is shared.
 *
 * @param bytes - a whole .safetensors file that facehand wrote
 * @param where - what messages call it
 * @throws AppError("data", "NOT_A_CHECKPOINT" | "CHECKPOINT_FACTS" | "SAFETENSORS_...")
 * @example openCheckpoint(new Uint8Array(await (await fetch("mag.safetensors")).arrayBuffer()))
 */
export function openCheckpoint(bytes: Uint8Array, where = "the checkpoint"): OpenedCheckpoint {
  return lentCheckpoint(bytes.slice(), where);
}

/** The same, with weights that share memory with `bytes`. */
export function lentCheckpoint(bytes: Uint8Array, where: string): OpenedCheckpoint {
  try {
    const { facts, weights } = checkpointOf(parseSafetensors(bytes, where), where);
    return { facts: parseFacts(facts, where), weights };
  } catch (error) {
    throw foreignModel(error, bytes, where);
  }
}

/**
 * A reader's complaint about the header is no help to someone who gave a PyTorch file.
 *
 * @param start - the file's first bytes
 * @returns what to throw: `error` itself where the file is no PyTorch's
 */
export function foreignModel(error: unknown, [first, second]: Uint8Array, where: string): unknown {
  if (!(error instanceof AppError) || !error.code.startsWith("SAFETENSORS_")) return error;
  const zip = first === 0x50 && second === 0x4b;
  const pickle = first === 0x80 && second !== undefined && second <= 5;
  if (!zip && !pickle) return error;
  return unexpected("data", {
    code: "NOT_A_CHECKPOINT",
    expected: "a checkpoint (.safetensors) or a run folder",
    name: "the model",
    got: zip ? "a zip archive, as PyTorch writes" : "a pickle, as PyTorch wrote",
    where,
    hint: "make a checkpoint of it: facehand model convert FILE --arch umcc --tag TAG --out NEW.safetensors",
    cause: error,
  });
}
