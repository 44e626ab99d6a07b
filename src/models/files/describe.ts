// What a file of weights holds: tensors, numbers of parameters, and for this package's checkpoints their facts.
// Reads checkpoints, bare .safetensors and PyTorch's .pt and .pth alike; nothing in them is run.
import { AppError } from "../../core/errors.ts";
import type { Position } from "../../engine/checkpoint.ts";
import { readCheckpoint } from "../../engine/checkpoint-file.ts";
import { type Dtype, elementCount } from "../../formats/tensor.ts";
import type { WeightsTaken } from "../../formats/torch/weights.ts";
import { type ModelFacts, parseFacts } from "../facts.ts";
import { readFileWeights } from "./weights.ts";

/** A tensor without its values. */
export interface TensorLine {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
}

/** A file of weights, described. */
export interface ModelDescription {
  readonly path: string;
  readonly tensors: readonly TensorLine[];
  /** Learnt values. */
  readonly parameters: number;
  /** Running statistics and counters. */
  readonly buffers: number;
  /** Values of the optimizer's state. */
  readonly optimizer: number;
  readonly bytes: number;
  /** Which weights of a .pt or .pth these are; null for other files. */
  readonly taken: WeightsTaken | null;
  /** Of this package's checkpoints; null for bare weights. */
  readonly facts: ModelFacts | null;
  /** Where training stood, in a checkpoint that can be resumed. */
  readonly position: Position | null;
}

const BUFFERS = [".running_mean", ".running_var", ".num_batches_tracked"];
const OPTIMIZER = "optimizer.";

/**
 * Describes a file of weights.
 *
 * @param path - .safetensors, .pt or .pth
 * @throws AppError as readFileWeights; ("data", "CHECKPOINT_FACTS")
 */
export async function describeModel(path: string): Promise<ModelDescription> {
  const { tensors, taken } = await readFileWeights(path);
  const known = await checkpointOf(path);
  const count = (part: (name: string) => boolean) =>
    tensors.filter(({ name }) => part(name)).reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const isOptimizer = (name: string) => name.startsWith(OPTIMIZER);
  const isBuffer = (name: string) => !isOptimizer(name) && BUFFERS.some((ending) => name.endsWith(ending));
  return {
    path,
    tensors: tensors.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    parameters: count((name) => !isOptimizer(name) && !isBuffer(name)),
    buffers: count(isBuffer),
    optimizer: count(isOptimizer),
    bytes: tensors.reduce((sum, { data }) => sum + data.byteLength, 0),
    taken: taken ?? null,
    facts: known === undefined ? null : parseFacts(known.facts, path),
    position: known?.training?.position ?? null,
  };
}

async function checkpointOf(path: string) {
  if (!path.toLowerCase().endsWith(".safetensors")) return undefined;
  try {
    return await readCheckpoint(path);
  } catch (error) {
    if (error instanceof AppError && error.code === "NOT_A_CHECKPOINT") return undefined;
    throw error;
  }
}

/** Tensors of one part of a network. */
export interface TensorGroup {
  readonly name: string;
  readonly tensors: number;
  readonly values: number;
  readonly dtypes: readonly Dtype[];
}

/** Tensors by part, in the file's order: a stage (`backbone.blocks.3`), a layer, or a slot of the optimizer. */
export function groupTensors(tensors: readonly TensorLine[]): TensorGroup[] {
  const groups = new Map<string, TensorLine[]>();
  for (const tensor of tensors) {
    const part = partOf(tensor.name);
    const members = groups.get(part);
    if (members === undefined) groups.set(part, [tensor]);
    else members.push(tensor);
  }
  return [...groups].map(([name, members]) => ({
    name,
    tensors: members.length,
    values: members.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    dtypes: [...new Set(members.map(({ dtype }) => dtype))],
  }));
}

function partOf(name: string): string {
  const parts = name.split(".");
  if (name.startsWith(OPTIMIZER)) return parts.slice(0, 2).join(".");
  const number = parts.findIndex((part) => /^\d+$/.test(part));
  const end = number >= 0 && number < parts.length - 1 ? number + 1 : Math.max(1, parts.length - 1);
  return parts.slice(0, end).join(".");
}
