// Runs the training step: compiles its graph, feeds batches, holds the state.
// State stays in flat tensors that are fed and fetched in turn (two sets, swapped), never unpacked between steps.
// Everything random or scheduled is an input, so that a step is a pure function of its feeds.
import { Random } from "../core/random.ts";
import type { TrainState } from "../engine/checkpoint.ts";
import { emitGraph } from "../engine/emit.ts";
import { type Shape, sizeOf } from "../engine/graph.ts";
import { createSession } from "../engine/ort-node.ts";
import {
  type NoiseSpec,
  type Pack,
  type ParamSpec,
  packWeights,
  unpackWeights,
  type Weights,
} from "../engine/params.ts";
import { probeBlock } from "../engine/probe.ts";
import { type Session, Tensor, type Tensors } from "../engine/session.ts";
import {
  averagedPacks,
  buildStep,
  EMA,
  layOut,
  type StepConfig,
  type StepLayout,
  slotName,
} from "./step-graph.ts";

/** The images of one step with their targets; see models/losses for the weights. */
export interface StepBatch {
  /** u8 [N, S, S, 3]. */
  readonly images: Uint8Array;
  /** 0 or 1, [N]. */
  readonly labels: Float32Array;
  /** One-hot modality, hand first, [N, 2]. */
  readonly flag: Float32Array;
  /** [N] */
  readonly weights: Float32Array;
  /** [N] */
  readonly modalityWeights: Float32Array;
}

export interface StepSchedule {
  /** 1 for the first step. */
  readonly step: number;
  readonly lr: number;
  readonly decay: number;
  /** Largest global gradient norm; Infinity for no clipping. */
  readonly clipNorm: number;
  /** 0 for BCE, 1 for focal. */
  readonly focal: number;
  readonly seed: number;
}

export interface StepResult {
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
  /** Log-odds of male, [N]. */
  readonly logits: Float32Array;
}

export interface TrainStep {
  readonly specs: readonly ParamSpec[];
  /** Takes over weights and, if given, the slots (otherwise zeros, and the weights as their own average). */
  load(weights: Weights, slots?: TrainState["slots"]): void;
  run(batch: StepBatch, schedule: StepSchedule): Promise<StepResult>;
  /** Copies of the current weights and slots. */
  save(): Pick<TrainState, "weights" | "slots">;
  close(): Promise<void>;
}

/** The weights to evaluate: their moving average if one is kept. */
export function evaluatedWeights({ weights, slots }: Pick<TrainState, "weights" | "slots">): Weights {
  return new Map([...weights, ...(slots.get(EMA) ?? [])]);
}

/**
 * Compiles the training step of a model for one batch size and image size.
 *
 * @throws AppError("input", "ALL_FROZEN") if nothing is left to learn
 * @example const step = await openTrainStep(config); step.load(weights); await step.run(batch, schedule)
 */
export async function openTrainStep(config: StepConfig): Promise<TrainStep> {
  const layout = layOut(config);
  const { outputs, noises } = buildStep(config, layout);
  const block = config.lowering === "plain" ? undefined : await probeBlock();
  const emitted = emitGraph({ outputs, block });
  const session = await createSession(emitted.model, {
    optimization: "disabled", // the graph is as it should be; rewriting it takes half of the time to load
    ...(config.threads === undefined ? {} : { threads: config.threads }),
  });
  return new CompiledStep(config, layout, noises, session, emitted.inputs);
}

const float = (data: Float32Array, shape: Shape) => new Tensor("float32", data, [...shape]);

class CompiledStep implements TrainStep {
  readonly specs: readonly ParamSpec[];
  readonly #config: StepConfig;
  readonly #layout: StepLayout;
  readonly #noises: readonly NoiseSpec[];
  readonly #session: Session;
  readonly #inputs: ReadonlySet<string>;
  /** Current state by input name, and a second set that the next step is written into. */
  #state = new Map<string, Tensor>();
  #spare = new Map<string, Tensor>();

  constructor(
    config: StepConfig,
    layout: StepLayout,
    noises: readonly NoiseSpec[],
    session: Session,
    inputs: readonly { readonly name: string }[],
  ) {
    this.specs = layout.specs;
    this.#config = config;
    this.#layout = layout;
    this.#noises = noises;
    this.#session = session;
    this.#inputs = new Set(inputs.map(({ name }) => name));
  }

