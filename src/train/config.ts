// ◇ Browser-safe. The configuration of a training run: one schema holds defaults, ranges and the help texts of the flags.
// Invariant: config and data determine every byte of a run's checkpoints.

import { z } from "zod";
import { unexpected } from "../core/errors.ts";
import { parseJson, schemaFault } from "../core/schema.ts";
import { flagOf, MODALITIES } from "../core/words.ts";
import { THRESHOLD } from "../evaluate/metrics/binary.ts";
import { PIXELS, PIXELS_NAMES } from "../models/backbones/recipes.ts";
import { backbone } from "../models/backbones/registry.ts";
import { ARCHS, type ModelFacts, OUTPUT_MEANING, type SourceFacts } from "../models/facts.ts";
import { freezeStages, GLOBAL_POOLS, slowStages } from "../models/model.ts";
import { parseTag, type Tag } from "../models/tags.ts";
import { CLASS_TARGETS, type TargetFacts } from "../models/targets.ts";
import { type AugmentPolicy, FULL_AUGMENT } from "../pixels/jitter.ts";
import { pixelsFor } from "./pretrained.ts";

/** Keys, defaults, ranges and help texts of a training run. */
export const trainConfigSchema = z.strictObject({
  arch: z.enum(ARCHS).describe("architecture"),
  tag: z
    .string()
    .describe(
      "configuration tag, e.g. mobilenetv2_100.ra_in1k_F1_Af_Lb_Z0; .none in place of .ra_in1k for random weights",
    ),
  data: z
    .array(z.string())
    .min(1)
    .describe("source of images: pairs:DIR, utkface:DIR, hands11k:DIR or fairface:DIR; repeatable"),
  modality: z
    .enum(MODALITIES)
    .optional()
    .describe("train and validate on images of this modality only, in the same split; both if left out"),
  weights: z
    .string()
    .optional()
    .describe(
      "pretrained backbone that the tag names: .safetensors, .pt, .pth, or timm:NAME.TAG from the Hugging Face hub",
    ),
  imageSize: z.int().min(16).max(1024).default(224).describe("side of the square input, px"),
  pixels: z
    .enum(PIXELS_NAMES)
    .default("raw")
    .describe(
      "normalisation: raw 0..1, inception -1..1 (default: that of timm's weights; raw without weights)",
    ),
  padding: z
    .enum(["same", "symmetric"])
    .optional()
    .describe("padding, if not the backbone's own; must be given for weights that are not timm's"),
  bnEps: z.number().positive().max(0.1).optional().describe("BatchNorm's epsilon, if not the usual one"),
  globalPool: z
    .enum(GLOBAL_POOLS)
    .optional()
    .describe(
      "pooling of vision transformers: the class token, as their weights expect, or the mean of the other tokens, as in upstream's modules",
    ),
  epochs: z.int().min(1).max(10_000).default(20).describe("passes over the training images"),
  patience: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe("stop after this many epochs without a better validation figure; never if left out"),
  batch: z.int().min(2).max(4096).default(32).describe("images per step; a partial last batch is left out"),
  accumulate: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      "batches whose gradients are added up before each update, in the memory of one batch; 1 if left out",
    ),
  lr: z.number().positive().max(10).default(3e-4).describe("highest learning rate"),
  layerDecay: z
    .number()
    .min(0.01)
    .max(1)
    .optional()
    .describe(
      "factor on the learning rate from each stage of the backbone to the one before; heads learn at full rate",
    ),
  minLr: z.number().min(0).max(10).default(0).describe("learning rate at the end of the cosine"),
  warmupEpochs: z.number().min(0).max(1000).default(0).describe("epochs of linear warm-up"),
  weightDecay: z.number().min(0).max(10).default(0.01).describe("decoupled decay; none on biases and norms"),
  decayAll: z.boolean().default(false).describe("decay biases and norms too, as a bare torch AdamW does"),
  clipNorm: z.number().positive().optional().describe("limit on the global gradient norm; none if left out"),
  labelSmoothing: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("smoothing x of the sex labels, y (1 - x) + x / 2; none if left out"),
  ema: z
    .number()
    .min(0)
    .max(0.999999)
    .optional()
    .describe(
      "decay per step of a moving average of the weights, which is evaluated in their place; none if left out",
    ),
  dropRate: z
    .number()
    .min(0)
    .max(0.9)
    .optional()
    .describe("dropout before the classifier, if not upstream's"),
  dropPathRate: z.number().min(0).max(0.9).default(0).describe("stochastic depth of the last block"),
  targets: z
    .array(z.enum(["gender", ...CLASS_TARGETS]))
    .min(1)
    .optional()
    .describe("what to learn, separated by commas: gender, and with it age, race; gender alone if left out"),
  ageWeight: z
    .number()
    .positive()
    .max(100)
    .optional()
    .describe("weight of the cross-entropy of age; 0.3 if left out"),
  raceWeight: z.number().positive().max(100).optional().describe("the same for race; 0.3 if left out"),
  seed: z
    .int()
    .min(0)
    .max(0x7fff_ffff)
    .default(42)
    .describe("seed of initial weights, order, augmentation and dropout"),
  splitSeed: z
    .int()
    .min(0)
    .max(0x7fff_ffff)
    .default(42)
    .describe("seed of the subject split of sources that have none"),
  val: z.number().min(0.01).max(0.9).default(0.2).describe("share of subjects in that split's val"),
  test: z.number().min(0).max(0.9).default(0).describe("share of subjects in that split's test"),
});
/** A checked configuration with its defaults filled in. */
export type TrainConfig = z.output<typeof trainConfigSchema>;

