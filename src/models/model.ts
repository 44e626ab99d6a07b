// ◇ Browser-safe. What a model is: a pure function that declares its parameters through a Scope and returns symbolic
// outputs. Backbones give features [N, F]; architectures (umcc, mag) put heads on them.
// Invariant: names and shapes are those of timm's and upstream's state dictionaries, in the same order.
import { unexpected } from "../core/errors.ts";
import { flagOf } from "../core/words.ts";
import type { Value } from "../engine/graph.ts";
import type { Scope } from "../engine/params.ts";
import type { TargetScores } from "./targets.ts";

export interface ModelInputs {
  /** Normalised pixels, f32 [N, 3, S, S]. */
  readonly pixels: Value;
  /** One-hot modality in the order of MODALITIES (hand, face), f32 [N, 2]; needed by UMCC with the flag on. */
  readonly flag?: Value | undefined;
}

export interface ModelOutputs {
  /** Log-odds of male, [N]. */
  readonly logits: Value;
  /** MAG: scores of hand and face, [N, 2]. */
  readonly gateLogits?: Value | undefined;
  /** MAG: the weights that the two heads got, [N, 2]; rows sum to 1. */
  readonly gate?: Value | undefined;
  /** MAG: log-odds of male by the hand head and by the face head, [N, 2]. */
  readonly heads?: Value | undefined;
  /** Scores of the classes of further targets; absent without any. */
  readonly targets?: TargetScores | undefined;
}

/** Builds the graph of a model; calling it computes nothing. */
export type ModelGraph = (scope: Scope, inputs: ModelInputs) => ModelOutputs;

/** How the pixels that some pretrained weights expect are made. */
export interface PixelRecipe {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly interpolation: "bilinear" | "bicubic";
  /** Side of the square that the weights were trained on, px. */
  readonly sizePx: number;
}

/** timm's ways from a transformer's tokens to features: the class token's last state, or the mean of all others. */
export const GLOBAL_POOLS = ["token", "avg"] as const;
export type GlobalPool = (typeof GLOBAL_POOLS)[number];

/** Departures from a backbone's own settings; each is part of a checkpoint's configuration. */
export interface BackboneOptions {
  /** TensorFlow's `same` or torch's `symmetric` padding. */
  readonly padding?: "same" | "symmetric" | undefined;
  readonly bnEps?: number | undefined;
  /** Share of the new value in running statistics, as torch. */
  readonly bnMomentum?: number | undefined;
  /** Of vision transformers; `token` is their own. */
  readonly globalPool?: GlobalPool | undefined;
  /** Dropout on the pooled features. */
  readonly dropRate?: number | undefined;
  /** Stochastic depth at the last block; grows linearly from 0 at the first. */
  readonly dropPathRate?: number | undefined;
}

export interface Backbone {
  readonly name: string;
  /** Width F of the features. */
  readonly features: number;
  /** Name prefixes of the parts from input to output, the unit of partial freezing. */
  readonly stages: readonly (readonly string[])[];
  /** Pixel recipes of timm's weights, by timm's tag (the part after the dot in `name.tag`). */
  readonly pretrained: Readonly<Record<string, PixelRecipe>>;
  /** No block whose branch stochastic depth could leave out. */
  readonly neverDrops?: boolean | undefined;
  /** Its own padding, which timm's weights were trained with; absent where the network has one form only. */
  readonly padding?: "same" | "symmetric" | undefined;
  /** Declares parameters under `prefix` (such as `backbone.`) and returns features [N, F]. */
  build(scope: Scope, prefix: string, pixels: Value, options?: BackboneOptions): Value;
}

/**
 * Refuses options that mean nothing to a network, so that none is accepted without effect.
 *
 * @throws AppError("input", "BACKBONE_OPTION") if one of `keys` is set
 */
export function refuseOptions(
  name: string,
  options: BackboneOptions,
  keys: readonly (keyof BackboneOptions)[],
): void {
  for (const key of keys) {
    if (options[key] === undefined) continue;
    const named = key === "bnMomentum" ? key : flagOf(key); // no flag of any verb
    throw unexpected("input", {
      code: "BACKBONE_OPTION",
      expected: "nothing",
      name: `${named} of ${name}`,
      got: options[key],
      hint: "leave it out: this network has one form only",
    });
  }
}

/**
 * The rule that freezes the first stages of a model's backbone.
 *
 * @param backbone - its stages, input first
 * @param count - how many stages do not learn; 0 to all
 * @returns for Scope.frozen: true for names below `backbone.` in one of these stages
 * @example freezeStages(backbone("mobilenetv2_100"), 3)("backbone.blocks.1.0.bn1") // true
 */
export function freezeStages({ stages }: Backbone, count: number): (name: string) => boolean {
  const frozen = stages.slice(0, count);
  return (name) => frozen.some((parts) => within(parts, name));
}

/**
 * The rule that lets earlier parts of a backbone learn more slowly: heads at the full rate, the last stage at `decay`
 * of it, each stage before at `decay` of the next.
 *
 * @param backbone - its stages, input first
 * @param decay - above 0, at most 1
 * @returns the factor on the learning rate of a parameter
 * @source timm param_groups_layer_decay, by stage where timm counts blocks
 * @example slowStages(backbone("resnet18"), 0.5)("backbone.layer4.0.conv1.weight") // 0.5
 */
export function slowStages({ stages }: Backbone, decay: number): (name: string) => number {
  return (name) => {
    const stage = stages.findIndex((parts) => within(parts, name));
    return stage === -1 ? 1 : decay ** (stages.length - stage);
  };
}

const within = (parts: readonly string[], name: string) =>
  parts.some((part) => name === `backbone.${part}` || name.startsWith(`backbone.${part}.`));
