// Trial steps: some steps of a run before its first, on its own sessions and pictures, timed and then undone. What `train` says
// of time and memory rests on them. Invariant: a run's bytes are the same with and without: trial steps learn at a rate of 0 and
// write nothing, and the caller loads the run's state anew.

import { Interrupted } from "../core/errors.ts";
import type { Sample } from "../core/words.ts";
import { CACHE_BYTES } from "../dataset/loader/batches.ts";
import type { Batches } from "../dataset/loader/order.ts";
import type { Position } from "../engine/checkpoint.ts";
import { readBytes } from "../machine/files.ts";
import { baselineJpeg } from "../pixels/fast/baseline.ts";
import { imageSize } from "../pixels/image.ts";
import { type EpochRun, runEpochs } from "./epochs.ts";
import type { Phase } from "./phases.ts";
import type { FeatureStore } from "./step/features.ts";

/** Most steps of a phase; the first of them also allocates, and is not counted. */
const MOST_STEPS = 4;
/** Of the steps that a run has to take, those that trials may cost. */
const SHARE = 0.04;
/** Once a step is timed, no more are taken after this long. */
const ENOUGH_SECONDS = 10;
/** Batches that are predicted; the first also opens the model. */
const PREDICTED_BATCHES = 3;
/** Pictures whose size is read. */
const SIZED = 16;

/** ms */
export type Clock = () => number;
const CLOCK: Clock = () => performance.now();

/** What a phase takes, s. */
export interface PhaseTrial extends Kind {
  /** A step, on pictures that are ready when it needs them. */
  readonly step: number;
  /** The same over stored features; undefined where none are kept. */
  readonly kept: number | undefined;
  /** A step's pictures, loaded while nothing else is done: from their files. */
  readonly files: number;
  /** The same from the cache of decoded pictures. */
  readonly cached: number;
}

/** What a validation takes, s. */
export interface ValidationTrial {
  /** Until the model is open, with what its first batch takes more than others. */
  readonly open: number;
  /** Each image. */
  readonly image: number;
}

/** What trial steps showed. */
export interface Trial {
  /** Phases of different size or freezing, or those between which others lie. */
  readonly phases: readonly PhaseTrial[];
  readonly validation: ValidationTrial;
  /** A step of the last phase on all cores, s, where the run has fewer threads. */
  readonly allCores: number | undefined;
  /** Most memory of this process so far. */
  readonly peakBytes: number;
  /** Decoded pictures that the run will cache beside. */
  readonly toCacheBytes: number;
  /** Of the training images, those that the cache has room for. */
  readonly cachedShare: number;
}

/**
 * Steps that each of some sessions may try.
 *
 * @param left - steps that the run has to take
 * @returns 0 where the run is too short, otherwise at least 2: one that allocates, and one that is timed
 */
export function trialSteps(left: number, sessions: number): number {
  const steps = Math.min(MOST_STEPS, Math.floor((left * SHARE) / sessions));
  return steps < 2 ? 0 : steps;
}

/** The phases that have to be tried to know all: a frozen one, the first and the last that grow. */
export function phasesToTry(left: readonly Phase[]): readonly Phase[] {
  const growing = left.filter(({ frozen }) => !frozen);
  const ends = [left[0]!, ...growing.slice(0, 1), ...growing.slice(-1)];
  return ends.filter((phase, i) => ends.findIndex((other) => isAlike(phase, other)) === i);
}

type Kind = Pick<Phase, "sizePx" | "frozen">;

/** True if a step of one takes what a step of the other takes. */
export const isAlike = (a: Kind, b: Kind): boolean => a.frozen === b.frozen && a.sizePx === b.sizePx;

/** What a trial needs of a run. */
export type TrialRun = Pick<EpochRun, "config" | "until" | "data" | "batches" | "step" | "options"> & {
  readonly keepsFeatures: boolean;
  readonly interrupted: () => Interrupted;
};

/**
 * Tries a phase; `run.step` holds a state that the caller loads anew afterwards.
 *
 * @throws Interrupted after the signal; as runEpochs
 */
export async function tryPhase(
  run: TrialRun,
  { sizePx, frozen }: Phase,
  start: Position,
  count: number,
  now: Clock = CLOCK,
): Promise<PhaseTrial> {
  const files = await loadSeconds(run.batches, start, now);
  const cached = await loadSeconds(run.batches, start, now);
  const store = run.keepsFeatures ? memoryStore() : undefined;
  const making = store === undefined ? undefined : { ...store, has: () => false };
  const step = await stepSeconds(run, start, { features: making, count, now });
  const kept =
    store === undefined ? undefined : await stepSeconds(run, start, { features: store, count, now });
  return { sizePx, frozen, step, kept, files, cached };
}

