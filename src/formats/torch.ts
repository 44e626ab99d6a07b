// PyTorch's .pt and .pth files, zip and legacy, read without Python and without running anything they hold.
// Source: torch/serialization.py; files are opened by torch-file.ts, views made contiguous by torch-views.ts.
// Invariants: any bytes give plain data or an AppError; a state dict takes little more memory than its tensors.
import { type AppError, unexpected } from "../core/errors.ts";
import type { PickleValue } from "./pickle-machine.ts";
import type { NamedTensor } from "./tensor.ts";
import { damaged, openTorch } from "./torch-file.ts";
import { TorchTensor } from "./torch-globals.ts";
import { materialise, materialiseLoaded } from "./torch-views.ts";

/** A torch file as plain data: see PickleValue; tensors are TorchTensors. */
export type TorchValue = PickleValue;

/** Where a checkpoint keeps the state dict if it is not one itself, in the order they are tried. */
export const STATE_DICT_KEYS = ["state_dict", "model", "model_state_dict"] as const;

const MAX_DEPTH = 64;
const MAX_VALUES = 1_000_000;
const MAX_NAME_CHARS = 1024;

/**
 * The whole tree of a .pt or .pth file.
 *
 * @throws AppError("data", "FILE_MISSING" | "PICKLE_GLOBAL" | "PICKLE_DAMAGED" | "TORCH_DAMAGED" |
 *   "TORCH_BYTE_ORDER" | "ZIP_DAMAGED")
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

/**
 * The state dict of a .pt or .pth file; of a training checkpoint, only the storages it needs are read.
 * Memory beyond the tensors themselves is at most one storage and the pickles, also where views are copied.
 *
 * @returns contiguous tensors by name, as in the file (`module.` is not removed)
 * @throws AppError as readTorch and stateDict
 */
export async function readStateDict(path: string): Promise<Map<string, NamedTensor>> {
  const file = await openTorch(path);
  try {
    const tensors = flatten(findStateDict(file.tree, path), path, true);
    return await materialise(tensors, file.read, { where: path, compact: true });
  } finally {
    await file.close();
  }
}

/**
 * The state dict of a tree: the tree itself, or what it holds under one of STATE_DICT_KEYS.
 * Nested dicts give dotted names. Tensors share memory with their storages where they are contiguous.
 *
 * @param where - file name for messages
 * @throws AppError("data", "TORCH_STATE_DICT") if there is none, or something in it is not a tensor
 */
export function stateDict(tree: TorchValue, where = "a torch file"): Map<string, NamedTensor> {
  return materialiseLoaded(flatten(findStateDict(tree, where), where, true), where);
}

/**
 * Every tensor of a tree by its dotted path (`optimizer.state.0.exp_avg`); what is not a tensor is left out.
 *
 * @throws AppError("data", "TORCH_DAMAGED") for dicts and lists nested deeper than any checkpoint's
 */
export function allTensors(tree: TorchValue, where = "a torch file"): Map<string, NamedTensor> {
  return materialiseLoaded(flatten(tree, where, false), where);
}

function findStateDict(tree: TorchValue, where: string): TorchValue {
  if (!(tree instanceof Map)) throw noStateDict("a state dict", tree, where);
  for (const key of STATE_DICT_KEYS) {
    const inner = tree.get(key);
    if (inner instanceof Map) return inner;
  }
  return tree;
}

function noStateDict(expected: string, got: TorchValue, where: string): AppError {
  const shown = typeof got === "object" && got !== null ? got.constructor.name : got;
  const hint = `save the model's state_dict(), alone or under ${STATE_DICT_KEYS.join(" or ")}`;
  return unexpected("data", { code: "TORCH_STATE_DICT", expected, name: where, got: shown, hint });
}

/** Tensors by dotted path; `strict` refuses everything that is neither a tensor nor a dict. */
function flatten(tree: TorchValue, where: string, strict: boolean): Map<string, TorchTensor> {
  const found = new Map<string, TorchTensor>();
  let visited = 0;
  const visit = (value: TorchValue, path: string, depth: number) => {
    // Dicts can hold each other, or one dict many times over.
    if (depth > MAX_DEPTH || ++visited > MAX_VALUES || path.length > MAX_NAME_CHARS) {
      throw damaged("a tree of moderate size", where, path);
    }
    if (value instanceof TorchTensor) {
      if (found.has(path)) throw noStateDict("each name once", path, where);
      found.set(path, value);
    } else if (value instanceof Map) {
      for (const [key, inner] of value) visit(inner, join(path, key), depth + 1);
    } else if (strict) {
      throw noStateDict(`a tensor at ${path}`, value, where);
    } else if (Array.isArray(value)) {
      for (const [index, inner] of value.entries()) visit(inner, join(path, index), depth + 1);
    }
  };
  visit(tree, "", 0);
  return found;
}

function join(path: string, key: TorchValue): string {
  const name = typeof key === "object" ? "?" : String(key);
  return path === "" ? name : `${path}.${name}`;
}
