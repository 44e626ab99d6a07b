// Checkpoints on the disk. What one holds is checkpoint.ts.
import { readSafetensors, writeSafetensors } from "../formats/safetensors-file.ts";
import { type Checkpoint, checkpointOf, checkpointParts, type StoredState } from "./checkpoint.ts";
import type { ParamSpec } from "./params.ts";

/**
 * Writes weights, and with `training` also the optimizer's state, atomically.
 *
 * @param facts - JSON value stored beside the tensors
 */
export async function writeCheckpoint(
  path: string,
  specs: Iterable<ParamSpec>,
  state: StoredState,
  facts: unknown,
): Promise<void> {
  const { tensors, metadata } = checkpointParts(specs, state, facts);
  await writeSafetensors(path, tensors, metadata);
}

/**
 * Reads a checkpoint of this package.
 *
 * @throws AppError("data", "NOT_A_CHECKPOINT") for safetensors that this package did not write
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  return checkpointOf(await readSafetensors(path), path);
}
