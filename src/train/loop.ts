// Training, from the first batch to the stored predictions; reads from top to bottom.
// Invariant: stopping after any step and resuming gives the same checkpoints and predictions, byte for byte.
import { AppError, Interrupted } from "../core/errors.ts";
import { OpenList } from "../core/handle.ts";
import type { Sample } from "../core/words.ts";
import type { Batches } from "../dataset/loader/batches.ts";
import { LoaderThreads } from "../dataset/loader/threads.ts";
import type { Position } from "../engine/checkpoint.ts";
import { writeCheckpoint } from "../engine/checkpoint-file.ts";
import { cosineLr } from "../engine/optim.ts";
import type { Weights } from "../engine/params.ts";
import type { Device } from "../engine/runtime/device.ts";
import { predictionFiles, sweepSplits } from "../evaluate/stored/prediction-folder.ts";
import { type Lock, withLock } from "../machine/lock.ts";
import { checkApart } from "../machine/true-path.ts";
import type { ModelFacts } from "../models/facts.ts";
import { parseTag } from "../models/tags.ts";
import { runPaths } from "../predict/run-folder.ts";
import { factsOf, imagesPerStep, type TrainConfig } from "./config.ts";
import { openData, plainBatches, type RunData, stepBatch, trainBatches } from "./data.ts";
import { checkFinished } from "./finished.ts";
import { firstState, NOTHING_DONE, openStep } from "./first-state.ts";
import { appendLog, checkSameData, openRunFolder, readLog, rewindLog } from "./run.ts";
import { bestEpoch, type EpochLog, outOfPatience, selectionFigure } from "./runlog.ts";
import {
  type FeatureStore,
  featureKey,
  keepsFeatures,
  openFeatures,
  removeFeatures,
} from "./step/features.ts";
import { type HeldOut, openHeldOut } from "./step/held-out.ts";
import { evaluatedWeights, type StepResult, type TrainStep } from "./step/step.ts";
import { predictFinally, validate } from "./validation.ts";

/** How to run, without influence on the result. */
export interface TrainOptions {
  /** Run folder; new or empty unless `resume`. */
  readonly dir: string;
  /** Continue from the last checkpoint. */
  readonly resume?: boolean | undefined;
  /** Threads of ONNX Runtime; 0 or left out: one per core. */
  readonly threads?: number | undefined;
  /** What computes, a device that runs here; default: the CPU. Devices round differently. */
  readonly device?: Device | undefined;
  /** Threads that decode and augment images; default 2. */
  readonly workers?: number | undefined;
  /** Stops after the step under way, leaving a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** Time between checkpoints within an epoch, ms; default one minute. */
  readonly saveEveryMs?: number | undefined;
  /** Keep what a frozen backbone makes of images for later epochs (see train/step/features); default true. */
  readonly keepFeatures?: boolean | undefined;
  /** Nothing is refused any more: steps follow. */ readonly onBegin?: (() => void) | undefined;
  /** Each step. */ readonly onStep?: (result: StepResult, position: Position, stepsPerEpoch: number) => void;
  /** Each epoch. */ readonly onEpoch?: (epoch: EpochLog) => void;
  /** Called with a sentence on which of several weights of a file are taken to begin with. */
  readonly onWeights?: ((choice: string) => void) | undefined;
}

/** What a finished run leaves. */
export interface RunResult {
  readonly dir: string;
  readonly facts: ModelFacts;
  readonly epochs: readonly EpochLog[];
  readonly best: EpochLog;
}

/**
 * Trains one model and leaves a run folder: log, checkpoints, and predictions of the best epoch on
 * the validation and test images.
 *
 * @throws AppError("input", "PRETRAINED" | "RUN_EXISTS" | "RESUME_CONFIG" | "OUT_INSIDE" | "LOCKED"),
 *   AppError("data", ...) for bad images or weights, and a finished run that is not whole;
 *   Interrupted after `signal`; the folder can then be resumed
 */
