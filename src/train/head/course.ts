// ◇ Browser-safe. A training with everything in memory, whatever of the network learns: the epochs of `train`, what a stopped one
// continues from, and the best epoch.
// Invariant: seed, data and order decide the result, stopped or not; only the runtime's rounding differs from Node's.
import { Interrupted } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import type { Sample } from "../../core/words.ts";
import { encodeCheckpoint, type Position } from "../../engine/checkpoint.ts";
import { initialise, type Weights } from "../../engine/params.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { type ModelFacts, modelGraph } from "../../models/facts.ts";
import { balancedPosWeight } from "../../models/losses.ts";
import { parseTag } from "../../models/tags.ts";
import type { TrainConfig } from "../config.ts";
import { BEGINNING, type EpochRun, type Followed, runEpochs, type StepState } from "../epochs.ts";
import { validationFigures } from "../figures.ts";
import type { EpochLog } from "../runlog.ts";
import type { StepRuntime } from "../step/compile.ts";
import { stepConfigOf } from "../step/configured.ts";
import { declaredSpecs } from "../step/graph.ts";
import { openStepOn } from "../step/step.ts";

/** The best epoch's weights, of those that learn, and its validation images. */
export interface BestEpoch {
  readonly learnt: Weights;
  readonly rows: readonly Prediction[];
}

/** What a stopped training continues from: of the weights those that learn. */
export interface CourseState {
  readonly learnt: Weights;
  readonly slots: ReadonlyMap<string, Weights>;
  readonly position: Position;
  readonly log: readonly EpochLog[];
  /** Absent before the first epoch has ended. */
  readonly best?: BestEpoch | undefined;
}

/** What is to be trained. */
export interface CourseWork extends Followed {
  readonly config: TrainConfig;
  readonly facts: ModelFacts;
  /** Those named `backbone.` are taken; the heads begin anew. */
  readonly weights: Weights;
  readonly samples: { readonly train: readonly Sample[]; readonly val: readonly Sample[] };
  readonly runtime: StepRuntime;
  /** Continue from there. */
  readonly state?: CourseState | undefined;
  /** Called with what a stopped training would continue from. */
  readonly keep?: ((state: CourseState) => Promise<void>) | undefined;
}

/** Where its batches come from, and who predicts its validation images. */
export interface Learning extends Pick<EpochRun, "batches" | "features"> {
  /** One row a validation image. @param weights - all of the network's */
  readonly predict: (weights: Weights) => Promise<Prediction[]>;
}

/** What training gave. */
export interface Trained {
  readonly log: readonly EpochLog[];
  /** Of the best epoch, of the validation images. */
  readonly rows: readonly Prediction[];
  /** The best epoch's, as a .safetensors file. */
  readonly checkpoint: Uint8Array;
}

const isBackbone = (name: string) => name.startsWith("backbone.");
const those = (weights: Weights, which: (name: string) => boolean): Weights =>
  new Map([...weights].filter(([name]) => which(name)));

/** True for the weights that a configuration changes: all, or those of the heads. */
const learnsOf = ({ tag }: TrainConfig) =>
  parseTag(tag).frozen === 2 ? (name: string) => !isBackbone(name) : () => true;

/**
 * Trains, from the beginning or from a state.
 *
 * @throws AppError("input", "TOO_FEW_SAMPLES"), AppError("data", "DIVERGED"); Interrupted after the signal, when the state is kept
 */
export async function runCourse(work: CourseWork, learning: Learning): Promise<Trained> {
  const { config, facts, samples, state, keep } = work;
  const { batches, features, predict } = learning;
  const learns = learnsOf(config);
  const step = await openStepOn(stepConfigOf(config, facts), work.runtime);
  try {
    const backbone = those(work.weights, isBackbone);
    const begun = state?.learnt ?? initialise(step.specs, Random.of(config.seed));
    step.load(
      new Map([...begun, ...(state === undefined ? backbone : those(backbone, (n) => !learns(n)))]),
      state?.slots,
    );
    const log = [...(state?.log ?? [])];
    let best = state?.best;
    let rows: readonly Prediction[] = [];
    const keepAt = async ({ weights, slots }: StepState, position: Position, epochs: readonly EpochLog[]) =>
      keep?.({ learnt: those(weights, learns), slots, position, log: epochs, best });
    await runEpochs(
      {
        ...{ config, batches, step, features, options: work },
        data: { posWeight: posWeightOf(config, samples.train), targets: [] },
        validate: async (weights) => {
          rows = await predict(weights);
          return validationFigures(rows, facts);
        },
        keeper: {
          save: async (position) => keepAt(await step.save(), position, log),
          epoch: async ({ epoch, state: now, evaluated, next }) => {
            if (epoch.best) best = { learnt: those(evaluated, learns), rows };
            await keepAt(now, next, [...log, epoch]);
          },
          interrupted: () => new Interrupted("Stopped; the training continues where it was"),
        },
      },
      state?.position ?? BEGINNING,
      log,
    );
    return bestOf(work, { log, best: best! });
  } finally {
    await step.close();
  }
}

/** The best epoch so far, of a training that ended or was stopped. */
export function bestOf(
  { config, facts, weights }: Pick<CourseWork, "config" | "facts" | "weights">,
  { log, best }: Pick<CourseState, "log"> & { readonly best: BestEpoch },
): Trained {
  const all: Weights = new Map([...those(weights, isBackbone), ...best.learnt]);
  const specs = declaredSpecs(modelGraph(facts), config.imageSize);
  return { log, rows: best.rows, checkpoint: encodeCheckpoint(specs, all, facts) };
}

/** Of class-weighted loss (Lw): by the training images. */
function posWeightOf({ tag }: TrainConfig, samples: readonly Sample[]): number {
  const males = samples.filter(({ sex }) => sex === "male").length;
  return parseTag(tag).loss === "w" ? balancedPosWeight(samples.length - males, males) : 1;
}
