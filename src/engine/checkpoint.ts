// ◇ Browser-safe. Checkpoints: named tensors with timm's names in safetensors, facts as JSON in its metadata.
// A training checkpoint also holds the slots (`optimizer.<slot>.<name>`: the optimizer's, by parameter, and the moving
// average `ema`, by parameter and buffer) and the position.
// Random numbers need no state: every draw is named by seed, epoch and step (core/random).
import { AppError } from "../core/errors.ts";
import { parseJson } from "../core/schema.ts";
import { encodeSafetensors, type Safetensors } from "../formats/safetensors.ts";
import * as shape from "../formats/shape.ts";
import { float32Tensor, type NamedTensor, toFloat32 } from "../formats/tensor.ts";
import type { ParamSpec, Weights } from "./params.ts";

/** Where a run stands: the next step to take. */
export interface Position {
  /** Epoch of the next step, from 0. */
  epoch: number;
  /** Batch of the next step within its epoch, from 0. */
  batch: number;
  /** Steps taken so far. */
  step: number;
  /** Sums over the batches of this epoch that are done, for its line in the run log. */
  partial: { loss: number; correct: number; gradNorm: number };
}
const count = shape.whole(shape.least(0));
const sum = shape.number();
export const positionShape = shape.object<Position>({
  epoch: count,
  batch: count,
  step: count,
  partial: shape.object({ loss: sum, correct: sum, gradNorm: sum }),
});

/** Everything that the next step depends on, besides the configuration and the data. */
export interface TrainState {
  readonly weights: Weights;
  /** By slot name (`exp_avg`, `ema`, ...), then by parameter or buffer. */
  readonly slots: ReadonlyMap<string, Weights>;
  readonly position: Position;
}

export interface Checkpoint {
  readonly weights: Weights;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Absent in checkpoints made for prediction. */
  readonly training?: { readonly slots: ReadonlyMap<string, Weights>; readonly position: Position };
  /** The JSON document of facts stored with the tensors: architecture, recipe, configuration. */
  readonly facts: unknown;
}

/** Before the names of slots. */
export const OPTIMIZER = "optimizer.";

/**
 * A checkpoint of the tensors and metadata of safetensors.
 *
 * @param path - for messages
 * @throws AppError("data", "NOT_A_CHECKPOINT") for safetensors that this package did not write
 */
export function checkpointOf({ tensors, metadata }: Safetensors, path: string): Checkpoint {
  const { facehand, position } = metadata;
  if (facehand === undefined) {
    const message = `Expected a facehand checkpoint at ${path}, got safetensors without its facts`;
    throw new AppError("data", "NOT_A_CHECKPOINT", message, {
      hint: "give bare weights to `train --weights`",
    });
  }
  const weights: Weights = new Map();
  const shapes = new Map<string, readonly number[]>();
  const slots = new Map<string, Weights>();
  for (const tensor of tensors) {
    if (tensor.name.startsWith(OPTIMIZER)) addSlot(slots, tensor);
    else {
      weights.set(tensor.name, toFloat32(tensor));
      shapes.set(tensor.name, tensor.shape);
    }
  }
  const facts = parseJson(facehand, shape.anything, `the metadata of ${path}`);
  if (position === undefined) return { weights, shapes, facts };
  const at = parseJson(position, positionShape, `the position in ${path}`);
  return { weights, shapes, facts, training: { slots, position: at } };
}

function addSlot(slots: Map<string, Weights>, tensor: NamedTensor): void {
  const rest = tensor.name.slice(OPTIMIZER.length);
  const dot = rest.indexOf(".");
  const slot = rest.slice(0, dot);
  if (!slots.has(slot)) slots.set(slot, new Map());
  slots.get(slot)!.set(rest.slice(dot + 1), toFloat32(tensor));
}

/** What a checkpoint is made of; with `training` it also has the optimizer's state. */
export interface StoredState {
  readonly weights: Weights;
  readonly training?: Pick<TrainState, "slots" | "position">;
}

/**
 * The tensors and metadata of a checkpoint: the inverse of checkpointOf.
 *
 * @param facts - JSON value stored beside the tensors
 */
export function checkpointParts(
  specs: Iterable<ParamSpec>,
  { weights, training }: StoredState,
  facts: unknown,
): Safetensors {
  const all = [...specs];
  const tensors: NamedTensor[] = all.map((spec) => stored(spec.name, spec, weights));
  for (const [slot, values] of training?.slots ?? []) {
    for (const spec of all) {
      if (values.has(spec.name)) tensors.push(stored(`${OPTIMIZER}${slot}.${spec.name}`, spec, values));
    }
  }
  const metadata: Record<string, string> = { format: "pt", facehand: JSON.stringify(facts) };
  if (training !== undefined) metadata["position"] = JSON.stringify(training.position);
  return { tensors, metadata };
}

/** A checkpoint for prediction as the bytes of its file. */
export function encodeCheckpoint(specs: Iterable<ParamSpec>, weights: Weights, facts: unknown): Uint8Array {
  const { tensors, metadata } = checkpointParts(specs, { weights }, facts);
  return encodeSafetensors(tensors, metadata);
}

function stored(name: string, spec: ParamSpec, values: Weights): NamedTensor {
  const data = values.get(spec.name);
  if (data === undefined)
    throw new AppError("internal", "CHECKPOINT_TENSOR", `Expected a value for ${name}, got none`);
  return float32Tensor(name, spec.shape, data);
}
