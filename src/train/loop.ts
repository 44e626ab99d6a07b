// Training, from the first batch to the stored predictions; reads from top to bottom.
// Invariant: stopping after any step and resuming gives the same checkpoints and predictions, byte for byte.
import { Interrupted } from "../core/errors.ts";
import { OpenList } from "../core/handle.ts";
import type { Batches } from "../dataset/loader/order.ts";
import { LoaderThreads } from "../dataset/loader/threads.ts";
import type { Position, TrainState } from "../engine/checkpoint.ts";
import { writeCheckpoint } from "../engine/checkpoint-file.ts";
import type { Weights } from "../engine/params.ts";
import type { Device } from "../engine/runtime/device.ts";
import { predictionFiles, sweepSplits } from "../evaluate/stored/prediction-folder.ts";
import { clearStaging } from "../machine/folder.ts";
import { type Lock, withLock } from "../machine/lock.ts";
import { checkApart } from "../machine/true-path.ts";
import type { ModelFacts } from "../models/facts.ts";
import { runPaths } from "../predict/run-folder.ts";
import { factsOf, type TrainConfig } from "./config.ts";
import { openData, plainBatches, type RunData } from "./data.ts";
import { type Followed, type Keeper, runEpochs, type StepState } from "./epochs.ts";
import { checkFinished } from "./finished.ts";
import { firstState, openPhase } from "./first-state.ts";
import { lastPhase, type Phase, phasesOf, stateAt } from "./phases.ts";
import { appendLog, checkSameData, openRunFolder, readLog, rewindLog } from "./run.ts";
import { bestEpoch, type EpochLog, outOfPatience } from "./runlog.ts";
import {
  type FeatureStore,
  featureKey,
  keepsFeatures,
  openFeatures,
  removeFeatures,
} from "./step/features.ts";
import { openHeldOut } from "./step/held-out.ts";
import { checkKernels } from "./step/native.ts";
import type { TrainStep } from "./step/step.ts";
import { RunTrial, type Tried } from "./try-run.ts";
import { predictFinally, validate } from "./validation.ts";

/** How to run, without influence on the result. */
export interface TrainOptions extends Followed {
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
  /** Keep what a frozen backbone makes of images for later epochs (see train/step/features); default true. */
  readonly keepFeatures?: boolean | undefined;
  /** Nothing is refused any more: steps follow, of which an epoch has so many. */
  readonly onBegin?: ((stepsPerEpoch: number) => void) | undefined;
  /** Called with a sentence on which of several weights of a file are taken to begin with. */
  readonly onWeights?: ((choice: string) => void) | undefined;
}

