// Checkpoints of upstream's PyTorch code (UMCC and MAG state dicts) as this package's, and the reverse.
// Source: upstream's src/ugnet/models: names, shapes, and where a state dict may lie.
// Invariant: what is converted fits the architecture and its tag exactly, or is refused with what does not.
import { type AppError, unexpected } from "../../core/errors.ts";
import { writeCheckpoint } from "../../engine/checkpoint-file.ts";
import type { ParamSpec, Weights } from "../../engine/params.ts";
import { backbone } from "../../models/backbones/registry.ts";
import { type ModelFacts, modelGraph } from "../../models/facts.ts";
import {
  exportStateDict,
  type FileWeights,
  fitWeights,
  readFileWeights,
} from "../../models/files/weights.ts";
import { GLOBAL_POOLS } from "../../models/model.ts";
import { TARGET_HEADS } from "../../models/targets.ts";
import { loadModel } from "../../predict/model-file.ts";
import { factsOf, type ModelConfig } from "../config.ts";
import { declaredSpecs } from "../step/graph.ts";

/** A converted model, before it is written. */
export interface Converted {
  readonly facts: ModelFacts;
  readonly specs: readonly ParamSpec[];
  readonly weights: Weights;
  /** Names of tensors that were not written. */
  readonly leftOut?: readonly string[] | undefined;
  /** Which weights of a .pt or .pth they are. */
  readonly taken?: FileWeights["taken"] | undefined;
}

type Tensors = FileWeights["tensors"];

/**
 * Reads a state dict of upstream's as the model that a configuration describes.
 *
 * @param path - .pt, .pth or .safetensors; the dict alone or under `state_dict` or `model`, wrapped or not
 * @param config - or what makes one of the flag that the classifier takes: see upstreamFlag
 * @throws AppError("input", "ARCH_MISMATCH" | "FLAG_MISMATCH" | "POOL_MISMATCH") if the file is of the other
 *   architecture, or its classifier takes the modality flag where the tag has F0, or lacks it where the tag has F1, or
 *   its transformer pools in another way
 * @param ema - of a .pt or .pth that also has an average of its weights: which to take; see chooseWeights
 * @throws AppError("data", "WEIGHTS_MISMATCH") and as readFileWeights
 * @example await readUpstream("1752668630.pt", parseModelConfig({ arch: "umcc", tag }))
 */
export async function readUpstream(
  path: string,
  config: ModelConfig | ((flagOf: (backbone: string) => boolean | undefined) => ModelConfig),
  ema?: boolean | undefined,
): Promise<Converted> {
  const { tensors, taken } = await readFileWeights(path, ema);
  const asked = typeof config === "function" ? config((name) => upstreamFlag(tensors, name)) : config;
  const known = withPooling(tensors, asked, path);
  const facts = factsOf(known, []);
  checkArch(tensors, facts, path);
  checkFlag(tensors, facts, path);
  const specs = declaredSpecs(modelGraph(facts), facts.pixels.sizePx);
  return { facts, specs, weights: fitWeights(tensors, specs, path), taken };
}

const MARKS = { umcc: "classifier.weight", mag: "gate.0.weight" } as const;

function checkArch(tensors: Tensors, { arch }: ModelFacts, where: string): void {
  const names = new Set(tensors.map(({ name }) => name));
  const other = arch === "umcc" ? "mag" : "umcc";
  if (names.has(MARKS[arch]) || !names.has(MARKS[other])) return;
  throw mismatch("ARCH_MISMATCH", other, "--arch", arch, where);
}

/** timm's names of a transformer's last norm, by what is pooled. */
const LAST_NORMS = { token: "backbone.norm.weight", avg: "backbone.fc_norm.weight" } as const;

/** The pooling of a vision transformer follows from the name of its last norm; upstream's modules take the mean. */
function withPooling(tensors: Tensors, config: ModelConfig, where: string): ModelConfig {
  if (!tensors.some(({ name }) => name === "backbone.cls_token")) return config;
  const names = new Set(tensors.map(({ name }) => name));
  const found = GLOBAL_POOLS.filter((pool) => names.has(LAST_NORMS[pool]));
  const [pool] = found;
  if (found.length !== 1 || pool === undefined) return config; // the tensors are compared below, and named
  if (config.globalPool === undefined) return pool === "token" ? config : { ...config, globalPool: pool };
  if (config.globalPool === pool) return config;
  const expected = `${pool}, as the file has ${LAST_NORMS[pool]}`;
  throw mismatch("POOL_MISMATCH", expected, "--global-pool", config.globalPool, where);
}

const classifierWidth = (tensors: Tensors) => tensors.find(({ name }) => name === MARKS.umcc)?.shape[1];

/**
 * Whether a state dict of UMCC takes the modality flag: its classifier is then two values wider than the features, for
 * the one-hot modality; undefined if neither width is there.
 *
 * @param name - backbone, e.g. `tf_efficientnetv2_s`
 */
export function upstreamFlag(tensors: Tensors, name: string): boolean | undefined {
  const { features } = backbone(name);
  const width = classifierWidth(tensors);
  return width === features ? false : width === features + 2 ? true : undefined;
}

function checkFlag(tensors: Tensors, facts: ModelFacts, where: string): void {
  if (facts.arch !== "umcc") return;
  const flag = upstreamFlag(tensors, facts.backbone);
  if (flag === undefined || flag === facts.flag) return;
  const { features } = backbone(facts.backbone);
  const inferred = `F${Number(flag)}, as its classifier takes ${classifierWidth(tensors)} values of ${features} features`;
  throw mismatch("FLAG_MISMATCH", inferred, "--tag", facts.tag, where);
}

function mismatch(code: string, expected: string, name: string, got: string, where: string): AppError {
  return unexpected("input", { code, expected, name, got, where });
}

/** Writes a converted model as a checkpoint of this package. */
export async function writeConverted(path: string, { facts, specs, weights }: Converted): Promise<void> {
  await writeCheckpoint(path, specs, { weights }, facts);
}

/**
 * Writes a model as a state dict for PyTorch: upstream's modules load it, strictly. They have no heads of further
 * targets, so that these are left out; the result has what was written.
 *
 * @param target - a checkpoint of this package, or a run folder for its best
 * @param path - ends in .pt or .pth
 */
export async function writeForTorch(target: string, path: string): Promise<Converted> {
  const { facts, weights } = await loadModel(target);
  const all = declaredSpecs(modelGraph(facts), facts.pixels.sizePx);
  const specs = all.filter(({ name }) => !TARGET_HEADS.some((head) => name.startsWith(head)));
  await exportStateDict(path, specs, weights);
  return {
    facts,
    specs,
    weights,
    leftOut: all.filter((spec) => !specs.includes(spec)).map(({ name }) => name),
  };
}
