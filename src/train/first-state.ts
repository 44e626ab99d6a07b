// Where a run begins or resumes: its step, and its last checkpoint, or seeded weights with the pretrained backbone put
// over them.
import { AppError } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import type { Position, TrainState } from "../engine/checkpoint.ts";
import { readCheckpoint, writeCheckpoint } from "../engine/checkpoint-file.ts";
import { adamw } from "../engine/optim.ts";
import { initialise } from "../engine/params.ts";
import { exists } from "../machine/files.ts";
import { type ModelFacts, modelGraph } from "../models/facts.ts";
import { weightsFile } from "../models/files/hub.ts";
import { loadBackbone } from "../models/files/weights.ts";
import { parseTag } from "../models/tags.ts";
import { type Compute, computeOf } from "../predict/infer.ts";
import { frozenOf, rateOf, type TrainConfig } from "./config.ts";
import { openTrainStep } from "./step/local.ts";
import type { TrainStep } from "./step/step.ts";

/** Sums of an epoch that has no batch done. */
export const NOTHING_DONE = { loss: 0, correct: 0, gradNorm: 0 } as const;

interface Beginning {
  readonly config: TrainConfig;
  readonly facts: ModelFacts;
  readonly step: Pick<TrainStep, "specs">;
  readonly onWeights: ((choice: string) => void) | undefined;
}

/**
 * The state to resume from; a new one is first written as the last checkpoint.
 *
 * @param last - path of the last checkpoint
 * @throws AppError("data", "NOT_RESUMABLE") for a checkpoint without an optimizer's state; as loadBackbone
 */
export async function firstState(
  last: string,
  { config, facts, step, onWeights }: Beginning,
): Promise<TrainState> {
  if (await exists(last)) {
    const { weights, training } = await readCheckpoint(last);
    if (training === undefined)
      throw new AppError("data", "NOT_RESUMABLE", `Expected a training checkpoint, got ${last}`);
    return { weights, ...training };
  }
  const weights = initialise(step.specs, Random.of(config.seed));
  if (config.weights !== undefined) {
    const pretrained = await loadBackbone(await weightsFile(config.weights), step.specs, onWeights);
    for (const [name, values] of pretrained) weights.set(name, values);
  }
  const position: Position = { epoch: 0, batch: 0, step: 0, partial: NOTHING_DONE };
  const state = { weights, slots: new Map(), position };
  await writeCheckpoint(last, step.specs, { weights, training: state }, facts);
  return state;
}

/** The training step of a configuration. */
export function openStep(config: TrainConfig, facts: ModelFacts, options: Compute): Promise<TrainStep> {
  const { dropRate, dropPathRate, batch, imageSize, decayAll, labelSmoothing, ema, accumulate = 1 } = config;
  const frozen = frozenOf(parseTag(config.tag));
  const rates = rateOf(config);
  return openTrainStep({
    model: modelGraph(facts, { dropPathRate, dropRate }),
    batchSize: batch,
    accumulate,
    sizePx: imageSize,
    mean: facts.pixels.mean,
    std: facts.pixels.std,
    optimizer: adamw(),
    decayAll,
    labelSmoothing,
    ema,
    rateOf: rates,
    frozen,
    ...computeOf(options),
  });
}
