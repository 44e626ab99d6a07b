// ◇ Browser-safe. The configuration of a training run: checked as a whole, and what it means.
// Invariant: config and data determine every byte of a run's checkpoints.

import { z } from "zod";
import { unexpected } from "../core/errors.ts";
import { parseJson, schemaFault } from "../core/schema.ts";
import { flagOf } from "../core/words.ts";
import type { AugmentSetup } from "../dataset/loader/order.ts";
import { parseRandAugment } from "../dataset/loader/rand-augment.ts";
import { THRESHOLD } from "../evaluate/metrics/binary.ts";
import { PIXELS } from "../models/backbones/recipes.ts";
import { backbone } from "../models/backbones/registry.ts";
import { type ModelFacts, OUTPUT_MEANING, type SourceFacts } from "../models/facts.ts";
import { freezeStages, slowStages } from "../models/model.ts";
import { parseTag, type Tag } from "../models/tags.ts";
import { CLASS_TARGETS, type TargetFacts } from "../models/targets.ts";
import { FULL_AUGMENT } from "../pixels/jitter.ts";
import { type ModelConfig, modelConfigSchema, type TrainConfig, trainConfigSchema } from "./config-schema.ts";
import { checkPhases, lastPhase } from "./phases.ts";
import { pixelsFor } from "./pretrained.ts";

export { type ModelConfig, modelConfigSchema, type TrainConfig, trainConfigSchema } from "./config-schema.ts";

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
  checkAugment(config);
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
 * Before the run has a folder: the rate rises in the warm-up, then falls to its lowest; patience ends before the last epoch;
 * phases are as checkPhases wants them.
 */
export function checkSchedule(config: TrainConfig): void {
  const { lr, minLr, warmupEpochs, patience } = config;
  const refuse = (expected: string, name: string, got: number) =>
    unexpected("input", { code: "CONFIG", expected, name, got });
  checkPhases(config);
  const epochs = config.epochs - (config.frozenEpochs ?? 0);
  if (minLr > lr) throw refuse(`at most the highest learning rate, ${lr},`, "--min-lr", minLr);
  if (warmupEpochs >= epochs)
    throw refuse(`fewer than the ${epochs} epochs`, "--warmup-epochs", warmupEpochs);
  const judged = config.epochs - lastPhase(config).from;
  if (patience !== undefined && patience >= judged)
    throw refuse(`fewer than the ${judged} epochs, or no patience at all,`, "--patience", patience);
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

/** A of the tag; RandAugment, where a run has it, takes the place of all but mirror images, as in timm. */
export function augmentOf({ tag, aa, pixels }: AugmentConfig): AugmentSetup | undefined {
  if (parseTag(tag).augment !== "f") return undefined;
  if (aa === undefined) return FULL_AUGMENT;
  const none = { brightness: 0, contrast: 0, saturation: 0, degrees: 0 };
  return { flip: FULL_AUGMENT.flip, ...none, rand: parseRandAugment(aa, PIXELS[pixels].mean) };
}

type AugmentConfig = Pick<TrainConfig, "tag" | "aa" | "pixels">;

function checkAugment(config: AugmentConfig): void {
  if (config.aa === undefined) return;
  parseRandAugment(config.aa, PIXELS[config.pixels].mean);
  if (parseTag(config.tag).augment !== "f")
    throw unexpected("input", {
      code: "CONFIG",
      expected: "Af in the tag, as An takes images as they are,",
      name: "--tag with --aa",
      got: config.tag,
    });
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
