// ◇ Browser-safe. What a checkpoint states about itself: enough to rebuild the graph and to treat pixels as in training.
// Invariant: facts and weights together determine every prediction.
import { unexpected } from "../core/errors.ts";
import { safeParse, schemaFault } from "../core/schema.ts";
import * as shape from "../formats/shape.ts";
import { backbone } from "./backbones/registry.ts";
import { GATINGS, mag } from "./mag.ts";
import { type BackboneOptions, GLOBAL_POOLS, type ModelGraph } from "./model.ts";
import { type TargetFacts, targetFactsShape } from "./targets.ts";
import { umcc } from "./umcc.ts";

export const ARCHS = ["umcc", "mag"] as const;
export type Arch = (typeof ARCHS)[number];

/** How an image becomes the network's input: PIL-bilinear resize to a square, /255, then mean and std. */
export interface PixelFacts {
  sizePx: number;
  interpolation: "bilinear";
  mean: [number, number, number];
  std: [number, number, number];
}

/** One source of training images, as it was. */
export interface SourceFacts {
  kind: string;
  manifestHash: string;
  /** Hash of the alignment recipe; for derived pairs. */
  recipeHash?: string | undefined;
  images: number;
}

/** The facts that a checkpoint carries beside its weights. */
export interface ModelFacts {
  format: 1;
  arch: Arch;
  tag: string;
  backbone: string;
  /** UMCC: whether the modality flag is an input. */
  flag: boolean;
  /** MAG: how the two heads are mixed; null for UMCC. */
  gating: (typeof GATINGS)[number] | null;
  padding?: "same" | "symmetric" | undefined;
  bnEps?: number | undefined;
  /** Of vision transformers: `avg` where their tokens are averaged; their own is the class token. */
  globalPool?: (typeof GLOBAL_POOLS)[number] | undefined;
  pixels: PixelFacts;
  /** Probability of male from which the decision is male. */
  threshold: number;
  /** What the output means; the label is apparent, never identity. */
  output: "probability of male as recorded in the training labels";
  trainedOn: SourceFacts[];
  /** What it predicts beside the sex: classes as recorded in the training images; absent if nothing. */
  targets?: TargetFacts[] | undefined;
}

const { list, number, object, oneOf, optional, orNull, text, tuple, whole } = shape;
const channels = () => tuple<[number, number, number]>(number(), 3);

export const sourceFactsShape = object<SourceFacts>({
  kind: text(),
  manifestHash: text(),
  recipeHash: optional(text()),
  images: whole(shape.least(0)),
});

const modelFactsShape = object<ModelFacts>({
  format: oneOf(1),
  arch: oneOf(...ARCHS),
  tag: text(),
  backbone: text(),
  flag: shape.truth,
  gating: orNull(oneOf(...GATINGS)),
  padding: optional(oneOf("same", "symmetric")),
  bnEps: optional(number(shape.above(0))),
  globalPool: optional(oneOf(...GLOBAL_POOLS)),
  pixels: object<PixelFacts>({
    sizePx: whole(shape.least(16), shape.most(1024)),
    interpolation: oneOf("bilinear"),
    mean: channels(),
    std: channels(),
  }),
  threshold: number(shape.least(0), shape.most(1)),
  output: oneOf("probability of male as recorded in the training labels"),
  trainedOn: list(sourceFactsShape),
  targets: optional(list(targetFactsShape, shape.longer(1))),
});

/**
 * Checks the facts that a checkpoint carries.
 *
 * @throws AppError("data", "CHECKPOINT_FACTS") that names the first bad key
 */
export function parseFacts(facts: unknown, path: string): ModelFacts {
  const parsed = safeParse(modelFactsShape, facts);
  if (parsed.success) return parsed.data;
  const { key, ...fault } = schemaFault(parsed.error, facts);
  const name = key === "" ? "the facts" : `${key} of the facts`;
  throw unexpected("data", { code: "CHECKPOINT_FACTS", name, ...fault, where: path, cause: parsed.error });
}

export const OUTPUT_MEANING = "probability of male as recorded in the training labels";

/**
 * The graph that a checkpoint's facts describe.
 *
 * @param options - dropout and stochastic depth, for training; without effect on evaluation
 * @throws AppError("input", "BACKBONE") for an unknown backbone
 */
export function modelGraph(
  facts: Pick<
    ModelFacts,
    "arch" | "backbone" | "flag" | "gating" | "padding" | "bnEps" | "globalPool" | "targets"
  >,
  options: Pick<BackboneOptions, "dropRate" | "dropPathRate"> = {},
): ModelGraph {
  const { padding, bnEps, globalPool, targets } = facts;
  const all: BackboneOptions = {
    ...options,
    globalPool,
    padding,
    bnEps,
  };
  const network = backbone(facts.backbone);
  if (facts.arch === "umcc") return umcc({ backbone: network, flag: facts.flag, targets, options: all });
  return mag({ backbone: network, gating: facts.gating ?? "soft", targets, options: all });
}