/** The same, for who wants to know before the first step what a run will take. */
export interface TryOptions extends TrainOptions {
  /**
   * With it, steps are tried before the run takes its own, which stay as they are without (see train/trial). Called with what
   * they showed; not where no step is left.
   */
  readonly onTrial?: ((tried: Tried) => void | Promise<void>) | undefined;
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
 * @throws AppError("input", "PRETRAINED" | "RUN_EXISTS" | "RESUME_CONFIG" | "OUT_INSIDE" | "LOCKED" | "KERNELS"),
 *   AppError("data", ...) for bad images or weights, and a finished run that is not whole;
 *   Interrupted after `signal`; the folder can then be resumed
 */
export function train(config: TrainConfig, options: TrainOptions): Promise<RunResult> {
  return tryAndTrain(config, options);
}

/** The same, behind trial steps. */
export function tryAndTrain(config: TrainConfig, options: TryOptions): Promise<RunResult> {
  const { dir, signal: asked } = options;
  return withLock(dir, `the run folder ${dir}`, (lock) => {
    const signal = asked === undefined ? lock.lost : AbortSignal.any([asked, lock.lost]);
    return trainAlone(config, { ...options, signal }, lock);
  });
}

async function trainAlone(config: TrainConfig, options: TryOptions, lock: Lock): Promise<RunResult> {
  const { dir, workers = 2 } = options;
  await checkKernels(config, options.device);
  const data = await openData(config);
  checkApart(
    dir,
    data.sources.map((source) => source.dir),
  );
  const facts = factsOf(config, data.facts, data.targets);
  await openRunFolder(dir, config, data.facts, options.resume ?? false);
  await clearStaging(dir); // of a command that was killed while it made something else of this name
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

/** From the last checkpoint to the last epoch, phase by phase. */
async function trainEpochs(begun: Begun, threads: LoaderThreads): Promise<void> {
  const { config, facts, data, options } = begun;
  const opened = new OpenList();
  try {
    const plain = { workers: threads, batch: config.batch };
    const validation = opened.add(plainBatches(data.samples.val, config.imageSize, plain));
    const { last } = runPaths(options.dir);
    let state = await firstState(last, { config, facts, onWeights: options.onWeights });
    const log = await rewindLog(options.dir, state.position.epoch);
    const left = phasesOf(config).filter(({ until }) => until > state.position.epoch);
    const around = { ...begun, threads, validation, log, interrupted: () => interruptedIn(options.dir) };
    if (left.length === 0) options.onBegin?.(0);
    let begin: Begin | undefined = beginOf(around, left, state);
    for (const phase of left) {
      await begin?.trial?.others(begin.onOpen);
      state = await trainPhase(around, phase, stateAt(config, state), begin);
      begin = undefined; // once
    }
  } finally {
    await opened.close();
  }
}

interface Around extends Begun {
  readonly threads: LoaderThreads;
  readonly validation: Batches;
  readonly log: EpochLog[];
  readonly interrupted: () => Interrupted;
}

/** What happens before a run's first step. */
interface Begin {
  readonly onOpen: (stepsPerEpoch: number) => void;
  readonly trial: RunTrial | undefined;
}

function beginOf(around: Around, left: readonly Phase[], start: TrainState): Begin {
  const { options, log, config } = around;
  let { onBegin } = options;
  const onOpen = (stepsPerEpoch: number) => {
    onBegin?.(stepsPerEpoch);
    onBegin = undefined; // once
  };
  const takesNone = left.length === 0 || outOfPatience(log, config.patience, lastPhase(config).from);
  const tries = options.onTrial !== undefined && !takesNone;
  return { onOpen, trial: tries ? new RunTrial(around, left, start) : undefined };
}

/** One phase: a graph of its own, for its size and what learns in it. */
async function trainPhase(
  around: Around,
  phase: Phase,
  start: TrainState,
  begin: Begin | undefined,
): Promise<TrainState> {
  const { facts, data, options, validation, log } = around;
  const opened = new OpenList();
  let features: FeatureStore | undefined;
  try {
    const open = opened.add(await openPhase(around, phase, start, options));
    const { config, batches, step } = open;
    begin?.onOpen(batches.batchesPerEpoch);
    const tried = await begin?.trial?.own(open);
    if (tried !== undefined) await options.onTrial?.(tried);
    features = await trainFeatures(config, data, step, start.weights, options);
    // Held-out images have the run's size in every phase.
    const resized = { ...config, imageSize: around.config.imageSize };
    const setUp = { config: resized, facts, validation, data, options, paths: runPaths(options.dir).heldOut };
    const heldOut =
      options.keepFeatures === false ? undefined : opened.add(await openHeldOut(setUp, start.weights));
    const validated = { config: resized, facts, validation, options, heldOut };
    const position = await runEpochs(
      {
        ...{ config, data, options, batches, step, features, until: phase.until },
        validate: (weights) => validate(validated, weights),
        keeper: folderKeeper(around, step),
      },
      start.position,
      log,
    );
    return { ...(await step.save()), position };
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
  readonly options: TryOptions;
  readonly lock: Lock;
}

/** Checkpoints and the log of a run folder. */
function folderKeeper({ facts, options: { dir }, lock, interrupted }: Around, step: TrainStep): Keeper {
  const paths = runPaths(dir);
  const writeLast = ({ weights, slots }: StepState, position: Position) =>
    writeCheckpoint(paths.last, step.specs, { weights, training: { slots, position } }, facts);
  return {
    save: async (position) => {
      await lock.check();
      await writeLast(await step.save(), position);
    },
    epoch: async ({ epoch, state, evaluated, ended, next }) => {
      await lock.check();
      // Order matters: a kill between these lines repeats the epoch's end, and nothing else.
      if (epoch.best) await writeCheckpoint(paths.best, step.specs, { weights: evaluated }, facts);
      await rewindLog(dir, ended.epoch);
      await appendLog(dir, epoch);
      await writeLast(state, next);
    },
    interrupted,
  };
}

const interruptedIn = (dir: string) => new Interrupted(`Stopped; the run in ${dir} continues with --resume`);