/** The part of a configuration that determines what the model is, whoever trained it. */
export const modelConfigSchema = trainConfigSchema.pick({
  arch: true,
  tag: true,
  imageSize: true,
  pixels: true,
  padding: true,
  bnEps: true,
  globalPool: true,
});
export type ModelConfig = z.output<typeof modelConfigSchema>;

/**
 * Checks a configuration and fills in the defaults; pixels follow from the weights that the tag names.
 *
 * @param input - keys of the schema; unknown ones are refused
 * @throws AppError("input", "CONFIG" | "TAG" | "BACKBONE" | "GATING" | "TARGETS" | "PRETRAINED" | "PIXELS" | "PADDING")
 */
export function parseTrainConfig(input: unknown): TrainConfig {
  const config = parseStoredConfig(input);
  checkSchedule(config);
  const isGiven = (input as { readonly pixels?: unknown | undefined }).pixels !== undefined;
  const pixels = pixelsFor(config, isGiven);
  return { ...config, pixels };
}

/**
 * The same of a run that exists, as it is: its folder stays readable, whatever its tag claims of its weights.
 *
 * @throws as parseTrainConfig, but for what is asked of weights
 */
export function parseStoredConfig(input: unknown): TrainConfig {
  const config = parseConfig(trainConfigSchema, input);
  checkTargets(config);
  return config;
}

/**
 * The same for a model that was trained elsewhere.
 *
 * @throws as parseTrainConfig
 */
export function parseModelConfig(input: unknown): ModelConfig {
  return parseConfig(modelConfigSchema, input);
}

function parseConfig<C extends ModelConfig>(schema: z.ZodType<C>, input: unknown): C {
  const result = schema.safeParse(input);
  if (!result.success) {
    const { key, ...fault } = schemaFault(result.error, input);
    throw unexpected("input", { code: "CONFIG", name: nameOf(key), ...fault });
  }
  checkTag(result.data);
  return result.data;
}

/** Messages name keys by the flags that people type; of a list, the flag without the position. */
function nameOf(key: string): string {
  const [first = "", ...below] = key.split(".").filter((part) => !/^\d+$/.test(part));
  return first === "" ? "the configuration" : [flagOf(first), ...below].join(".");
}

