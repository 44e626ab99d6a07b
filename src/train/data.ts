// The images of a run: sources opened, split by subject, and turned into batches and step inputs.
import { unexpected } from "../core/errors.ts";
import type { Sample, Split } from "../core/words.ts";
import { openBatches } from "../dataset/loader/batches.ts";
import type { Batches } from "../dataset/loader/order.ts";
import type { LoaderThreads } from "../dataset/loader/threads.ts";
import { readManifest } from "../dataset/manifest.ts";
import { openSource, type Source } from "../dataset/sources/sources.ts";
import { splitSamples } from "../dataset/sources/split.ts";
import type { SourceFacts } from "../models/facts.ts";
import { balancedPosWeight } from "../models/losses.ts";
import { parseTag } from "../models/tags.ts";
import type { TargetFacts } from "../models/targets.ts";
import type { Perturbation } from "../pixels/perturbation.ts";
import { augmentOf, imagesPerStep, type TrainConfig } from "./config.ts";
import { weakened } from "./phases.ts";
import { targetClasses } from "./targets.ts";

export interface RunData {
  readonly samples: Readonly<Record<Split, readonly Sample[]>>;
  readonly sources: readonly Source[];
  readonly facts: readonly SourceFacts[];
  /** Weight of a male sample under Lw; 1 under Lb and Lf. */
  readonly posWeight: number;
  /** What the model predicts beside the sex, with the classes of the training images. */
  readonly targets: readonly TargetFacts[];
}

export type SplitConfig = Pick<TrainConfig, "data" | "splitSeed" | "val" | "test">;
type DataConfig = SplitConfig & Pick<TrainConfig, "tag" | "modality" | "targets">;

/**
 * Opens the sources of a configuration and splits them by subject.
 *
 * @throws AppError as the sources' readers and splitSamples do
 */
export async function openData(config: DataConfig): Promise<RunData> {
  const sources = await Promise.all(config.data.map(openSource));
  const fractions = { val: config.val, test: config.test };
  const samples = ofModality(splitSamples(sources, { seed: config.splitSeed, fractions }), config);
  const males = samples.train.filter(({ sex }) => sex === "male").length;
  const balanced = parseTag(config.tag).loss === "w";
  return {
    samples,
    sources,
    facts: await Promise.all(sources.map(sourceFacts)),
    posWeight: balanced ? balancedPosWeight(samples.train.length - males, males) : 1,
    targets: targetClasses(config, samples.train),
  };
}

/** Filtered after the split, so that a specialist and a model of both modalities share their subjects. */
function ofModality(
  samples: RunData["samples"],
  { modality, data }: Pick<DataConfig, "modality" | "data">,
): RunData["samples"] {
  if (modality === undefined) return samples;
  const only = (split: Split) => samples[split].filter((sample) => sample.modality === modality);
  const own = { train: only("train"), val: only("val"), test: only("test") };
  const missing = (["train", "val"] as const).find((split) => own[split].length === 0);
  if (missing === undefined) return own;
  const got = `${samples[missing].length} others in ${missing}`;
  const e = {
    code: "NO_MODALITY",
    expected: `images of ${data.join(", ")}`,
    name: `--modality ${modality}`,
    got,
  };
  throw unexpected("input", { ...e, hint: "add a source with such images, or leave out --modality" });
}

/** What checkpoints remember of a source. */
export async function sourceFacts(source: Source): Promise<SourceFacts> {
  const { kind, manifestHash, samples, dir } = source;
  const manifest = kind === "pairs" ? await readManifest(dir) : undefined;
  return {
    kind,
    manifestHash,
    recipeHash: manifest === undefined ? undefined : manifest.recipeHash,
    images: samples.length,
  };
}

/** Threads of a loader: how many, or those of the whole run. */
export type Workers = number | LoaderThreads;

/** Batches that are prepared ahead: two a thread. */
const ahead = (workers: Workers) => 2 * (typeof workers === "number" ? workers : workers.count);

export interface BatchSetup {
  readonly workers: Workers;
  readonly batch: number;
  /** Done to each picture. */
  readonly perturb?: Perturbation | undefined;
}

/**
 * Shuffled, augmented batches of the training images, each of one step with all its parts.
 *
 * @param strength - share of the augmentation, 0 to 1
 */
export function trainBatches(data: RunData, config: TrainConfig, workers: Workers, strength = 1): Batches {
  return openBatches({
    samples: data.samples.train,
    batchSize: imagesPerStep(config),
    sizePx: config.imageSize,
    shuffle: true,
    dropLast: true,
    augment: weakened(augmentOf(config), strength),
    seed: config.seed,
    workers,
    prefetch: ahead(workers),
  });
}

/** Batches of images as they are, or perturbed, in their order. */
export function plainBatches(
  samples: readonly Sample[],
  sizePx: number,
  { workers, batch, perturb }: BatchSetup,
): Batches {
  return openBatches({
    samples,
    batchSize: batch,
    sizePx,
    shuffle: false,
    dropLast: false,
    augment: undefined,
    perturb,
    seed: 0,
    workers,
    prefetch: ahead(workers),
  });
}
