// How long a run will take by its trial: steps of each phase with their pictures, validation after each epoch, and the predictions
// at the end. Invariant: every time is one that was measured on this machine for this run; sizes between two that were tried lie
// between their times, by pixels.
import { parseTag } from "../../models/tags.ts";
import type { TrainConfig } from "../../train/config.ts";
import { atPhase, type Phase, phasesOf } from "../../train/phases.ts";
import { isAlike, type PhaseTrial, type Trial } from "../../train/trial.ts";
import type { Tried } from "../../train/try-run.ts";

/** What was tried, and how often it comes. */
export type Known = Pick<Tried, "stepsPerEpoch" | "images"> & { readonly trial: Trial };

/** s */
export interface Expected {
  readonly all: number;
  /** Of them, validation after each epoch and the predictions at the end. */
  readonly predicting: number;
}

/**
 * What a run has left.
 *
 * @param at - epochs that are done, and steps in the one under way
 */
export function expectedSeconds(
  config: TrainConfig,
  known: Known,
  at: { readonly epoch: number; readonly batch: number },
): Expected {
  const { open, image } = known.trial.validation;
  const { val, test } = known.images;
  const left = phasesOf(config).filter(({ until }) => until > at.epoch);
  if (left.length === 0) return { all: 0, predicting: 0 };
  let training = 0;
  let predicting = open + (val + test) * image;
  for (const phase of left) {
    const epochs = phase.until - Math.max(phase.from, at.epoch);
    const isBegun = phase.from < at.epoch;
    const done = phase.from <= at.epoch ? at.batch : 0;
    training += stepsSeconds(phase, known, { epochs, done, isBegun });
    const isFrozen = parseTag(atPhase(config, phase).tag).frozen === 2;
    // A frozen backbone predicts once, and the heads alone afterwards.
    predicting += isFrozen ? (isBegun ? 0 : open + val * image) : epochs * (open + val * image);
  }
  return { all: training + predicting, predicting };
}

interface Left {
  readonly epochs: number;
  /** Steps of the first of these epochs. */
  readonly done: number;
  /** An epoch of the phase is over. */
  readonly isBegun: boolean;
}

function stepsSeconds(
  phase: Phase,
  { trial, stepsPerEpoch }: Known,
  { epochs, done, isBegun }: Left,
): number {
  const tried = trialAt(trial.phases, phase);
  const { step, kept, files } = tried;
  const first = stepsPerEpoch - done;
  const later = (epochs - 1) * stepsPerEpoch;
  const loaded = Math.max(step, files);
  if (kept !== undefined) return first * (isBegun ? kept : loaded) + later * kept;
  // Each phase has a loader of its own, whose first epoch reads the files.
  return first * loaded + later * Math.max(step, laterPictures(tried, trial));
}

/** Pictures of a step once the cache is full, s. */
export function laterPictures({ files, cached }: PhaseTrial, { cachedShare }: Trial): number {
  return cachedShare * cached + (1 - cachedShare) * files;
}

/** What a step of a phase takes: as it was tried, or by pixels from the two sizes that were, or from one. */
export function trialAt(tried: readonly PhaseTrial[], phase: Pick<Phase, "sizePx" | "frozen">): PhaseTrial {
  const same = tried.find((one) => isAlike(one, phase));
  if (same !== undefined) return same;
  const sizes = tried.filter(({ frozen }) => !frozen);
  const [a, b] = [sizes[0]!, sizes.at(-1)!];
  const { sizePx, frozen } = phase;
  if (a === b) return { ...a, sizePx, frozen, step: a.step * (sizePx / a.sizePx) ** 2 };
  const share = (sizePx ** 2 - a.sizePx ** 2) / (b.sizePx ** 2 - a.sizePx ** 2);
  const between = (name: "step" | "files" | "cached") => a[name] + share * (b[name] - a[name]);
  return {
    ...{ sizePx, frozen, kept: undefined },
    ...{ step: between("step"), files: between("files"), cached: between("cached") },
  };
}
