// ◇ Browser-safe. The phases of a training: a frozen start, then parts in which picture size and regularisation grow.
// Source: M. Tan, Q. Le, "EfficientNetV2" (arXiv 2104.00298), algorithm 1; a last phase of few epochs is the fine-tuning of
// H. Touvron et al., "Fixing the train-test resolution discrepancy" (arXiv 1906.06423); heads before all layers: A. Kumar et
// al., "Fine-tuning can distort pretrained features" (arXiv 2202.10054).
// Invariant: a phase's configuration is one that could stand alone; without phases it is the run's own object.
import { unexpected } from "../core/errors.ts";
import type { AugmentSetup } from "../dataset/loader/order.ts";
import type { TrainState } from "../engine/checkpoint.ts";
import { formatTag, parseTag } from "../models/tags.ts";
import { UMCC_DROP_RATE } from "../models/umcc.ts";
import type { TrainConfig } from "./config-schema.ts";
import { EMA } from "./step/graph.ts";

/** Phases in which size and strength grow, where none are given. */
const PHASES = 4;
/** Sizes between the first and the last are multiples of this, px: strides of most networks divide it further. */
const SIZE_STEP_PX = 8;
/** Below, nothing is mixed to speak of: the least alpha that a run may have. */
const LEAST_ALPHA = 0.01;

/** Epochs that are trained alike. */
export interface Phase {
  /** Its first epoch, from 0. */
  readonly from: number;
  /** The epoch after its last. */
  readonly until: number;
  /** Side of the input, px. */
  readonly sizePx: number;
  /** Share of dropout, stochastic depth, augmentation and mixup, 0 to 1. */
  readonly strength: number;
  /** The whole backbone is frozen, and pictures are as they are. */
  readonly frozen: boolean;
}

type Phased = Pick<
  TrainConfig,
  "epochs" | "imageSize" | "frozenEpochs" | "startSize" | "startStrength" | "phases" | "lastEpochs"
>;

const grows = ({ startSize, startStrength }: Phased) =>
  startSize !== undefined || startStrength !== undefined;

/**
 * The phases of a run, in order; one if none are asked for.
 *
 * @example phasesOf({ epochs: 20, imageSize: 224, startSize: 128, phases: 2, lastEpochs: 2 }) // 0-18 at 128 px, 18-20 at 224 px
 */
export function phasesOf(config: Phased): readonly Phase[] {
  const { epochs, imageSize, frozenEpochs = 0, startSize = imageSize, startStrength = 1 } = config;
  const count = grows(config) ? (config.phases ?? PHASES) : 1;
  const learning = epochs - frozenEpochs;
  const growing = count === 1 ? 0 : learning - (config.lastEpochs ?? learning / count);
  const begin = (k: number) =>
    k === count ? epochs : frozenEpochs + (count === 1 ? 0 : Math.round((growing * k) / (count - 1)));
  const parts = Array.from({ length: count }, (_, k) => {
    const share = count === 1 ? 1 : k / (count - 1);
    return {
      ...{ from: begin(k), until: begin(k + 1), frozen: false },
      sizePx: sizeAt(startSize, imageSize, share),
      strength: startStrength + (1 - startStrength) * share,
    };
  });
  const frozen = { from: 0, until: frozenEpochs, sizePx: imageSize, strength: 1, frozen: true };
  return frozenEpochs === 0 ? parts : [frozen, ...parts];
}

function sizeAt(first: number, last: number, share: number): number {
  if (share === 0) return first;
  if (share === 1) return last;
  return Math.round((first + (last - first) * share) / SIZE_STEP_PX) * SIZE_STEP_PX;
}

/** The one that ends with the run: what patience judges. */
export const lastPhase = (config: Phased): Phase => phasesOf(config).at(-1)!;

/** The configuration of a phase, as if the whole run were like it; times and rates remain the run's. */
export function atPhase(config: TrainConfig, { sizePx, strength, frozen }: Phase): TrainConfig {
  if (frozen) {
    const tag = formatTag({ ...parseTag(config.tag), augment: "n", frozen: 2 });
    const { mixup, aa, ...plain } = config;
    return { ...plain, tag };
  }
  if (sizePx === config.imageSize && strength === 1) return config;
  const { dropPathRate, mixup: alpha = 0, ...rest } = config;
  return {
    ...rest,
    ...(strength * alpha < LEAST_ALPHA ? {} : { mixup: strength * alpha }),
    imageSize: sizePx,
    dropRate: strength * dropRateOf(config),
    dropPathRate: strength * dropPathRate,
  };
}

