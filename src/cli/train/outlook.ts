// What `facehand train` says of its length: its steps before the first, the expected end and the memory after some, and what
// would take less. Invariant: a time is that of steps that were taken, in proportion to pixels; none is guessed before.
import { formatSeconds } from "../../core/progress.ts";
import { parseTag } from "../../models/tags.ts";
import { gigabytes } from "../../studies/plan/batch-size.ts";
import { imagesPerStep, type TrainConfig } from "../../train/config.ts";
import { atPhase, type Phase, phasesOf } from "../../train/phases.ts";
import { NOT_PRETRAINED } from "../../train/pretrained.ts";
import { keepsFeatures } from "../../train/step/features.ts";

/** Steps that are timed, behind a first one that also allocates. */
const TIMED = 5;

/** Where a run is after a step: epochs from 0, and steps done in this one. */
interface StepPosition {
  readonly epoch: number;
  readonly batch: number;
}

/**
 * The steps of a run, and what would take less.
 *
 * @returns one or two lines
 */
export function stepsLines(config: TrainConfig, stepsPerEpoch: number): string[] {
  const all = config.epochs * stepsPerEpoch;
  const images = imagesPerStep(config);
  const steps = `${all} steps of ${images} images, ${stepsPerEpoch} an epoch; the expected end follows after some`;
  const faster = fasterWays(config);
  return faster.length === 0 ? [steps] : [steps, `would take less: ${faster.join("; ")}`];
}

function fasterWays(config: TrainConfig): string[] {
  const { imageSize, startSize } = config;
  const { frozen, pretrain } = parseTag(config.tag);
  const kept = keepsFeatures(config);
  const half = Math.round(imageSize / 16) * 8;
  return [
    ...(startSize !== undefined || kept || half < 32 ? [] : [`--start-size ${half}, as steps go by pixels`]),
    // Features of a backbone that has learnt nothing are no way to the same figures.
    ...(kept || frozen === 2 || pretrain === NOT_PRETRAINED
      ? []
      : ["Z2 and An in the tag: heads alone, on features made once"]),
  ];
}

/** Times steps, and tells the end once enough are known; again where all layers begin to learn. */
export class Outlook {
  readonly #config: TrainConfig;
  readonly #now: () => number;
  readonly #phases: readonly Phase[];
  #times: number[] = [];
  #before: number | undefined;
  #phase: Phase | undefined;
  #told = false;

  /** @param now - ms */
  constructor(config: TrainConfig, now: () => number = () => performance.now()) {
    this.#config = config;
    this.#now = now;
    this.#phases = phasesOf(config);
  }

  /**
   * After a step.
   *
   * @param peakBytes - most memory so far
   * @returns a line, at most once for a frozen start and once for the rest
   */
  step({ epoch, batch }: StepPosition, stepsPerEpoch: number, peakBytes: number): string | undefined {
    const now = this.#now();
    const phase = this.#phases.find(({ until }) => epoch < until)!;
    if (phase !== this.#phase) {
      if (this.#phase?.frozen !== phase.frozen) this.#told = false;
      [this.#phase, this.#times, this.#before] = [phase, [], undefined];
    }
    // The first step of an epoch comes behind the validation of the one before.
    if (this.#before !== undefined && batch > 1) this.#times.push((now - this.#before) / 1000);
    this.#before = now;
    if (this.#told || this.#times.length < TIMED) return undefined;
    this.#told = true;
    const median = [...this.#times].sort((a, b) => a - b)[Math.floor(TIMED / 2)]!;
    const taken = `a step takes ${median.toPrecision(2)} s, memory so far ${gigabytes(peakBytes)} GB`;
    if (keepsFeatures(atPhase(this.#config, phase)))
      return `${taken}; this epoch's steps end in about ${formatSeconds(median * (stepsPerEpoch - batch))}, later ones take features`;
    const left = this.#work(phase, { epoch, batch }, stepsPerEpoch) * median;
    return `${taken}; the run's steps end in about ${formatSeconds(left)}, without validation`;
  }

  /** What is left, in steps of this phase: those of others by their pixels. */
  #work(phase: Phase, { epoch, batch }: StepPosition, stepsPerEpoch: number): number {
    return this.#phases.reduce((sum, { from, until, sizePx }) => {
      const steps =
        (until - Math.max(from, epoch)) * stepsPerEpoch - (from <= epoch && epoch < until ? batch : 0);
      return sum + Math.max(0, steps) * (sizePx / phase.sizePx) ** 2;
    }, 0);
  }
}