export function train(config: TrainConfig, options: TrainOptions): Promise<RunResult> {
  const { dir, signal: asked } = options;
  return withLock(dir, `the run folder ${dir}`, (lock) => {
    const signal = asked === undefined ? lock.lost : AbortSignal.any([asked, lock.lost]);
    return trainAlone(config, { ...options, signal }, lock);
  });
}

async function trainAlone(config: TrainConfig, options: TrainOptions, lock: Lock): Promise<RunResult> {
  const { dir, workers = 2 } = options;
  const data = await openData(config);
  checkApart(
    dir,
    data.sources.map((source) => source.dir),
  );
  const facts = factsOf(config, data.facts, data.targets);
  await openRunFolder(dir, config, data.facts, options.resume ?? false);
  await checkSameData(dir, data.facts);
  const paths = runPaths(dir);
  if ((await predictionFiles(paths.predictions)).length > 0) {
    await checkFinished(dir, config, data);
    await sweepSplits(paths.predictions);
    await removeFeatures(paths, paths.heldOut);
    return finished(dir, facts); // resumed after its end
  }

  const threads = new LoaderThreads(workers);
  try {
    await trainEpochs({ config, facts, data, options, lock }, threads);
    await lock.check();
    await predictFinally(config, data, { ...options, workers: threads });
  } finally {
    await threads.close();
  }
  await removeFeatures(paths, paths.heldOut);
  return finished(dir, facts);
}

/** From the last checkpoint to the last epoch. */
async function trainEpochs(begun: Begun, threads: LoaderThreads): Promise<void> {
  const { config, facts, data, options } = begun;
  const paths = runPaths(options.dir);
  const opened = new OpenList();
  let features: FeatureStore | undefined;
  try {
    const batches = opened.add(trainBatches(data, config, threads));
    const plain = { workers: threads, batch: config.batch };
    const validation = opened.add(plainBatches(data.samples.val, config.imageSize, plain));
    const step = opened.add(await openStep(config, facts, options));
    const start = await firstState(paths.last, { config, facts, step, onWeights: options.onWeights });
    step.load(start.weights, start.slots);
    const log = await rewindLog(options.dir, start.position.epoch);
    options.onBegin?.();
    features = await trainFeatures(config, data, step, start.weights, options);
    const setUp = { config, facts, validation, data, options, paths: paths.heldOut };
    const heldOut =
      options.keepFeatures === false ? undefined : opened.add(await openHeldOut(setUp, start.weights));
    const run = { ...begun, batches, validation, step, features, heldOut };
    await runEpochs(run, start.position, log);
  } finally {
    features?.close();
    await opened.close();
  }
}

async function finished(dir: string, facts: ModelFacts): Promise<RunResult> {
  const epochs = await readLog(dir);
  return { dir, facts, epochs, best: bestEpoch(epochs) };
}

/** Features stay in the run folder until it is finished. */
async function trainFeatures(
  config: TrainConfig,
  { samples }: RunData,
  { featureWidth }: TrainStep,
  weights: Weights,
  { dir, keepFeatures = true }: TrainOptions,
): Promise<FeatureStore | undefined> {
  if (!keepFeatures || !keepsFeatures(config) || featureWidth === undefined) return undefined;
  const key = featureKey(config, samples.train, weights);
  return openFeatures(runPaths(dir), samples.train, featureWidth, key);
}

interface Begun {
  readonly config: TrainConfig;
  readonly facts: ModelFacts;
  readonly data: RunData;
  readonly options: TrainOptions;
  readonly lock: Lock;
}

interface Run extends Begun {
  readonly batches: Batches;
  readonly validation: Batches;
  readonly step: TrainStep;
  /** What is known of the training images already; undefined if they, or what becomes of them, change. */
  readonly features: FeatureStore | undefined;
  /** What is known of the validation images, where the backbone is frozen. */
  readonly heldOut: HeldOut | undefined;
}

