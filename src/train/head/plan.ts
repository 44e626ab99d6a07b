// ◇ Browser-safe. From a model and what people choose to the run that trains a new head on its backbone, or all of its layers:
// configuration and facts.
// Invariant: the configuration is one that `facehand train` takes, with the same defaults and ranges; the tag states truly where
// the backbone comes from.
import { pixelsNamed } from "../../models/backbones/recipes.ts";
import type { ModelFacts, SourceFacts } from "../../models/facts.ts";
import { formatTag, parseTag, type Tag } from "../../models/tags.ts";
import { checkSchedule, parseStoredConfig, type TrainConfig } from "../config.ts";

/** What people choose of a training; what is left out has `train`'s default. */
export type TuneChoices = Partial<
  Pick<TrainConfig, "seed" | "epochs" | "patience" | "lr" | "batch" | "weightDecay">
>;

/** What learns: new heads on the backbone as it is, or all layers, with new heads. */
export const LEARNERS = ["head", "all"] as const;
export type Learner = (typeof LEARNERS)[number];

/** Features are of pictures as they are; all layers see them augmented, as `train` does by default. */
const PARTS: Readonly<Record<Learner, Pick<Tag, "augment" | "frozen">>> = {
  head: { augment: "n", frozen: 2 },
  all: { augment: "f", frozen: 0 },
};

/** What learns under a configuration. */
export const learnerOf = ({ tag }: Pick<TrainConfig, "tag">): Learner =>
  parseTag(tag).frozen === PARTS.head.frozen ? "head" : "all";

/** Behind the tag's word for the pretraining of a backbone that a run of this package has changed since. */
const CHANGED = ".facehand";

/**
 * The configuration of a training: the model's own, but for what learns and how pictures are changed, and the sex alone to learn.
 *
 * @throws AppError("input", "CONFIG" | "BACKBONE") as parseTrainConfig
 * @example tuneConfig(openCheckpoint(bytes).facts, { seed: 7, epochs: 20 }, "head").tag // "..._An_Lb_Z2"
 */
export function tuneConfig(base: ModelFacts, choices: TuneChoices, learner: Learner): TrainConfig {
  const { arch, padding, bnEps, globalPool, pixels } = base;
  const { seed: _seed, ...tag } = parseTag(base.tag);
  const pretrain = tag.frozen === 2 ? tag.pretrain : `${tag.pretrain}${CHANGED}`;
  const config = parseStoredConfig({
    ...{ arch, padding, bnEps, globalPool, imageSize: pixels.sizePx, pixels: pixelsNamed(pixels) },
    tag: formatTag({ ...tag, ...PARTS[learner], pretrain }),
    data: ["pairs:"],
    ...choices,
  });
  checkSchedule(config);
  return config;
}

/** What a checkpoint of it states: the model's facts, of which the heads are new; its backbone learnt from older images too. */
export function tunedFacts(base: ModelFacts, { tag }: TrainConfig, source: SourceFacts): ModelFacts {
  const { targets: _targets, trainedOn, ...rest } = base;
  const others = trainedOn.filter(({ manifestHash }) => manifestHash !== source.manifestHash);
  return { ...rest, tag, trainedOn: [...others, source] };
}
