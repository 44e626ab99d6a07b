// ◇ Browser-safe. From a model and what people choose to the run that trains a new head on its backbone: configuration and facts.
// Invariant: the configuration is one that `facehand train` takes, with the same defaults and ranges; the tag states truly where
// the backbone comes from.
import { pixelsNamed } from "../../models/backbones/recipes.ts";
import type { ModelFacts, SourceFacts } from "../../models/facts.ts";
import { formatTag, parseTag } from "../../models/tags.ts";
import { checkSchedule, parseStoredConfig, type TrainConfig } from "../config.ts";

/** What people choose of a head's training; what is left out has `train`'s default. */
export type HeadChoices = Partial<
  Pick<TrainConfig, "seed" | "epochs" | "patience" | "lr" | "batch" | "weightDecay">
>;

/** Behind the tag's word for the pretraining of a backbone that a run of this package has changed since. */
const CHANGED = ".facehand";

/**
 * The configuration that trains a new head: the model's own, with all of the backbone frozen, images as they are, and the sex
 * alone to learn.
 *
 * @throws AppError("input", "CONFIG" | "BACKBONE") as parseTrainConfig
 * @example headConfig(openCheckpoint(bytes).facts, { seed: 7, epochs: 20 }).tag // "..._An_Lb_Z2"
 */
export function headConfig(base: ModelFacts, choices: HeadChoices): TrainConfig {
  const { arch, padding, bnEps, globalPool, pixels } = base;
  const { seed: _seed, ...tag } = parseTag(base.tag);
  const pretrain = tag.frozen === 2 ? tag.pretrain : `${tag.pretrain}${CHANGED}`;
  const config = parseStoredConfig({
    ...{ arch, padding, bnEps, globalPool, imageSize: pixels.sizePx, pixels: pixelsNamed(pixels) },
    tag: formatTag({ ...tag, pretrain, augment: "n", frozen: 2 }),
    data: ["pairs:"],
    ...choices,
  });
  checkSchedule(config);
  return config;
}

/** What a checkpoint of it states: the model's facts, of which the heads are new; its backbone learnt from older images too. */
export function headFacts(base: ModelFacts, { tag }: TrainConfig, source: SourceFacts): ModelFacts {
  const { targets: _targets, trainedOn, ...rest } = base;
  const others = trainedOn.filter(({ manifestHash }) => manifestHash !== source.manifestHash);
  return { ...rest, tag, trainedOn: [...others, source] };
}