function checkTag({ arch, tag }: ModelConfig): void {
  const parsed = parseTag(tag);
  backbone(parsed.backbone);
  if ((arch === "mag") !== (parsed.gating !== undefined)) {
    const expected = arch === "mag" ? "a tag with gating=soft or gating=hard" : "a tag without gating";
    throw unexpected("input", { code: "GATING", expected, name: `--tag of ${arch}`, got: tag });
  }
  if (arch === "mag" && parsed.flag) {
    throw unexpected("input", {
      code: "GATING",
      expected: "F0 (only UMCC takes the flag)",
      name: "--tag of mag",
      got: tag,
    });
  }
  if (parsed.frozen > 2) {
    throw unexpected("input", { code: "FREEZING", expected: "Z0, Z1 or Z2", name: "--tag", got: tag });
  }
}

/**
 * Before the run has a folder: the rate rises in the warm-up, then falls to its lowest; patience ends before the last epoch.
 */
export function checkSchedule({ lr, minLr, epochs, warmupEpochs, patience }: TrainConfig): void {
  const refuse = (expected: string, name: string, got: number) =>
    unexpected("input", { code: "CONFIG", expected, name, got });
  if (minLr > lr) throw refuse(`at most the highest learning rate, ${lr},`, "--min-lr", minLr);
  if (warmupEpochs >= epochs)
    throw refuse(`fewer than the ${epochs} epochs`, "--warmup-epochs", warmupEpochs);
  if (patience !== undefined && patience >= epochs)
    throw refuse(`fewer than the ${epochs} epochs, or no patience at all,`, "--patience", patience);
}

function checkTargets({ targets = ["gender"], ...weights }: TrainConfig): void {
  const refuse = (expected: string, name: string, got: unknown) =>
    unexpected("input", { code: "TARGETS", expected, name, got });
  if (!targets.includes("gender") || new Set(targets).size < targets.length)
    throw refuse("gender and what else is to be learnt, each once", "--targets", targets.join(","));
  for (const name of CLASS_TARGETS) {
    const weight = weights[`${name}Weight`];
    if (weight === undefined || targets.includes(name)) continue;
    throw refuse(`--targets with ${name}`, `--${name}-weight`, weight);
  }
}

/** Reads a run's config.json. */
export function readTrainConfig(text: string, where: string): TrainConfig {
  return parseStoredConfig(parseJson(text, z.json(), where));
}

/** What the checkpoints of a run state about themselves. */
export function factsOf(
  config: ModelConfig,
  trainedOn: readonly SourceFacts[],
  targets: readonly TargetFacts[] = [],
): ModelFacts {
  const tag = parseTag(config.tag);
  const { mean, std } = PIXELS[config.pixels];
  return {
    format: 1,
    arch: config.arch,
    tag: config.tag,
    backbone: tag.backbone,
    flag: tag.flag,
    gating: tag.gating ?? null,
    padding: config.padding,
    bnEps: config.bnEps,
    globalPool: config.globalPool,
    pixels: { sizePx: config.imageSize, interpolation: "bilinear", mean: [...mean], std: [...std] },
    threshold: THRESHOLD,
    output: OUTPUT_MEANING,
    trainedOn: [...trainedOn],
    ...(targets.length === 0 ? {} : { targets: [...targets] }),
  };
}

/** A of the tag. */
export function augmentOf(tag: Tag): AugmentPolicy | undefined {
  return tag.augment === "f" ? FULL_AUGMENT : undefined;
}

/** Z of the tag: 0 nothing frozen, 1 the first half of the backbone's stages, 2 the whole backbone. */
export function frozenOf(tag: Tag): ((name: string) => boolean) | undefined {
  if (tag.frozen === 0) return undefined;
  const network = backbone(tag.backbone);
  const count = tag.frozen === 1 ? Math.floor(network.stages.length / 2) : network.stages.length;
  return freezeStages(network, count);
}

/** The factors of layer-wise decay on the learning rates; undefined without. */
export function rateOf({ tag, layerDecay }: TrainConfig): ((name: string) => number) | undefined {
  return layerDecay === undefined ? undefined : slowStages(backbone(parseTag(tag).backbone), layerDecay);
}

/** Images between two updates. */
export function imagesPerStep({ batch, accumulate = 1 }: TrainConfig): number {
  return batch * accumulate;
}
