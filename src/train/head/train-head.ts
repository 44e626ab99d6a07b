// ◇ Browser-safe. Trains a head on the features of a frozen backbone: what `facehand train` does under Z2, with everything in memory.
// Invariant: seed, data and order decide the result, stopped or not; only the runtime's rounding differs from Node's.
import { Interrupted } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import type { Sample } from "../../core/words.ts";
import { knownBatches } from "../../dataset/loader/order.ts";
import { encodeCheckpoint, type Position } from "../../engine/checkpoint.ts";
import { initialise, type Weights } from "../../engine/params.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import type { ModelFacts } from "../../models/facts.ts";
import { balancedPosWeight } from "../../models/losses.ts";
import { parseTag } from "../../models/tags.ts";
import type { SplitPredictor } from "../../predict/split-predictor.ts";
import { imagesPerStep, type TrainConfig } from "../config.ts";
import { BEGINNING, type Followed, runEpochs, type StepState } from "../epochs.ts";
import { validationFigures } from "../figures.ts";
import type { EpochLog } from "../runlog.ts";
import type { StepRuntime } from "../step/compile.ts";
import { stepConfigOf } from "../step/configured.ts";
import { predictRows } from "../step/held-rows.ts";
import { openStepOn } from "../step/step.ts";
import type { MadeFeatures } from "./features.ts";

/** What a stopped training continues from: the backbone, which stays as it is, is not part of it. */
export interface HeadState {
  readonly heads: Weights;
  readonly slots: ReadonlyMap<string, Weights>;
  readonly position: Position;
  readonly log: readonly EpochLog[];
  /** Of the best epoch; absent before the first has ended. */
  readonly best?: Weights | undefined;
}

/** A head to be trained. */
export interface HeadWork extends Followed {
  readonly config: TrainConfig;
  readonly facts: ModelFacts;
  /** Those named `backbone.` are taken. */
  readonly weights: Weights;
  readonly samples: { readonly train: readonly Sample[]; readonly val: readonly Sample[] };
  readonly features: MadeFeatures["store"];
  readonly predictor: SplitPredictor;
  readonly runtime: StepRuntime;
  /** Continue from there. */
  readonly state?: HeadState | undefined;
  /** Called with what a stopped training would continue from. */
  readonly keep?: ((state: HeadState) => Promise<void>) | undefined;
}

/** What training gave. */
export interface TrainedHead {
  readonly log: readonly EpochLog[];
  /** Of the best epoch, of the validation images. */
  readonly rows: readonly Prediction[];
  /** The best epoch's, as a .safetensors file. */
  readonly checkpoint: Uint8Array;
}

const isBackbone = (name: string) => name.startsWith("backbone.");
const headsOf = (weights: Weights): Weights => new Map([...weights].filter(([name]) => !isBackbone(name)));

/**
 * Trains a head, from its beginning or from a state.
 *
 * @throws AppError("input", "TOO_FEW_SAMPLES"), AppError("data", "DIVERGED"); Interrupted after the signal, when the state is kept
 */
export async function trainHead(work: HeadWork): Promise<TrainedHead> {
  const { config, facts, samples, features, predictor, state, keep } = work;
  const train = {
    samples: samples.train,
    batchSize: imagesPerStep(config),
    seed: config.seed,
    dropLast: true,
  };
  const batches = knownBatches(train);
  const val = knownBatches({ samples: samples.val, batchSize: config.batch, dropLast: false });
  const predict = (weights: Weights) =>
    predictRows({ predictor, store: features, batches: val, facts }, weights);
  const step = await openStepOn(stepConfigOf(config, facts), work.runtime);
  try {
    const backbone = [...work.weights].filter(([name]) => isBackbone(name));
    const begun = state?.heads ?? headsOf(initialise(step.specs, Random.of(config.seed)));
    step.load(new Map([...backbone, ...begun]), state?.slots);
    const log = [...(state?.log ?? [])];
    let best = state?.best;
    const keepAt = async ({ weights, slots }: StepState, position: Position, epochs: readonly EpochLog[]) =>
      keep?.({ heads: headsOf(weights), slots, position, log: epochs, best });
    await runEpochs(
      {
        ...{ config, batches, step, features, options: work },
        data: { posWeight: posWeightOf(config, samples.train), targets: [] },
        validate: async (weights) => validationFigures(await predict(weights), facts),
        keeper: {
          save: async (position) => keepAt(await step.save(), position, log),
          epoch: async ({ epoch, state: now, evaluated, next }) => {
            if (epoch.best) best = headsOf(evaluated);
            await keepAt(now, next, [...log, epoch]);
          },
          interrupted: () => new Interrupted("Stopped; the training continues where it was"),
        },
      },
      state?.position ?? BEGINNING,
      log,
    );
    const weights: Weights = new Map([...backbone, ...best!]);
    return {
      log,
      rows: await predict(weights),
      checkpoint: encodeCheckpoint(step.specs, weights, facts),
    };
  } finally {
    await step.close();
  }
}

/** Of class-weighted loss (Lw): by the training images. */
function posWeightOf({ tag }: TrainConfig, samples: readonly Sample[]): number {
  const males = samples.filter(({ sex }) => sex === "male").length;
  return parseTag(tag).loss === "w" ? balancedPosWeight(samples.length - males, males) : 1;
}
