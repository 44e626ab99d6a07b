// The trial of a run: which phases are tried, on which sessions, and what the whole run is then known by.
// Invariant: phases that come later are tried first, each on a session of its own that is closed before the run opens its own,
// so that memory stays that of the largest.
import { availableParallelism } from "node:os";
import type { Interrupted } from "../core/errors.ts";
import type { Split } from "../core/words.ts";
import { batchCount } from "../dataset/loader/order.ts";
import type { Position, TrainState } from "../engine/checkpoint.ts";
import { peakBytes } from "../machine/peak-memory.ts";
import type { Compute } from "../predict/infer.ts";
import { augmentOf, imagesPerStep } from "./config.ts";
import { BEGINNING } from "./epochs.ts";
import { type OpenPhase, openPhase, type PhaseRun } from "./first-state.ts";
import { atPhase, type Phase, stateAt } from "./phases.ts";
import { keepsFeatures } from "./step/features.ts";
import { evaluatedWeights } from "./step/step.ts";
import {
  cacheOf,
  isAlike,
  type PhaseTrial,
  phasesToTry,
  type Trial,
  trialSteps,
  tryPhase,
  tryValidation,
  type ValidationTrial,
} from "./trial.ts";
import { type Validated, validate } from "./validation.ts";

/** A run before its first step. */
export interface Tried {
  readonly position: Position;
  readonly stepsPerEpoch: number;
  /** Images of each split. */
  readonly images: Readonly<Record<Split, number>>;
  /** Undefined where the run has too few steps for some to be tried. */
  readonly trial: Trial | undefined;
}

/** What is tried. */
export interface TriedRun extends PhaseRun, Pick<Validated, "validation"> {
  readonly options: Compute & {
    readonly signal?: AbortSignal | undefined;
    readonly keepFeatures?: boolean | undefined;
  };
  readonly interrupted: () => Interrupted;
}

/** Tries the phases that a run has left. */
export class RunTrial {
  readonly #run: TriedRun;
  readonly #left: readonly Phase[];
  readonly #start: TrainState;
  readonly #stepsPerEpoch: number;
  readonly #tried: readonly Phase[];
  readonly #onAllCores: boolean;
  /** Steps of each session. */
  readonly #count: number;
  readonly #phases: PhaseTrial[] = [];
  #validation: ValidationTrial | undefined;
  #allCores: number | undefined;

  /** @param left - one phase or more */
  constructor(run: TriedRun, left: readonly Phase[], start: TrainState) {
    const { config, data, options } = run;
    [this.#run, this.#left, this.#start] = [run, left, start];
    this.#stepsPerEpoch = batchCount(data.samples.train.length, imagesPerStep(config), true);
    const { epoch, batch } = start.position;
    const steps = (config.epochs - epoch) * this.#stepsPerEpoch - batch;
    this.#tried = phasesToTry(left);
    const { threads = 0, device = "cpu" } = options;
    const hasFewer = device === "cpu" && threads > 0 && threads < availableParallelism();
    this.#onAllCores = hasFewer && trialSteps(steps, this.#tried.length + 1) > 0;
    this.#count = trialSteps(steps, this.#tried.length + (this.#onAllCores ? 1 : 0));
  }

  /** Tries what is not the run's own first phase. @param onOpen - a session of the run could be made */
  async others(onOpen: (stepsPerEpoch: number) => void): Promise<void> {
    if (this.#count === 0) return;
    const later = this.#tried.filter((phase) => !isAlike(phase, this.#left[0]!));
    const all = [
      ...(this.#onAllCores ? [{ phase: this.#left.at(-1)!, allCores: true }] : []),
      ...later.map((phase) => ({ phase, allCores: false })),
    ];
    for (const { phase, allCores } of all) {
      const { options } = this.#run;
      const how = { ...options, threads: allCores ? undefined : options.threads };
      const { weights } = this.#start;
      const open = await openPhase(this.#run, phase, { weights, slots: new Map() }, how);
      try {
        onOpen(this.#stepsPerEpoch);
        const epoch = Math.max(phase.from, this.#start.position.epoch);
        const position = { ...BEGINNING, epoch, step: epoch * this.#stepsPerEpoch };
        const tried = await this.#try(open, phase, position);
        if (allCores) this.#allCores = tried.step;
        else await this.#keep(open, phase, tried);
      } finally {
        await open.close();
      }
    }
  }

  /** Tries the first phase on the run's session, which gets its state anew. */
  async own(open: OpenPhase): Promise<Tried> {
    const { samples } = this.#run.data;
    const images = { train: samples.train.length, val: samples.val.length, test: samples.test.length };
    const { position } = this.#start;
    const tried = { position, stepsPerEpoch: this.#stepsPerEpoch, images };
    if (this.#count === 0) return { ...tried, trial: undefined };
    const { weights, slots } = stateAt(this.#run.config, this.#start);
    await this.#keep(open, this.#left[0]!, await this.#try(open, this.#left[0]!, position));
    open.step.load(weights, slots);
    const [phases, validation, allCores] = [this.#phases, this.#validation!, this.#allCores];
    return { ...tried, trial: { phases, validation, allCores, ...(await this.#memory()) } };
  }

  #try({ config, batches, step }: OpenPhase, phase: Phase, position: Position): Promise<PhaseTrial> {
    const { data, options, interrupted } = this.#run;
    const keeps = options.keepFeatures !== false && keepsFeatures(config) && step.featureWidth !== undefined;
    const run = { config, until: phase.until, data, batches, step, interrupted, keepsFeatures: keeps };
    return tryPhase({ ...run, options: { signal: options.signal } }, phase, position, this.#count);
  }

  /** Beside the session of the last phase, the largest, validation takes most memory. */
  async #keep({ step }: OpenPhase, phase: Phase, tried: PhaseTrial): Promise<void> {
    this.#phases.push(tried);
    if (!isAlike(phase, this.#left.at(-1)!)) return;
    const { config, facts, validation, options } = this.#run;
    const weights = evaluatedWeights(await step.save());
    this.#validation = await tryValidation(validation, (few) =>
      validate({ config, facts, validation: few, options, heldOut: undefined }, weights),
    );
  }

  async #memory(): Promise<Pick<Trial, "peakBytes" | "toCacheBytes" | "cachedShare">> {
    const { config, data, threads } = this.#run;
    const last = atPhase(config, this.#left.at(-1)!);
    const isWhole = augmentOf(last) !== undefined;
    const train = await cacheOf(data.samples.train, isWhole ? undefined : last.imageSize);
    const val = await cacheOf(data.samples.val, config.imageSize);
    // What the trials loaded is in the peak already.
    const loaded = (2 * threads.count + this.#count) * imagesPerStep(config);
    const rest = (images: number) => Math.max(0, 1 - loaded / images);
    // The pictures of a phase's loader lie beside those of the next until they are collected.
    const before = this.#left.length > 1 ? train.bytes : 0;
    const toCacheBytes =
      before + train.bytes * rest(data.samples.train.length) + val.bytes * rest(data.samples.val.length);
    return { peakBytes: peakBytes(), toCacheBytes, cachedShare: train.share };
  }
}
