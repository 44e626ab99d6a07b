// Weights from files into a model, strictly: every tensor fits or the file is refused with a list of what does not.
// Reads .safetensors (timm's on the hub, this package's) and .pt / .pth (upstream's checkpoints).
// Invariant: what is returned has exactly the names and sizes asked for, in float32.
import { extname } from "node:path";
import { AppError, unexpected } from "../../core/errors.ts";
import type { ParamSpec, Weights } from "../../engine/params.ts";
import { readSafetensors } from "../../formats/safetensors-file.ts";
import { type Dtype, float32Tensor, type NamedTensor, toFloat32 } from "../../formats/tensor.ts";
import { readTorchWeights } from "../../formats/torch/torch.ts";
import type { WeightsTaken } from "../../formats/torch/weights.ts";
import { writeTorch } from "../../formats/torch/write.ts";

export interface FitOptions {
  /** Put before the file's names: `backbone.` loads timm's weights into the backbone of a model. */
  readonly prefix?: string | undefined;
  /**
   * Drops the file's class head (`classifier.*`, `fc.*`, `head.fc.*`, `head.*`) where the model has none of that name,
   * or one of another width.
   */
  readonly dropHead?: boolean | undefined;
}

/** Most names that a message lists. */
const LISTED = 10;
/** torch's counter of BatchNorm steps: no computation here uses it. */
const COUNTER = ".num_batches_tracked";
/** Class heads of timm's networks: EfficientNets and MobileNets, ResNets, ConvNeXts, vision transformers. */
const HEADS = ["classifier.", "fc.", "head.fc.", "head.weight", "head.bias"] as const;
const FLOATING: ReadonlySet<Dtype> = new Set(["float16", "bfloat16", "float32", "float64"]);

/** Tensors of a file of weights. */
export interface FileWeights {
  readonly tensors: NamedTensor[];
  /** Which of a .pt or .pth file's weights they are; undefined for .safetensors, which has one set. */
  readonly taken?: WeightsTaken | undefined;
}

/** Names that wrappers put on the way to a module: torch.compile, DataParallel and DDP, FSDP, activation checkpointing. */
const WRAPPERS: ReadonlySet<string> = new Set([
  "_orig_mod",
  "module",
  "_fsdp_wrapped_module",
  "_checkpoint_wrapped_module",
]);
/** PyTorch's files by their endings: Lightning's are .ckpt, timm's training leaves .pth.tar, transformers' .bin. */
const TORCH_FILE = /\.(pt|pth|ckpt|bin|pth\.tar)$/i;
/** Where a LightningModule usually keeps the network. */
const HOLDER = "model";

/**
 * Reads a file's tensors, by the names that the network itself gives them: what wraps it is left out of them.
 *
 * @param path - ends in .safetensors, .pt, .pth, .ckpt, .pth.tar or .bin; a state dict may lie under `state_dict` or `model`
 * @param ema - of a .pt or .pth: see chooseWeights
 * @throws AppError("input", "WEIGHTS_FORMAT") for another ending; as readSafetensors and readTorchWeights
 * @throws AppError("data", "WEIGHTS_NAMES") if two tensors have one name without their wrappers
 */
export async function readFileWeights(path: string, ema?: boolean | undefined): Promise<FileWeights> {
  const { tensors, taken } = await readByExtension(path, ema);
  const named = new Map<string, string>();
  const bare = tensors.map((tensor) => {
    const name = unwrapped(tensor.name);
    const other = named.get(name);
    if (other !== undefined) throw sameName(path, name, [other, tensor.name]);
    named.set(name, tensor.name);
    return name === tensor.name ? tensor : { ...tensor, name };
  });
  return { tensors: bare, taken };
}

/** The tensors alone, as readFileWeights chooses them. */
export async function readTensors(path: string): Promise<NamedTensor[]> {
  return (await readFileWeights(path)).tensors;
}

function unwrapped(name: string): string {
  const parts = name.split(".");
  const inner = parts.filter((part, i) => i === parts.length - 1 || !WRAPPERS.has(part));
  const start = inner.findIndex((part) => part !== HOLDER);
  return inner.slice(Math.max(0, start)).join(".");
}

function sameName(where: string, name: string, got: readonly string[]): AppError {
  return unexpected("data", {
    code: "WEIGHTS_NAMES",
    expected: "one tensor",
    name,
    got: got.join(" and "),
    where,
    hint: "save the state dict of one of them alone",
  });
}

/**
 * A sentence on which of a file's weights are taken; undefined where there is no choice.
 *
 * @example choiceText({ from: "state_dict_ema", average: true, others: ["state_dict"] })
 */
export function choiceText(taken: WeightsTaken | undefined): string | undefined {
  if (taken === undefined || (!taken.average && taken.others.length === 0)) return undefined;
  const { from, average, others } = taken;
  const what = average ? "an average over training steps" : "as trained";
  const path = from === "" ? "the file itself" : from;
  if (others.length === 0) return `${path}: ${what}`;
  const rest = others.map((other) => other || "the file itself").join(", ");
  return `${path}: ${what}; the file also has ${rest}`;
}

