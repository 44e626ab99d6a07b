// The tree of a torch file as tensors by dotted names.
// Invariant: of a state dict nothing is left out: what is neither a dict nor an array of numbers is refused by name.
import { type AppError, unexpected } from "../core/errors.ts";
import type { PickleValue } from "./pickle-machine.ts";
import { damaged } from "./torch-file.ts";
import { ForeignTensor, TorchTensor } from "./torch-tensors.ts";

/** A torch file as plain data: see PickleValue; tensors are TorchTensors. */
export type TorchValue = PickleValue;

/** Where a checkpoint keeps the state dict if it is not one itself, in the order they are tried. */
export const STATE_DICT_KEYS = ["state_dict", "model", "model_state_dict"] as const;

const MAX_DEPTH = 64;
const MAX_VALUES = 1_000_000;
const MAX_NAME_CHARS = 1024;

/**
 * Tensors by dotted path.
 *
 * @param strict - refuses everything that is neither a tensor nor a dict
 * @throws AppError("data", "TORCH_STATE_DICT" | "TORCH_DAMAGED")
 */
export function flatten(tree: TorchValue, where: string, strict: boolean): Map<string, TorchTensor> {
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

/** What is not a state dict, or not in one. */
export function noStateDict(expected: string, got: TorchValue, where: string): AppError {
  const shown =
    got instanceof ForeignTensor
      ? got.py
      : typeof got === "object" && got !== null
        ? got.constructor.name
        : got;
  const hint = `save the model's state_dict(), alone or under ${STATE_DICT_KEYS.join(" or ")}`;
  return unexpected("data", { code: "TORCH_STATE_DICT", expected, name: where, got: shown, hint });
}

/** A dotted path, one key longer. */
export function join(path: string, key: TorchValue): string {
  const name = typeof key === "object" ? "?" : String(key);
  return path === "" ? name : `${path}.${name}`;
}
