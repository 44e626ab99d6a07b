// ◇ Browser-safe. What a checkpoint states about itself: enough to rebuild the graph and to treat pixels as in training.
// Invariant: facts and weights together determine every prediction.
import * as z from "zod/mini";
import { unexpected } from "../core/errors.ts";
import { schemaFault } from "../core/schema.ts";
import { backbone } from "./backbones/registry.ts";
import { GATINGS, mag } from "./mag.ts";
import { type BackboneOptions, GLOBAL_POOLS, type ModelGraph } from "./model.ts";
import { targetFactsSchema } from "./targets.ts";
import { umcc } from "./umcc.ts";

export const ARCHS = ["umcc", "mag"] as const;
export type Arch = (typeof ARCHS)[number];

const perChannel = z.tuple([z.number(), z.number(), z.number()]);

/** How an image becomes the network's input: PIL-bilinear resize to a square, /255, then mean and std. */
export const pixelFactsSchema = z.strictObject({
  sizePx: z.int().check(z.gte(16), z.lte(1024)),
  interpolation: z.literal("bilinear"),
  mean: perChannel,
  std: perChannel,
});

/** One source of training images, as it was. */
export const sourceFactsSchema = z.strictObject({
  kind: z.string(),
  manifestHash: z.string(),
  /** Hash of the alignment recipe; for derived pairs. */
  recipeHash: z.optional(z.string()),
  images: z.int().check(z.nonnegative()),
});
export type SourceFacts = z.infer<typeof sourceFactsSchema>;

export const modelFactsSchema = z.strictObject({
  format: z.literal(1),
  arch: z.enum(ARCHS),
  tag: z.string(),
  backbone: z.string(),
  /** UMCC: whether the modality flag is an input. */
  flag: z.boolean(),
  /** MAG: how the two heads are mixed; null for UMCC. */
  gating: z.nullable(z.enum(GATINGS)),
  padding: z.optional(z.enum(["same", "symmetric"])),
  bnEps: z.optional(z.number().check(z.positive())),
  /** Of vision transformers: `avg` where their tokens are averaged; their own is the class token. */
  globalPool: z.optional(z.enum(GLOBAL_POOLS)),
  pixels: pixelFactsSchema,
  /** Probability of male from which the decision is male. */
  threshold: z.number().check(z.gte(0), z.lte(1)),
  /** What the output means; the label is apparent, never identity. */
  output: z.literal("probability of male as recorded in the training labels"),
  trainedOn: z.array(sourceFactsSchema),
  /** What it predicts beside the sex: classes as recorded in the training images; absent if nothing. */
  targets: z.optional(z.array(targetFactsSchema).check(z.minLength(1))),
});
/** The facts that a checkpoint carries beside its weights. */
export type ModelFacts = z.infer<typeof modelFactsSchema>;

/**
 * Checks the facts that a checkpoint carries.
 *
 * @throws AppError("data", "CHECKPOINT_FACTS") that names the first bad key
 */
export function parseFacts(facts: unknown, path: string): ModelFacts {
  const parsed = modelFactsSchema.safeParse(facts);
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
