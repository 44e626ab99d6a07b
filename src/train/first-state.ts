// Where a run begins or resumes: its last checkpoint, or seeded weights with the pretrained backbone put over them; and what
// a phase of it computes with.
import { AppError } from "../core/errors.ts";
import { type Closable, OpenList } from "../core/handle.ts";
import { Random } from "../core/random.ts";
import type { Batches } from "../dataset/loader/order.ts";
import type { LoaderThreads } from "../dataset/loader/threads.ts";
import type { TrainState } from "../engine/checkpoint.ts";
import { readCheckpoint, writeCheckpoint } from "../engine/checkpoint-file.ts";
import { initialise } from "../engine/params.ts";
import { exists } from "../machine/files.ts";
import { type ModelFacts, modelGraph } from "../models/facts.ts";
import { weightsFile } from "../models/files/hub.ts";
import { loadBackbone } from "../models/files/weights.ts";
import { type Compute, computeOf } from "../predict/infer.ts";
import type { TrainConfig } from "./config.ts";
import { type RunData, trainBatches } from "./data.ts";
import { BEGINNING } from "./epochs.ts";
import { atPhase, type Phase } from "./phases.ts";
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

/** What the phases of a run have in common. */
export interface PhaseRun {
  readonly config: TrainConfig;
  readonly facts: ModelFacts;
  readonly data: RunData;
  readonly threads: LoaderThreads;
}

/** What computes a phase. */
export interface OpenPhase extends Closable {
  /** Of the phase. */
  readonly config: TrainConfig;
  readonly batches: Batches;
  readonly step: TrainStep;
}

/** The loader and the training step of a phase, with the state that it begins with. */
export async function openPhase(
  { config: whole, facts, data, threads }: PhaseRun,
  phase: Phase,
  { weights, slots }: Pick<TrainState, "weights" | "slots">,
  options: Compute,
): Promise<OpenPhase> {
  const config = atPhase(whole, phase);
  const opened = new OpenList();
  try {
    const batches = opened.add(trainBatches(data, config, threads, phase.strength));
    const { kernels } = config;
    const step = opened.add(
      await openTrainStep({ ...stepConfigOf(config, facts), ...computeOf(options), kernels }),
    );
    step.load(weights, slots);
    return { config, batches, step, close: () => opened.close() };
  } catch (error) {
    await opened.close();
    throw error;
  }
}
