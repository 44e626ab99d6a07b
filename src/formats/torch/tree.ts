// The tree of a torch file as tensors by dotted names.
// Invariant: of a state dict nothing is left out: what is neither a dict nor an array of numbers is refused by name.
import { type AppError, unexpected } from "../../core/errors.ts";
import { damaged } from "./file.ts";
import type { PickleValue } from "./pickle-machine.ts";
import { ForeignTensor, TorchTensor } from "./tensors.ts";

/** A torch file as plain data: see PickleValue; tensors are TorchTensors. */
export type TorchValue = PickleValue;

/** Where a checkpoint keeps the state dict if it is not one itself, in the order they are tried. */
export const STATE_DICT_KEYS = ["state_dict", "model", "model_state_dict"] as const;

const MAX_DEPTH = 64;
const MAX_NAME_CHARS = 1024;
/** Far more than any model has; each takes some 300 bytes beside its values. */
const MAX_TENSORS = 200_000;
/** Values that may be visited, and so many more for each that the file really has: dicts may be shared. */
const FREE_STEPS = 500_000;
const STEPS_PER_VALUE = 8;

/**
 * How much of one file's tree may be visited: a few hundred dicts that contain each other have more paths than can be walked.
 */
export class Walk {
  readonly #where: string;
  #left: number;

  /** @param where - file name for messages */
  constructor(tree: TorchValue, where: string) {
    this.#where = where;
    this.#left = FREE_STEPS + STEPS_PER_VALUE * valuesOf(tree);
  }

  /** @throws AppError("data", "TORCH_DAMAGED") if there were too many steps */
  step(path: string, steps = 1): void {
    this.#left -= steps;
    if (this.#left < 0) throw damaged("a tree of moderate size", this.#where, path);
  }
}

/** How many values dicts and lists hold, each of them counted once. */
function valuesOf(tree: TorchValue): number {
  const seen = new Set<TorchValue>([tree]);
  let values = 1;
  for (const part of seen) {
    if (!(part instanceof Map || Array.isArray(part))) continue;
    for (const inner of part.values()) {
      values++;
      if (inner instanceof Map || Array.isArray(inner)) seen.add(inner);
    }
  }
  return values;
}

/**
 * Tensors by dotted path.
 *
 * @param strict - refuses everything that is neither a tensor nor a dict
 * @param walk - steps that are left, where several walks go over one tree
 * @throws AppError("data", "TORCH_STATE_DICT" | "TORCH_DAMAGED")
 */
export function flatten(
  tree: TorchValue,
  where: string,
  strict: boolean,
  walk: Walk = new Walk(tree, where),
): Map<string, TorchTensor> {
  const found = new Map<string, TorchTensor>();
  const visit = (value: TorchValue, path: string, depth: number) => {
    walk.step(path);
    if (depth > MAX_DEPTH || path.length > MAX_NAME_CHARS) {
      throw damaged("a tree of moderate size", where, path);
    }
    if (value instanceof TorchTensor) {
      if (found.has(path)) throw noStateDict("each name once", path, where);
      if (found.size >= MAX_TENSORS) throw damaged(`at most ${MAX_TENSORS} tensors`, where, "more");
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
  return path === "" ? nameOf(key) : `${path}.${nameOf(key)}`;
}

/** A key as part of a name: text and numbers as they are; other keys of Python are not shown. */
export function nameOf(key: TorchValue): string {
  return typeof key === "object" ? "?" : String(key);
}