  load(weights: Weights, slots: TrainState["slots"] = new Map()): void {
    const { learnt, fixed, buffers } = this.#layout;
    for (const pack of [...learnt, ...fixed, ...buffers]) this.#put(pack.name, packWeights(weights, pack));
    for (const slot of this.#config.optimizer.slots) {
      const values = slots.get(slot);
      for (const pack of learnt) {
        const data = values === undefined ? new Float32Array(pack.length) : packWeights(values, pack);
        this.#put(slotName(slot, pack), data);
      }
    }
    for (const pack of averagedPacks(this.#config, this.#layout))
      this.#put(slotName(EMA, pack), packWeights(slots.get(EMA) ?? weights, pack));
  }

  async run(batch: StepBatch, schedule: StepSchedule): Promise<StepResult> {
    const feeds: Record<string, Tensor> = { ...this.#batchFeeds(batch), ...this.#scalarFeeds(schedule) };
    const random = Random.of(schedule.seed).split("noise", schedule.step);
    for (const { name, shape, keep } of this.#noises)
      feeds[name] = float(drawNoise(shape, keep, random.split(name)), shape);
    for (const [name, tensor] of this.#state) feeds[name] = tensor;
    const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => this.#inputs.has(name)));
    const { loss, gradNorm, logits } = await this.#session.run(used, this.#fetches());
    for (const name of this.#session.outputNames) {
      if (name.startsWith("next|")) this.#swap(name.slice(5));
    }
    return {
      loss: (loss!.data as Float32Array)[0]!,
      gradNorm: (gradNorm!.data as Float32Array)[0]!,
      logits: logits!.data as Float32Array,
    };
  }

  save(): Pick<TrainState, "weights" | "slots"> {
    const { learnt, fixed, buffers } = this.#layout;
    const weights: Weights = new Map();
    for (const pack of [...learnt, ...fixed, ...buffers]) unpackWeights(this.#data(pack.name), pack, weights);
    const slots = new Map<string, Weights>();
    for (const slot of this.#config.optimizer.slots) slots.set(slot, this.#slot(slot, learnt));
    const averaged = averagedPacks(this.#config, this.#layout);
    if (averaged.length > 0) slots.set(EMA, this.#slot(EMA, averaged));
    return { weights, slots };
  }

  #slot(slot: string, packs: readonly Pack[]): Weights {
    const values: Weights = new Map();
    for (const pack of packs) unpackWeights(this.#data(slotName(slot, pack)), pack, values);
    return values;
  }

  close(): Promise<void> {
    return this.#session.release();
  }

  #put(name: string, data: Float32Array): void {
    this.#state.set(name, float(data, [data.length]));
    this.#spare.set(name, float(new Float32Array(data.length), [data.length]));
  }

  #data(name: string): Float32Array {
    return this.#state.get(name)!.data as Float32Array;
  }

  #swap(name: string): void {
    const now = this.#state.get(name)!;
    this.#state.set(name, this.#spare.get(name)!);
    this.#spare.set(name, now);
  }

  /** New state goes into the spare set: nothing is allocated a step. */
  #fetches(): Tensors {
    const fetches: Record<string, Tensor> = {
      loss: float(new Float32Array(1), []),
      gradNorm: float(new Float32Array(1), []),
      logits: float(new Float32Array(this.#config.batchSize), [this.#config.batchSize]),
    };
    for (const name of this.#session.outputNames) {
      if (name.startsWith("next|")) fetches[name] = this.#spare.get(name.slice(5))!;
    }
    return fetches;
  }

  #batchFeeds({ images, labels, flag, weights, modalityWeights }: StepBatch): Record<string, Tensor> {
    const { batchSize: n, sizePx } = this.#config;
    return {
      images: new Tensor("uint8", images, [n, sizePx, sizePx, 3]),
      labels: float(labels, [n]),
      flag: float(flag, [n, 2]),
      weights: float(weights, [n]),
      modalityWeights: float(modalityWeights, [n]),
    };
  }

  #scalarFeeds({ step, lr, decay, clipNorm, focal }: StepSchedule): Record<string, Tensor> {
    const { optimizer } = this.#config;
    const own = optimizer.scalarsAt(step).map((value, i) => [optimizer.scalarNames[i]!, value] as const);
    const named = [["lr", lr], ["decay", decay], ["clipNorm", clipNorm], ["focal", focal], ...own] as const;
    return Object.fromEntries(named.map(([name, value]) => [name, float(Float32Array.of(value), [])]));
  }
}

/** Inverted dropout: 1 / keep with probability `keep`, else 0. */
function drawNoise(shape: Shape, keep: number, random: Random): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, () => (random.next() < keep ? 1 / keep : 0));
}
