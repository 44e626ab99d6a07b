// What the peer of `npm run bench -- learning` gets of a run: every setting is passed on, or the run is refused by
// the setting's name. Invariant: a setting that is added to a run's configuration does not compile until it stands here.
import { unexpected } from "../src/core/errors.ts";
import { MODALITIES, sexIndex } from "../src/core/words.ts";
import { PIXELS } from "../src/models/backbones/recipes.ts";
import { backbone } from "../src/models/backbones/registry.ts";
import { parseTag } from "../src/models/tags.ts";
import { FULL_AUGMENT } from "../src/pixels/jitter.ts";
import { augmentOf, frozenOf, type TrainConfig } from "../src/train/config.ts";
import type { RunData } from "../src/train/data.ts";

/**
 * Where each setting of a run goes: `job` is handed to the peer, `data` decides the images and labels that it is given,
 * `weights` the file of first weights, and `refused` has no counterpart there, so that a run with it is refused.
 */
export const HANDED: { readonly [K in keyof Required<TrainConfig>]: "job" | "data" | "weights" | "refused" } =
  {
    arch: "job",
    tag: "job",
    data: "data",
    modality: "data",
    weights: "weights",
    imageSize: "job",
    pixels: "job",
    padding: "job",
    bnEps: "job",
    globalPool: "job",
    epochs: "job",
    frozenEpochs: "refused",
    startSize: "refused",
    startStrength: "refused",
    phases: "refused",
    lastEpochs: "refused",
    patience: "refused",
    batch: "job",
    accumulate: "job",
    lr: "job",
    layerDecay: "job",
    minLr: "job",
    warmupEpochs: "job",
    weightDecay: "job",
    decayAll: "job",
    clipNorm: "job",
    labelSmoothing: "job",
    ema: "job",
    dropRate: "job",
    dropPathRate: "job",
    mixup: "job",
    aa: "job",
    targets: "refused",
    ageWeight: "refused",
    raceWeight: "refused",
    seed: "job",
    splitSeed: "data",
    val: "data",
    test: "data",
    kernels: "refused",
  };

/**
 * Refuses a run that the peer cannot train alike.
 *
 * @throws AppError("input", "PEER_SETTING") that names the setting
 */
export function checkPeerSettings(config: TrainConfig): void {
  for (const [key, where] of Object.entries(HANDED)) {
    const got = config[key as keyof TrainConfig];
    const asUsual = got === undefined || (key === "targets" && String(got) === "gender");
    if (where !== "refused" || asUsual) continue;
    throw refused(`a run without ${key}`, key, got);
  }
  if (config.weights === undefined) {
    throw refused("a run that began with pretrained weights", "weights", undefined);
  }
}

function refused(expected: string, key: string, got: unknown) {
  const hint = "train the runs without it: the peer has nothing alike";
  return unexpected("input", { code: "PEER_SETTING", expected, name: `the peer's ${key}`, got, hint });
}

/** How the peer's run is set up, beside its images. */
export interface PeerMachine {
  /** State dict of the first weights of the backbone, with timm's names. */
  readonly weights: string;
  readonly threads: number;
  readonly timm?: string | undefined;
  /** As peer/step.py's; default: PyTorch as it is. */
  readonly setup?: PeerSetup | undefined;
  /** Where the peer's pictures come from in later epochs; default: their files, as in the first. */
  readonly pictures?: PeerPictures | undefined;
}

export type PeerSetup = "default" | "channels_last" | "compile" | "bf16";
export type PeerPictures = "files" | "kept" | "small";

/**
 * The JSON job of bench/peer/train.py.
 *
 * @throws as checkPeerSettings
 */
export function peerJob(config: TrainConfig, { samples, posWeight }: RunData, machine: PeerMachine) {
  checkPeerSettings(config);
  const rows = (split: "train" | "val") =>
    samples[split].map(({ path, modality, sex }) => ({ path, modality, male: sexIndex(sex) }));
  return {
    ...machine,
    ...modelOf(config),
    ...lossOf(config, posWeight),
    ...scheduleOf(config),
    modalities: MODALITIES,
    samples: { train: rows("train"), val: rows("val") },
  };
}

function modelOf(config: TrainConfig) {
  const {
    arch,
    tag,
    padding = null,
    bnEps = null,
    dropRate = null,
    dropPathRate,
    imageSize,
    pixels,
  } = config;
  const parsed = parseTag(tag);
  const { stages } = backbone(parsed.backbone);
  const isFrozen = frozenOf(parsed);
  const augment = augmentOf(config);
  const { mean, std } = PIXELS[pixels];
  return {
    ...{
      arch,
      backbone: parsed.backbone,
      padding,
      bnEps,
      dropRate,
      dropPathRate,
      mean,
      std,
      sizePx: imageSize,
    },
    globalPool: config.globalPool ?? (stages[0]!.includes("cls_token") ? "token" : "avg"),
    flag: parsed.flag,
    gating: parsed.gating ?? null,
    augment: augment === undefined ? null : FULL_AUGMENT,
    aa: augment?.rand === undefined ? null : { words: config.aa, fill: augment.rand.fill },
    /** Name prefixes of what does not learn, below `backbone.`. */
    frozen: stages.flat().filter((part) => isFrozen?.(`backbone.${part}`) === true),
    /** Factor on the learning rate of each stage's parts. */
    rates: stages.map((parts, i) => ({ parts, rate: (config.layerDecay ?? 1) ** (stages.length - i) })),
  };
}

function lossOf({ tag, labelSmoothing = 0 }: TrainConfig, posWeight: number) {
  return { loss: parseTag(tag).loss, posWeight, labelSmoothing };
}

function scheduleOf(config: TrainConfig) {
  const { batch, accumulate = 1, epochs, lr, minLr, warmupEpochs, weightDecay, decayAll, seed } = config;
  const { clipNorm = null, ema = null, mixup = null } = config;
  return {
    ...{
      batch,
      accumulate,
      epochs,
      lr,
      minLr,
      warmupEpochs,
      weightDecay,
      decayAll,
      clipNorm,
      ema,
      mixup,
      seed,
    },
  };
}
