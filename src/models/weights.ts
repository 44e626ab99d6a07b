// Weights from files into a model, strictly: every tensor fits or the file is refused with a list of what does not.
// Reads .safetensors (timm's on the hub, this package's) and .pt / .pth (upstream's checkpoints).
// Invariant: what is returned has exactly the names and sizes asked for, in float32.
import { extname } from "node:path";
import { AppError, unexpected } from "../core/errors.ts";
import type { ParamSpec, Weights } from "../engine/params.ts";
import { readSafetensors } from "../formats/safetensors.ts";
import { type NamedTensor, toFloat32 } from "../formats/tensor.ts";
import { readStateDict } from "../formats/torch.ts";

export interface FitOptions {
  /** Put before the file's names: `backbone.` loads timm's weights into the backbone of a model. */
  readonly prefix?: string;
  /** Drops `classifier.*` of the file (before the prefix) where the model has none, or one of another width. */
  readonly dropHead?: boolean;
}

/** Most names that a message lists. */
const LISTED = 10;
/** torch's counter of BatchNorm steps: no computation here uses it. */
const COUNTER = ".num_batches_tracked";
const HEAD = "classifier.";

/**
 * Reads a file's tensors; a state dict may lie under `state_dict` or `model`, and names may begin with `module.`.
 *
 * @param path - ends in .safetensors, .pt or .pth
 * @throws AppError("input", "WEIGHTS_FORMAT") for another ending; as readSafetensors and readStateDict
 */
export async function readTensors(path: string): Promise<NamedTensor[]> {
  const tensors = await readByExtension(path);
  // DataParallel wraps a whole model, so the prefix is on all names or none.
  const wrapped = tensors.length > 0 && tensors.every(({ name }) => name.startsWith("module."));
  return wrapped ? tensors.map((t) => ({ ...t, name: t.name.slice("module.".length) })) : tensors;
}

async function readByExtension(path: string): Promise<NamedTensor[]> {
  const extension = extname(path).toLowerCase();
  if (extension === ".safetensors") return [...(await readSafetensors(path)).tensors];
  if (extension === ".pt" || extension === ".pth") {
    return [...(await readStateDict(path))].map(([name, tensor]) => ({ ...tensor, name }));
  }
  throw unexpected("input", {
    code: "WEIGHTS_FORMAT",
    expected: "a .safetensors, .pt or .pth file",
    name: "weights",
    got: path,
  });
}

/**
 * Values of all parameters and buffers from a file's tensors.
 *
 * @param specs - what is wanted, and nothing else may be in the file
 * @param where - file name for messages
 * @returns float32 by name, copies of the file's memory
 * @throws AppError("data", "WEIGHTS_MISMATCH") listing missing, unexpected and misshapen tensors
 * @example fitWeights(tensors, backboneSpecs, path, { prefix: "backbone.", dropHead: true })
 */
export function fitWeights(
  tensors: Iterable<NamedTensor>,
  specs: Iterable<ParamSpec>,
  where: string,
  { prefix = "", dropHead = false }: FitOptions = {},
): Weights {
  const wanted = new Map([...specs].map((spec) => [spec.name, spec]));
  const weights: Weights = new Map();
  const unknown: string[] = [];
  const misshapen: string[] = [];
  const dropped = new Set<string>();
  for (const tensor of tensors) {
    if (tensor.name.endsWith(COUNTER)) continue;
    const name = `${prefix}${tensor.name}`;
    const spec = wanted.get(name);
    const fits = spec !== undefined && sameShape(spec.shape, tensor.shape);
    if (fits) weights.set(name, Float32Array.from(toFloat32(tensor)));
    else if (dropHead && tensor.name.startsWith(HEAD)) dropped.add(name);
    else if (spec === undefined) unknown.push(name);
    else misshapen.push(`${name} [${tensor.shape}] instead of [${spec.shape}]`);
  }
  const named = new Set([...weights.keys(), ...misshapen.map((text) => text.split(" ")[0]!)]);
  const missing = [...wanted.keys()].filter((name) => !named.has(name) && !dropped.has(name));
  if (missing.length + unknown.length + misshapen.length > 0)
    throw mismatch(where, { missing, unexpected: unknown, misshapen });
  return weights;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

function mismatch(where: string, problems: Readonly<Record<string, readonly string[]>>): AppError {
  const lists = Object.entries(problems)
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => {
      const rest = names.length > LISTED ? `, and ${names.length - LISTED} more` : "";
      return `${names.length} ${kind}: ${names.slice(0, LISTED).join(", ")}${rest}`;
    });
  return new AppError(
    "data",
    "WEIGHTS_MISMATCH",
    `Expected the model's tensors in ${where}, got ${lists.join("; ")}`,
    {
      hint: "check that the file belongs to this architecture and backbone; drop a class head only if you mean to",
    },
  );
}

/**
 * Weights of a whole model from a file.
 *
 * @throws as readTensors and fitWeights
 */
export async function loadWeights(
  path: string,
  specs: Iterable<ParamSpec>,
  options: FitOptions = {},
): Promise<Weights> {
  return fitWeights(await readTensors(path), specs, path, options);
}

/**
 * Weights of a model's backbone from a file of timm's: names without `backbone.`, with the class head of another task.
 *
 * @param specs - of the whole model; the heads keep their initial values
 * @throws as readTensors and fitWeights
 */
export async function loadBackbone(path: string, specs: Iterable<ParamSpec>): Promise<Weights> {
  const backbone = [...specs].filter(({ name }) => name.startsWith("backbone."));
  return loadWeights(path, backbone, { prefix: "backbone.", dropHead: true });
}