async function readByExtension(path: string, ema: boolean | undefined): Promise<FileWeights> {
  if (TORCH_FILE.test(path)) {
    const { tensors, taken } = await readTorchWeights(path, ema);
    return { tensors: [...tensors].map(([name, tensor]) => ({ ...tensor, name })), taken };
  }
  if (extname(path).toLowerCase() !== ".safetensors") {
    const expected = "a .safetensors, .pt, .pth or .ckpt file";
    throw unexpected("input", { code: "WEIGHTS_FORMAT", expected, name: "weights", got: path });
  }
  if (ema === undefined) return { tensors: [...(await readSafetensors(path)).tensors] };
  throw unexpected("input", {
    code: "EMA",
    expected: "a .pt, .pth or .ckpt file, which can have several weights,",
    name: ema ? "--ema" : "--no-ema",
    got: path,
  });
}

/** What is wrong with a file's tensors, by kind. */
interface Problems {
  readonly missing: string[];
  readonly unexpected: string[];
  readonly misshapen: string[];
  readonly broken: string[];
}

/**
 * Values of all parameters and buffers from a file's tensors.
 *
 * @param specs - what is wanted, and nothing else may be in the file
 * @param where - file name for messages
 * @returns float32 by name, copies of the file's memory; without a dropped head
 * @throws AppError("data", "WEIGHTS_MISMATCH") listing missing, unexpected, misshapen and broken (not floating, or
 *   not finite) tensors
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
  const problems: Problems = { missing: [], unexpected: [], misshapen: [], broken: [] };
  const seen = new Set<string>();
  for (const tensor of tensors) {
    if (tensor.name.endsWith(COUNTER)) continue;
    const name = `${prefix}${tensor.name}`;
    const spec = wanted.get(name);
    seen.add(name);
    if (spec !== undefined && sameShape(spec.shape, tensor.shape)) take(name, tensor, weights, problems);
    else if (dropHead && HEADS.some((head) => tensor.name.startsWith(head))) continue;
    else if (spec === undefined) problems.unexpected.push(name);
    else problems.misshapen.push(`${name} [${tensor.shape}] instead of [${spec.shape}]`);
  }
  for (const name of wanted.keys()) if (!seen.has(name)) problems.missing.push(name);
  if (Object.values(problems).some((names: readonly string[]) => names.length > 0))
    throw mismatch(where, problems);
  return weights;
}

function take(name: string, tensor: NamedTensor, weights: Weights, { broken }: Problems): void {
  if (!FLOATING.has(tensor.dtype)) {
    broken.push(`${name} of ${tensor.dtype}`);
    return;
  }
  const values = toFloat32(tensor).slice(); // `from` goes value by value: a second for a network of 20 million
  const at = firstNotFinite(values);
  if (at !== undefined) broken.push(`${name} with ${values[at]} at ${at}`);
  weights.set(name, values);
}

function firstNotFinite(values: Float32Array): number | undefined {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) return i;
  return undefined;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

function mismatch(where: string, problems: Problems): AppError {
  const lists = Object.entries(problems)
    .filter(([, names]: [string, readonly string[]]) => names.length > 0)
    .map(([kind, names]: [string, readonly string[]]) => {
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
 * Weights of a model's backbone from a file of timm's, whose names have no `backbone.`; its class head is dropped.
 *
 * @param specs - of the whole model; its heads are not in the result and keep their initial values
 * @param onTaken - called with a sentence on which of several weights of the file are taken
 * @throws as readTensors and fitWeights
 * @example loadBackbone("model.safetensors", scope.specs.values())
 */
export async function loadBackbone(
  path: string,
  specs: Iterable<ParamSpec>,
  onTaken?: ((choice: string) => void) | undefined,
): Promise<Weights> {
  const prefix = "backbone.";
  const backbone = [...specs].filter(({ name }) => name.startsWith(prefix));
  const { tensors, taken } = await readFileWeights(path);
  const choice = choiceText(taken);
  if (choice !== undefined) onTaken?.(choice);
  return fitWeights(tensors, backbone, path, { prefix, dropHead: true });
}

/**
 * Tensors that torch's strict load_state_dict takes: with BatchNorm's step counters, as 0.
 *
 * @param specs - in the order of the result
 * @throws AppError("internal", "WEIGHTS_INCOMPLETE") if a spec has no value
 */
export function exportTensors(specs: Iterable<ParamSpec>, weights: Weights): NamedTensor[] {
  return [...specs].flatMap(({ name, shape }) => {
    const values = weights.get(name);
    if (values === undefined) {
      throw new AppError("internal", "WEIGHTS_INCOMPLETE", `Expected a value for ${name}, got nothing`);
    }
    const tensor = float32Tensor(name, shape, values);
    if (!name.endsWith(".running_var")) return [tensor];
    const counter = name.slice(0, -".running_var".length) + COUNTER;
    return [tensor, { name: counter, shape: [], dtype: "int64", data: new Uint8Array(8) } as const];
  });
}

/** Writes the same as a .pt file. */
export async function exportStateDict(
  path: string,
  specs: Iterable<ParamSpec>,
  weights: Weights,
): Promise<void> {
  await writeTorch(path, exportTensors(specs, weights));
}
