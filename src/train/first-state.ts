// Where a run begins or resumes: its step, and its last checkpoint, or seeded weights with the pretrained backbone put
// over them.
import { AppError } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import type { TrainState } from "../engine/checkpoint.ts";
import { readCheckpoint, writeCheckpoint } from "../engine/checkpoint-file.ts";
import { initialise } from "../engine/params.ts";
import { exists } from "../machine/files.ts";
import { type ModelFacts, modelGraph } from "../models/facts.ts";
import { weightsFile } from "../models/files/hub.ts";
import { loadBackbone } from "../models/files/weights.ts";
import { type Compute, computeOf } from "../predict/infer.ts";
import type { TrainConfig } from "./config.ts";
import { BEGINNING } from "./epochs.ts";
import { stepConfigOf } from "./step/configured.ts";
import { declaredSpecs } from "./step/graph.ts";
import { openTrainStep } from "./step/local.ts";
import type { TrainStep } from "./step/step.ts";

interface Beginning {
  readonly config: TrainConfig;
  readonly facts: ModelFacts;
  readonly onWeights: ((choice: string) => void) | undefined;
}

/**
 * The state to resume from; a new one is first written as the last checkpoint.
 *
 * @param last - path of the last checkpoint
 * @throws AppError("data", "NOT_RESUMABLE") for a checkpoint without an optimizer's state; as loadBackbone
 */
export async function firstState(last: string, { config, facts, onWeights }: Beginning): Promise<TrainState> {
  if (await exists(last)) {
    const { weights, training } = await readCheckpoint(last);
    if (training === undefined)
      throw new AppError("data", "NOT_RESUMABLE", `Expected a training checkpoint, got ${last}`);
    return { weights, ...training };
  }
  const specs = declaredSpecs(modelGraph(facts), config.imageSize);
  const weights = initialise(specs, Random.of(config.seed));
  if (config.weights !== undefined) {
    const pretrained = await loadBackbone(await weightsFile(config.weights), specs, onWeights);
    for (const [name, values] of pretrained) weights.set(name, values);
  }
  const state = { weights, slots: new Map(), position: BEGINNING };
  await writeCheckpoint(last, specs, { weights, training: state }, facts);
  return state;
}

/** The training step of a configuration. */
export function openStep(config: TrainConfig, facts: ModelFacts, options: Compute): Promise<TrainStep> {
  return openTrainStep({ ...stepConfigOf(config, facts), ...computeOf(options) });
}