const dropRateOf = ({ arch, dropRate }: Pick<TrainConfig, "arch" | "dropRate">): number =>
  dropRate ?? (arch === "umcc" ? UMCC_DROP_RATE : 0);

/**
 * Of the random changes of pictures: how wide they are, and how likely operations of RandAugment are, as without `inc` some are
 * stronger where the magnitude is less; mirror images stay as likely.
 */
export function weakened(policy: AugmentSetup | undefined, strength: number): AugmentSetup | undefined {
  if (policy === undefined || strength === 1) return policy;
  const { flip, brightness, contrast, saturation, degrees, rand } = policy;
  return {
    rand: rand && { ...rand, probability: rand.probability * strength },
    flip,
    brightness: brightness * strength,
    contrast: contrast * strength,
    saturation: saturation * strength,
    degrees: degrees * strength,
  };
}

/**
 * What a phase begins with: the state of the one before, but that all layers begin with an optimizer of their own after a
 * frozen start, as its moments are of the heads alone; averages of what was frozen begin as what it is.
 */
export function stateAt(config: TrainConfig, { weights, slots, position }: TrainState): TrainState {
  const thaws = position.epoch === config.frozenEpochs && position.batch === 0;
  const averages = slots.get(EMA);
  if (!thaws) return { weights, slots, position };
  return {
    weights,
    slots: new Map(averages === undefined ? [] : [[EMA, new Map([...weights, ...averages])]]),
    position,
  };
}

/** A run's configuration with all epochs as those of its last phase, which is the largest: for what a step takes. */
export function unphased(config: TrainConfig): TrainConfig {
  const { frozenEpochs, startSize, startStrength, phases, lastEpochs, ...whole } = config;
  return whole;
}

/**
 * Refuses phases that a run has no epochs for, and settings of phases that it does not have.
 *
 * @throws AppError("input", "CONFIG")
 */
export function checkPhases(config: TrainConfig): void {
  const { epochs, imageSize, frozenEpochs, startSize, startStrength, phases, lastEpochs } = config;
  const refuse = (expected: string, name: string, got: unknown) =>
    unexpected("input", { code: "CONFIG", expected, name, got });
  if (frozenEpochs !== undefined) {
    if (frozenEpochs >= epochs)
      throw refuse(`fewer than the ${epochs} epochs`, "--frozen-epochs", frozenEpochs);
    if (parseTag(config.tag).frozen === 2)
      throw refuse(
        "Z0 or Z1 in the tag, a backbone that learns later,",
        "--tag with --frozen-epochs",
        config.tag,
      );
  }
  if (!grows(config)) {
    for (const [name, value] of [
      ["--phases", phases],
      ["--last-epochs", lastEpochs],
    ] as const)
      if (value !== undefined) throw refuse("--start-size or --start-strength", name, value);
    return;
  }
  if (startSize !== undefined && startSize >= imageSize)
    throw refuse(`less than the ${imageSize} px of --image-size`, "--start-size", startSize);
  if (startStrength !== undefined && !weakens(config))
    throw refuse(
      "dropout, stochastic depth, augmentation or mixup to weaken",
      "--start-strength",
      startStrength,
    );
  const learning = epochs - (frozenEpochs ?? 0);
  const count = phases ?? PHASES;
  if (count > learning)
    throw refuse(
      `at most the ${learning} epochs that are not frozen`,
      phases === undefined ? `--phases (${PHASES} where it is left out)` : "--phases",
      count,
    );
  if (lastEpochs !== undefined && lastEpochs > learning - count + 1)
    throw refuse(
      `at most ${learning - count + 1}, an epoch for each phase before,`,
      "--last-epochs",
      lastEpochs,
    );
}

function weakens(config: TrainConfig): boolean {
  const { tag, dropPathRate, mixup } = config;
  return parseTag(tag).augment !== "n" || dropRateOf(config) > 0 || dropPathRate > 0 || mixup !== undefined;
}