/** How long a batch takes that nobody has asked for before: the first ones of an epoch, loaded ahead as for training. */
async function loadSeconds(
  batches: TrialRun["batches"],
  { epoch, batch: startBatch }: Position,
  now: Clock,
): Promise<number> {
  let asked = 0;
  const needed = () => {
    asked += 1;
    return true;
  };
  const before = now();
  // What was asked for ahead is waited for when the loop is left.
  for await (const _first of batches.epoch(epoch, { startBatch, needed })) break;
  return (now() - before) / 1000 / Math.max(1, asked);
}

interface Timed {
  readonly features: EpochRun["features"];
  readonly count: number;
  readonly now: Clock;
}

/** Of steps behind a first one, each with its wait, by the epochs' own code; of a short epoch more than once. */
async function stepSeconds(
  { step, interrupted, ...run }: TrialRun,
  start: Position,
  { features, count, now }: Timed,
): Promise<number> {
  const { signal } = run.options;
  const still: EpochRun["step"] = {
    // At a rate nothing would be lost, but that a phase which comes later might diverge now.
    run: (batch, schedule) => step.run(batch, { ...schedule, lr: 0, decay: 0 }),
    save: () => step.save(),
  };
  const seconds: number[] = [];
  const began = now();
  const isEnough = () =>
    seconds.length >= count || (seconds.length > 1 && now() - began > ENOUGH_SECONDS * 1000);
  while (!isEnough()) {
    const stop = new AbortController();
    let before = now();
    const onStep = (_result: unknown, { batch }: Position, stepsPerEpoch: number) => {
      const at = now();
      seconds.push((at - before) / 1000);
      before = at;
      if (isEnough() || batch >= stepsPerEpoch || signal?.aborted === true) stop.abort();
    };
    const options = { signal: stop.signal, saveEveryMs: Number.POSITIVE_INFINITY, onStep };
    const epochs = { ...run, step: still, features, options, keeper: NO_KEEPER, validate: unreached };
    await runEpochs(epochs, start, []).catch((error: unknown) => {
      if (error !== STOPPED) throw error;
    });
    if (signal?.aborted === true) throw interrupted();
  }
  return median(seconds.slice(1));
}

const STOPPED = new Interrupted("enough trial steps");
const unreached = () => Promise.reject(STOPPED);
/** A trial stops before the end of an epoch, and nothing of it is kept. */
const NO_KEEPER: EpochRun["keeper"] = {
  save: async () => undefined,
  epoch: unreached,
  interrupted: () => STOPPED,
};

/** Features in memory, so that those of the run stay as they are; what is not made yet has those of another image. */
function memoryStore(): Pick<FeatureStore, "has" | "read" | "write"> {
  const rows = new Map<Sample, Float32Array>();
  const rowOf = (sample: Sample) => rows.get(sample) ?? [...rows.values()][0]!;
  return {
    has: () => true,
    read: (samples) => Float32Array.from(samples.flatMap((sample) => [...rowOf(sample)])),
    write: (samples, made) => {
      const width = made.length / samples.length;
      samples.forEach((sample, i) => {
        rows.set(sample, made.slice(i * width, (i + 1) * width));
      });
    },
  };
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
};

/**
 * Tries a validation on the first batches.
 *
 * @param predict - opens the model and predicts batches
 */
export async function tryValidation(
  validation: Batches,
  predict: (batches: Batches) => Promise<unknown>,
  now: Clock = CLOCK,
): Promise<ValidationTrial> {
  const given: number[] = [];
  const done: number[] = [];
  let images = 0;
  const few: Batches = {
    ...validation,
    async *epoch(n, options) {
      for await (const batch of validation.epoch(n, options)) {
        given.push(now());
        yield batch;
        done.push(now());
        images = Math.max(images, batch.samples.length); // the last may have fewer
        if (done.length === PREDICTED_BATCHES) return;
      }
    },
  };
  const before = now();
  await predict(few);
  const first = done[0]! - before;
  const each = done.length === 1 ? done[0]! - given[0]! : (done.at(-1)! - done[0]!) / (done.length - 1);
  return { open: Math.max(0, first - each) / 1000, image: each / 1000 / images };
}

/** What of some images the cache of decoded pictures will hold. @param sizePx - where they are cached as the model gets them */
export async function cacheOf(
  samples: readonly Sample[],
  sizePx: number | undefined,
): Promise<{ readonly bytes: number; readonly share: number }> {
  const each = sizePx === undefined ? await pictureBytes(samples.slice(0, SIZED)) : sizePx ** 2 * 3;
  const all = each * samples.length;
  return { bytes: Math.min(CACHE_BYTES, all), share: Math.min(1, CACHE_BYTES / all) };
}

/** Mean size of decoded pictures, from their headers. */
async function pictureBytes(samples: readonly Sample[]): Promise<number> {
  const sizes = samples.map(async ({ path }) => {
    const { width, height } = baselineJpeg(await readBytes(path, "an image")) ?? (await imageSize(path));
    return width * height * 3;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / samples.length;
}
