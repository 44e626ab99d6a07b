// ◇ Browser-safe. The keys of a training run's configuration: one schema holds defaults, ranges and the help texts of the flags.
// Invariant: a key that is left out is absent, unless it has always had a default: earlier runs keep their bytes and hashes.
import { z } from "zod";
import { MODALITIES } from "../core/words.ts";
import { KERNELS } from "../engine/lower/nchwc/blocked.ts";
import { PIXELS_NAMES } from "../models/backbones/recipes.ts";
import { ARCHS } from "../models/facts.ts";
import { GLOBAL_POOLS } from "../models/model.ts";
import { CLASS_TARGETS } from "../models/targets.ts";

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
  frozenEpochs: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe(
      "epochs at the start in which the heads learn alone, on stored features of pictures as they are; then all learns, with a warm-up and a cosine of its own",
    ),
  startSize: z
    .int()
    .min(16)
    .max(1024)
    .optional()
    .describe(
      "side of the input in the first of --phases, px; it grows in equal steps to --image-size, at which runs are validated",
    ),
  startStrength: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      "share of dropout, stochastic depth, augmentation and mixup in the first of --phases; it grows in equal steps to 1",
    ),
  phases: z
    .int()
    .min(2)
    .max(16)
    .optional()
    .describe("parts of the training in which --start-size and --start-strength grow; 4 if left out"),
  lastEpochs: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe("epochs of the last of --phases, at --image-size; as many as of the others if left out"),
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
  mixup: z
    .number()
    .min(0.01)
    .max(4)
    .optional()
    .describe(
      "alpha of mixup: pictures and labels of a step are mixed with others of it, by a share drawn from Beta(alpha, alpha); none if left out",
    ),
  aa: z
    .string()
    .optional()
    .describe(
      "RandAugment in timm's words, e.g. rand-m9-mstd0.5-inc1, in place of the colours and rotation of Af; none if left out",
    ),
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
  kernels: z
    .enum(KERNELS)
    .optional()
    .describe(
      "native: training steps by operators that `facehand kernels build` compiled on this machine, in float32, 3x3 convolutions in Winograd's form, which take less time; ONNX Runtime's alone if left out",
    ),
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
/** The checked part of a configuration that determines what the model is. */
export type ModelConfig = z.output<typeof modelConfigSchema>;