async function runEpochs(run: Run, start: Position, log: EpochLog[]): Promise<void> {
  const { config, facts, options, batches, step } = run;
  const paths = runPaths(options.dir);
  let position = start;
  while (position.epoch < config.epochs && !outOfPatience(log, config.patience)) {
    const startedMs = performance.now();
    const done = await runSteps(run, position);
    position = done.position;
    const { weights, slots } = await step.save();
    const evaluated = evaluatedWeights({ weights, slots });
    const val = await validate(run, evaluated);
    const before = log.map((epoch) => selectionFigure(epoch.val.all));
    const best = before.every((figure) => figure < selectionFigure(val.all));
    const images = batches.batchesPerEpoch * imagesPerStep(config);
    const epoch: EpochLog = {
      epoch: position.epoch + 1,
      step: position.step,
      lr: learningRate(config, batches.batchesPerEpoch, position.step - 1),
      trainLoss: position.partial.loss / batches.batchesPerEpoch,
      trainAccuracy: position.partial.correct / images,
      gradNorm: position.partial.gradNorm,
      val,
      best,
      seconds: (performance.now() - startedMs) / 1000,
      waitSeconds: done.waitMs / 1000,
    };
    await run.lock.check();
    // Order matters: a kill between these lines repeats the epoch's end, and nothing else.
    if (best) await writeCheckpoint(paths.best, step.specs, { weights: evaluated }, facts);
    await rewindLog(options.dir, position.epoch);
    await appendLog(options.dir, epoch);
    position = { epoch: position.epoch + 1, batch: 0, step: position.step, partial: NOTHING_DONE };
    await writeCheckpoint(paths.last, step.specs, { weights, training: { slots, position } }, facts);
    log.push(epoch);
    options.onEpoch?.(epoch);
    if (options.signal?.aborted) throw interrupted(options.dir);
  }
}

/** The rest of one epoch's steps; saves now and then, and stops after the step in which the signal came. */
async function runSteps(
  { config, facts, data, options, lock, batches, step, features }: Run,
  start: Position,
): Promise<{ readonly position: Position; readonly waitMs: number }> {
  const { dir, signal, saveEveryMs = 60_000, onStep } = options;
  const focal = parseTag(config.tag).loss === "f" ? 1 : 0;
  const save = async (position: Position) => {
    await lock.check();
    const { weights, slots } = await step.save();
    await writeCheckpoint(runPaths(dir).last, step.specs, { weights, training: { slots, position } }, facts);
  };
  let position = start;
  let savedMs = performance.now();
  let waitMs = 0;
  let askedMs = savedMs;
  const needed = (samples: readonly Sample[]) => features?.has(samples) !== true;
  for await (const batch of batches.epoch(start.epoch, { startBatch: start.batch, needed })) {
    waitMs += performance.now() - askedMs;
    const known = needed(batch.samples) ? undefined : features?.read(batch.samples);
    const result = await step.run(stepBatch(batch, data, config, known), {
      step: position.step + 1,
      lr: learningRate(config, batches.batchesPerEpoch, position.step),
      decay: config.weightDecay,
      clipNorm: config.clipNorm ?? Number.POSITIVE_INFINITY,
      focal,
      seed: config.seed,
    });
    if (!Number.isFinite(result.loss)) throw diverged(result.loss, position);
    if (known === undefined && result.features !== undefined) features?.write(batch.samples, result.features);
    position = advance(position, result, batch.targets);
    onStep?.(result, position, batches.batchesPerEpoch);
    if (signal?.aborted) {
      await save(position);
      throw interrupted(dir);
    }
    if (performance.now() - savedMs >= saveEveryMs) {
      await save(position);
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

function learningRate(config: TrainConfig, stepsPerEpoch: number, step: number): number {
  return cosineLr(step, {
    lr: config.lr,
    minLr: config.minLr,
    totalSteps: config.epochs * stepsPerEpoch,
    warmupSteps: Math.round(config.warmupEpochs * stepsPerEpoch),
  });
}

function diverged(loss: number, { step }: Position): AppError {
  const message = `Expected a finite loss at step ${step + 1}, got ${loss}`;
  return new AppError("data", "DIVERGED", message, { hint: "lower --lr, or set --clip-norm" });
}

function interrupted(dir: string): Interrupted {
  return new Interrupted(`Stopped; the run in ${dir} continues with --resume`);
}
