// ◇ Browser-safe. The epochs of a training, in Node and in a page: steps in the order of the seed, validation, the best epoch, the end.
// Invariant: what is done next follows from position, log and state alone; who keeps them is asked, and decides where.
import { AppError, type Interrupted } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import type { Sample } from "../core/words.ts";
import type { Batches } from "../dataset/loader/order.ts";
import type { Position, TrainState } from "../engine/checkpoint.ts";
import { cosineLr } from "../engine/optim.ts";
import type { Weights } from "../engine/params.ts";
import { parseTag } from "../models/tags.ts";
import { imagesPerStep, type TrainConfig } from "./config.ts";
import type { RunData } from "./data.ts";
import { lastPhase } from "./phases.ts";
import { type EpochLog, outOfPatience, selectionFigure } from "./runlog.ts";
import type { StepBatch } from "./step/batch.ts";
import type { FeatureStore } from "./step/features.ts";
import { drawShare, type MixedBatch, mixup } from "./step/mixup.ts";
import { stepBatch } from "./step/recorded.ts";
import { evaluatedWeights, type StepResult, type TrainStep } from "./step/step.ts";

/** Before the first step. */
export const BEGINNING: Position = {
  epoch: 0,
  batch: 0,
  step: 0,
  partial: { loss: 0, correct: 0, gradNorm: 0 },
};

/** Who follows a training. */
export interface Followed {
  /** Stops after the step under way, leaving a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** Time between checkpoints within an epoch, ms; default one minute. */
  readonly saveEveryMs?: number | undefined;
  /** Each step. */ readonly onStep?: (result: StepResult, position: Position, stepsPerEpoch: number) => void;
  /** Each epoch. */ readonly onEpoch?: (epoch: EpochLog) => void;
}

/** What a step has learnt so far. */
export type StepState = Pick<TrainState, "weights" | "slots">;

/** What is to be kept at the end of an epoch. */
export interface EpochEnd {
  readonly epoch: EpochLog;
  readonly state: StepState;
  /** The weights that were validated. */
  readonly evaluated: Weights;
  /** Behind its last step. */
  readonly ended: Position;
  /** The first step of the next. */
  readonly next: Position;
}

/** Keeps what a stopped training continues from. */
export interface Keeper {
  /** The state within an epoch. */
  save(position: Position): Promise<void>;
  epoch(end: EpochEnd): Promise<void>;
  /** What is thrown when the signal came, and all is kept. */
  interrupted(): Interrupted;
}

/** A training under way, or a phase of it. */
export interface EpochRun {
  /** Of the phase. */
  readonly config: TrainConfig;
  /** The epoch after its last, if it is not the run's. */
  readonly until?: number | undefined;
  readonly data: Pick<RunData, "posWeight" | "targets">;
  readonly options: Followed;
  readonly batches: Pick<Batches, "batchesPerEpoch" | "epoch">;
  readonly step: Pick<TrainStep, "run" | "save">;
  /** What is known of the training images already; undefined if they, or what becomes of them, change. */
  readonly features: Pick<FeatureStore, "has" | "read" | "write"> | undefined;
  validate(weights: Weights): Promise<EpochLog["val"]>;
  readonly keeper: Keeper;
}

/**
 * From a position to the last epoch of the run, or of the phase, or until patience ends.
 *
 * @returns where the next epoch begins
 * @param log - of the epochs before; those that end are added
 * @throws AppError("data", "DIVERGED"); what the keeper throws after the signal
 */
export async function runEpochs(run: EpochRun, start: Position, log: EpochLog[]): Promise<Position> {
  const { config, options, batches, step, keeper, until = config.epochs } = run;
  const judged = lastPhase(config).from;
  let position = start;
  while (position.epoch < until && !outOfPatience(log, config.patience, judged)) {
    const startedMs = performance.now();
    const done = await runSteps(run, position);
    position = done.position;
    const state = await step.save();
    const evaluated = evaluatedWeights(state);
    const val = await run.validate(evaluated);
    const before = log.map((epoch) => selectionFigure(epoch.val.all));
    const images = batches.batchesPerEpoch * imagesPerStep(config);
    const epoch: EpochLog = {
      epoch: position.epoch + 1,
      step: position.step,
      lr: learningRate(config, batches.batchesPerEpoch, position.step - 1),
      trainLoss: position.partial.loss / batches.batchesPerEpoch,
      trainAccuracy: position.partial.correct / images,
      gradNorm: position.partial.gradNorm,
      val,
      best: before.every((figure) => figure < selectionFigure(val.all)),
      seconds: (performance.now() - startedMs) / 1000,
      waitSeconds: done.waitMs / 1000,
    };
    const next = { ...BEGINNING, epoch: position.epoch + 1, step: position.step };
    await keeper.epoch({ epoch, state, evaluated, ended: position, next });
    position = next;
    log.push(epoch);
    options.onEpoch?.(epoch);
    if (options.signal?.aborted) throw keeper.interrupted();
  }
  return position;
}

