// Checkpoints on the disk. What one holds is checkpoint.ts.
import { AppError } from "../core/errors.ts";
import { readSafetensors, writeSafetensors } from "../formats/safetensors-file.ts";
import { float32Tensor, type NamedTensor } from "../formats/tensor.ts";
import { type Checkpoint, checkpointOf, OPTIMIZER, type TrainState } from "./checkpoint.ts";
import type { ParamSpec, Weights } from "./params.ts";

/**
 * Writes weights, and with `training` also the optimizer's state, atomically.
 *
 * @param facts - JSON value stored beside the tensors
 */
export async function writeCheckpoint(
  path: string,
  specs: Iterable<ParamSpec>,
  state: { weights: Weights; training?: Pick<TrainState, "slots" | "position"> },
  facts: unknown,
): Promise<void> {
  const all = [...specs];
  const tensors: NamedTensor[] = all.map((spec) => stored(spec.name, spec, state.weights));
  for (const [slot, values] of state.training?.slots ?? []) {
    for (const spec of all) {
      if (values.has(spec.name)) tensors.push(stored(`${OPTIMIZER}${slot}.${spec.name}`, spec, values));
    }
  }
  const metadata: Record<string, string> = { format: "pt", facehand: JSON.stringify(facts) };
  if (state.training !== undefined) metadata["position"] = JSON.stringify(state.training.position);
  await writeSafetensors(path, tensors, metadata);
}

function stored(name: string, spec: ParamSpec, values: Weights): NamedTensor {
  const data = values.get(spec.name);
  if (data === undefined)
    throw new AppError("internal", "CHECKPOINT_TENSOR", `Expected a value for ${name}, got none`);
  return float32Tensor(name, spec.shape, data);
}

/**
 * Reads a checkpoint of this package.
 *
 * @throws AppError("data", "NOT_A_CHECKPOINT") for safetensors that this package did not write
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  return checkpointOf(await readSafetensors(path), path);
}
