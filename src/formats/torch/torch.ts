// PyTorch's .pt and .pth files, zip and legacy, read without Python and without running anything they hold.
// Source: torch/serialization.py; files are opened by file.ts, views made contiguous by views.ts.
// Invariants: any bytes give plain data or an AppError; a state dict takes little more memory than its tensors.
import type { NamedTensor } from "../tensor.ts";
import { openTorch } from "./file.ts";
import { flatten, type TorchValue } from "./tree.ts";
import { materialise, materialiseLoaded } from "./views.ts";
import { chooseWeights, type WeightsTaken } from "./weights.ts";

/**
 * The whole tree of a .pt or .pth file.
 *
 * @throws AppError("data", "FILE_MISSING" | "PICKLE_GLOBAL" | "PICKLE_DAMAGED" | "TORCH_DAMAGED" |
 *   "TORCH_BYTE_ORDER" | "TORCH_SCRIPT" | "ZIP_DAMAGED")
 * @example stateDict(await readTorch("model.pth"))
 */
export async function readTorch(path: string): Promise<TorchValue> {
  const file = await openTorch(path);
  try {
    for (const storage of file.storages) storage.bytes = await file.read(storage);
    return file.tree;
  } finally {
    await file.close();
  }
}

/** A state dict, and which of the file's weights it is. */
export interface TorchWeights {
  /** Contiguous tensors by name, as in the file (`module.` is not removed). */
  readonly tensors: Map<string, NamedTensor>;
  readonly taken: WeightsTaken;
}

/**
 * The weights of a .pt or .pth file; of a training checkpoint, only the storages it needs are read.
 * Memory beyond the tensors themselves is at most one storage and the pickles, also where views are copied.
 *
 * @param ema - see chooseWeights
 * @throws AppError as readTorch and chooseWeights; ("data", "TORCH_DTYPE") for tensors of other dtypes
 * @example (await readTorchWeights("last.ckpt.pt", false)).taken.from // "state_dict"
 */
export async function readTorchWeights(path: string, ema?: boolean | undefined): Promise<TorchWeights> {
  const file = await openTorch(path);
  try {
    const { tensors, taken } = chooseWeights(file.tree, path, ema);
    return { tensors: await materialise(tensors, file.read, { where: path, compact: true }), taken };
  } finally {
    await file.close();
  }
}

/** The state dict of a .pt or .pth file, as readTorchWeights chooses it. */
export async function readStateDict(path: string): Promise<Map<string, NamedTensor>> {
  return (await readTorchWeights(path)).tensors;
}

/**
 * The state dict of a tree, as chooseWeights chooses it.
 * Nested dicts give dotted names. Tensors share memory with their storages where they are contiguous.
 *
 * @param where - file name for messages
 * @throws AppError as chooseWeights
 */
export function stateDict(tree: TorchValue, where = "a torch file"): Map<string, NamedTensor> {
  return materialiseLoaded(chooseWeights(tree, where, undefined).tensors, where);
}

/**
 * Every tensor of a tree by its dotted path (`optimizer.state.0.exp_avg`); what is not a tensor is left out.
 *
 * @throws AppError("data", "TORCH_DAMAGED") for dicts and lists nested deeper than any checkpoint's
 */
export function allTensors(tree: TorchValue, where = "a torch file"): Map<string, NamedTensor> {
  return materialiseLoaded(flatten(tree, where, false), where);
}