/** The rest of one epoch's steps; saves now and then, and stops after the step in which the signal came. */
async function runSteps(
  { config, data, options, batches, step, features, keeper }: EpochRun,
  start: Position,
): Promise<{ readonly position: Position; readonly waitMs: number }> {
  const { signal, saveEveryMs = 60_000, onStep } = options;
  const focal = parseTag(config.tag).loss === "f" ? 1 : 0;
  let position = start;
  let savedMs = performance.now();
  let waitMs = 0;
  let askedMs = savedMs;
  const needed = (samples: readonly Sample[]) => features?.has(samples) !== true;
  for await (const batch of batches.epoch(start.epoch, { startBatch: start.batch, needed })) {
    waitMs += performance.now() - askedMs;
    const known = needed(batch.samples) ? undefined : features?.read(batch.samples);
    const made = stepBatch(batch, data, config, known);
    const { batch: inputs, nearest } = mixedBatch(made, config, position.step + 1);
    const result = await step.run(inputs, {
      step: position.step + 1,
      update: position.step + 1 - thawStep(config, batches.batchesPerEpoch, position.step),
      lr: learningRate(config, batches.batchesPerEpoch, position.step),
      decay: config.weightDecay,
      clipNorm: config.clipNorm ?? Number.POSITIVE_INFINITY,
      focal,
      seed: config.seed,
    });
    if (!Number.isFinite(result.loss)) throw diverged(result.loss, position);
    if (known === undefined && result.features !== undefined) features?.write(batch.samples, result.features);
    position = advance(position, result, nearest);
    onStep?.(result, position, batches.batchesPerEpoch);
    if (signal?.aborted) {
      await keeper.save(position);
      throw keeper.interrupted();
    }
    if (performance.now() - savedMs >= saveEveryMs) {
      await keeper.save(position);
      savedMs = performance.now();
    }
    askedMs = performance.now();
  }
  return { position, waitMs };
}

function advance(
  { epoch, batch, step, partial }: Position,
  result: StepResult,
  targets: Float32Array,
): Position {
  const correct = targets.filter((target, i) => result.logits[i]! >= 0 === (target === 1)).length;
  return {
    epoch,
    batch: batch + 1,
    step: step + 1,
    partial: {
      loss: partial.loss + result.loss,
      correct: partial.correct + correct,
      gradNorm: Math.max(partial.gradNorm, result.gradNorm),
    },
  };
}

/** As it is, or mixed by the share of this step. */
function mixedBatch(batch: StepBatch, { mixup: alpha, seed }: TrainConfig, step: number): MixedBatch {
  if (alpha === undefined) return { batch, nearest: batch.labels };
  return mixup(batch, drawShare(Random.of(seed).split("mixup", step), alpha));
}

/** Of a frozen start over its epochs, without warm-up; of what follows, or of the whole run, with it. */
function learningRate(config: TrainConfig, stepsPerEpoch: number, step: number): number {
  const { lr, minLr, warmupEpochs, epochs, frozenEpochs = 0 } = config;
  const thawed = thawStep(config, stepsPerEpoch, step);
  if (step < frozenEpochs * stepsPerEpoch)
    return cosineLr(step, { lr, minLr, totalSteps: frozenEpochs * stepsPerEpoch });
  return cosineLr(step - thawed, {
    lr,
    minLr,
    totalSteps: (epochs - frozenEpochs) * stepsPerEpoch,
    warmupSteps: Math.round(warmupEpochs * stepsPerEpoch),
  });
}

/** The step from which all learns, if it has come: there the optimizer, warm-up and cosine start anew. */
function thawStep({ frozenEpochs = 0 }: TrainConfig, stepsPerEpoch: number, step: number): number {
  const thawed = frozenEpochs * stepsPerEpoch;
  return step < thawed ? 0 : thawed;
}

function diverged(loss: number, { step }: Position): AppError {
  const message = `Expected a finite loss at step ${step + 1}, got ${loss}`;
  return new AppError("data", "DIVERGED", message, { hint: "lower --lr, or set --clip-norm" });
}
