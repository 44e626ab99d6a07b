// ◇ Browser-safe. Runs the training step: compiles its graph, feeds batches, holds the state.
// State stays in flat tensors that are fed and fetched in turn (two sets, swapped), never unpacked between steps.
// Everything random or scheduled is an input, so that a step is a pure function of its feeds.
// With `accumulate` a graph of one part runs several times and leaves sums of gradients, which a second graph applies.
import { Handle } from "../../core/handle.ts";
import { Random } from "../../core/random.ts";
import type { TrainState } from "../../engine/checkpoint.ts";
import { type Shape, sizeOf } from "../../engine/graph.ts";
import { cutFrozen, type FrozenPart } from "../../engine/lower/frozen.ts";
import {
  type NoiseSpec,
  type Pack,
  type ParamSpec,
  packWeights,
  unpackWeights,
  type Weights,
} from "../../engine/params.ts";
import type { Tensor, Tensors } from "../../engine/runtime/session.ts";
import { batchFeeds, float, joined, partOf, type StepBatch } from "./batch.ts";
import { type Compiled, compileStep, isNext, type StepRuntime, stateOf } from "./compile.ts";
import {
  averagedPacks,
  buildStep,
  EMA,
  layOut,
  type StepConfig,
  type StepLayout,
  SUM,
  slotName,
  summedPacks,
} from "./graph.ts";

export interface StepSchedule {
  /** 1 for the first step; names its random numbers. */
  readonly step: number;
  /** What the optimizer counts, from 1; `step` if left out. */ readonly update?: number | undefined;
  readonly lr: number;
  readonly decay: number;
  /** Largest global gradient norm; Infinity for no clipping. */
  readonly clipNorm: number;
  /** 0 for BCE, 1 for focal. */
  readonly focal: number;
  readonly seed: number;
}

/** What one training step gave. */
export interface StepResult {
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
  /** Log-odds of male, of all parts, [N]. */
  readonly logits: Float32Array;
  /** What the frozen part made of the images, [N, featureWidth], to be given again with them. */
  readonly features?: Float32Array | undefined;
}

export interface TrainStep {
  readonly specs: readonly ParamSpec[];
  /** Floats an image that the frozen part makes; undefined unless it makes a vector. */
  readonly featureWidth: number | undefined;
  /** Takes over weights and, if given, the slots (otherwise zeros, and the weights as their own average). */
  load(weights: Weights, slots?: TrainState["slots"]): void;
  run(batch: StepBatch, schedule: StepSchedule): Promise<StepResult>;
  /** Copies of the current weights and slots. */
  save(): Promise<Pick<TrainState, "weights" | "slots">>;
  close(): Promise<void>;
}

/** The weights to evaluate: their moving average if there is one. */
export function evaluatedWeights({ weights, slots }: Pick<TrainState, "weights" | "slots">): Weights {
  return new Map([...weights, ...(slots.get(EMA) ?? [])]);
}

/**
 * Compiles the training step of a model for one batch size and image size.
 *
 * @param runtime - what runs it: local.ts has this machine's, a page its own
 * @throws AppError("input", "ALL_FROZEN") if nothing is left to learn
 * @example const step = await openStepOn(config, runtime); step.load(weights); await step.run(batch, schedule)
 */
export async function openStepOn(config: StepConfig, runtime: StepRuntime): Promise<TrainStep> {
  const layout = layOut(config);
  const { outputs, update, noises, images, fixed } = buildStep(config, layout);
  const { provider } = runtime;
  const createSession = (model: Uint8Array) => runtime.createSession(model, {});
  const frozen = cutFrozen(Object.values(outputs), { images, fixed, provider, createSession });
  const part = await compileStep(outputs, runtime, frozen?.sources);
  try {
    return new CompiledStep(config, layout, runtime.memory, {
      part,
      noises,
      frozen,
      update: update === undefined ? undefined : await compileStep(update, runtime),
    });
  } catch (error) {
    await part.session.release();
    throw error;
  }
}

interface Graphs {
  /** What comes before the part, where it does not learn. */
  readonly frozen?: FrozenPart | undefined;
  /** The whole step; or what is run for each of its parts, before the update. */
  readonly part: Compiled;
  readonly update?: Compiled | undefined;
  readonly noises: readonly NoiseSpec[];
}

const number = (tensor: Tensor) => (tensor.data as Float32Array)[0]!;

class CompiledStep implements TrainStep {
  readonly specs: readonly ParamSpec[];
  readonly #config: StepConfig;
  readonly #layout: StepLayout;
  readonly #graphs: Graphs;
  /** Where state stays, if on a device. */
  readonly #memory: StepRuntime["memory"];
  /** Current state by input name; and, for what cannot be overwritten, memory for the next. */
  #state = new Map<string, Tensor>();
  readonly #handle = new Handle("training step", () => this.#free());
  #spare = new Map<string, Tensor>();

  constructor(config: StepConfig, layout: StepLayout, memory: StepRuntime["memory"], graphs: Graphs) {
    this.specs = layout.specs;
    this.#config = config;
    this.#layout = layout;
    this.#memory = memory;
    this.#graphs = graphs;
  }

  get featureWidth(): number | undefined {
    return this.#graphs.frozen?.width;
  }

  load(weights: Weights, slots: TrainState["slots"] = new Map()): void {
    const { learnt, fixed, buffers } = this.#layout;
    this.#graphs.frozen?.load(weights);
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
    this.#clearSums();
  }

  #clearSums(): void {
    for (const pack of summedPacks(this.#config, this.#layout)) {
      const sums = this.#state.get(slotName(SUM, pack));
      if (sums === undefined || this.#isFar(sums))
        this.#put(slotName(SUM, pack), new Float32Array(pack.length));
      else (sums.data as Float32Array).fill(0);
    }
  }

  run(batch: StepBatch, schedule: StepSchedule): Promise<StepResult> {
    return this.#handle.use(() => this.#run(batch, schedule));
  }

  async #run(batch: StepBatch, schedule: StepSchedule): Promise<StepResult> {
    const { frozen, part, update, noises } = this.#graphs;
    const { accumulate = 1, batchSize, sizePx } = this.#config;
    const scalars = this.#scalarFeeds(schedule);
    const random = Random.of(schedule.seed).split("noise", schedule.step);
    const streams = noises.map((noise) => ({ ...noise, stream: random.split(noise.name) }));
    const logits = new Float32Array(accumulate * batchSize);
    this.#clearSums();
    const features: Float32Array[] = [];
    let loss = 0;
    let outputs: Tensors = {};
    for (let k = 0; k < accumulate; k++) {
      const now = partOf(batch, k, batchSize);
      const feeds = { ...batchFeeds(now, sizePx), ...scalars };
      // A stream continues from part to part: the parts get the factors of one large batch.
      for (const { name, shape, keep, stream } of streams)
        feeds[name] = float(drawNoise(shape, keep, stream), shape);
      if (frozen !== undefined) {
        const known = now.features;
        const made = known === undefined ? await frozen.run(feeds["images"]!) : frozen.known(known);
        Object.assign(feeds, made);
        features.push(...Object.values(made).map(({ data }) => data as Float32Array));
      }
      outputs = await this.#advance(part, feeds);
      loss += number(outputs["loss"]!);
      logits.set(outputs["logits"]!.data as Float32Array, k * batchSize);
    }
    if (update !== undefined) outputs = await this.#advance(update, scalars);
    const result = { loss, gradNorm: number(outputs["gradNorm"]!), logits };
    return this.featureWidth === undefined ? result : { ...result, features: joined(features) };
  }

  /** Runs a graph on the current state, which is then the next. */
  async #advance(compiled: Compiled, feeds: Readonly<Record<string, Tensor>>): Promise<Tensors> {
    const { session, inputs, inPlace } = compiled;
    const all = [...Object.entries(feeds), ...this.#state];
    const used = Object.fromEntries(all.filter(([name]) => inputs.has(name)));
    if (this.#memory !== undefined) return this.#kept(await session.run(used));
    const outputs = await session.run(used, this.#fetches(compiled));
    for (const name of session.outputNames) {
      if (isNext(name) && !inPlace.has(name)) this.#swap(stateOf(name));
    }
    return outputs;
  }

  /** What a graph gave on a device, in the place of what it followed there. */
  #kept(outputs: Tensors): Tensors {
    for (const [name, tensor] of Object.entries(outputs)) if (isNext(name)) this.#set(stateOf(name), tensor);
    return outputs;
  }

  async save(): Promise<Pick<TrainState, "weights" | "slots">> {
    const { learnt, fixed, buffers } = this.#layout;
    const weights = await this.#unpacked([...learnt, ...fixed, ...buffers], ({ name }) => name);
    const slots = new Map<string, Weights>();
    const add = async (slot: string, packs: readonly Pack[]) =>
      slots.set(slot, await this.#unpacked(packs, (pack) => slotName(slot, pack)));
    for (const slot of this.#config.optimizer.slots) await add(slot, learnt);
    const averaged = averagedPacks(this.#config, this.#layout);
    if (averaged.length > 0) await add(EMA, averaged);
    return { weights, slots };
  }

  async #unpacked(packs: readonly Pack[], nameOf: (pack: Pack) => string): Promise<Weights> {
    const values: Weights = new Map();
    for (const pack of packs) {
      const tensor = this.#state.get(nameOf(pack))!;
      const data = this.#isFar(tensor) ? await this.#memory!.read(tensor) : (tensor.data as Float32Array);
      unpackWeights(data, pack, values);
    }
    return values;
  }

  close(): Promise<void> {
    return this.#handle.release();
  }

  async #free(): Promise<void> {
    const { frozen, part, update } = this.#graphs;
    for (const tensor of this.#state.values()) if (this.#isFar(tensor)) this.#memory!.free(tensor);
    await Promise.all([frozen?.close(), part.session.release(), update?.session.release()]);
  }

  #put(name: string, data: Float32Array): void {
    this.#set(name, float(data, [data.length]));
  }

  #isFar(tensor: Tensor): boolean {
    return this.#memory?.has(tensor) ?? false;
  }

  #set(name: string, tensor: Tensor): void {
    const before = this.#state.get(name);
    if (before !== undefined && this.#isFar(before)) this.#memory!.free(before);
    this.#state.set(name, tensor);
  }

  #data(name: string): Float32Array {
    return this.#state.get(name)!.data as Float32Array;
  }

  #swap(name: string): void {
    const now = this.#state.get(name)!;
    this.#state.set(name, this.#spare.get(name)!);
    this.#spare.set(name, now);
  }

  /** New state goes where the old one is, or into memory that is then exchanged for it: nothing is allocated a step. */
  #fetches({ session, inPlace }: Compiled): Tensors {
    const n = this.#config.batchSize;
    const fetch = (name: string) => {
      if (isNext(name))
        return inPlace.has(name) ? this.#state.get(stateOf(name))! : this.#other(stateOf(name));
      return name === "logits" ? float(new Float32Array(n), [n]) : float(new Float32Array(1), []);
    };
    return Object.fromEntries(session.outputNames.map((name) => [name, fetch(name)]));
  }

  #other(name: string): Tensor {
    const { length } = this.#data(name);
    if (!this.#spare.has(name)) this.#spare.set(name, float(new Float32Array(length), [length]));
    return this.#spare.get(name)!;
  }

  #scalarFeeds({ step, update = step, lr, decay, clipNorm, focal }: StepSchedule): Record<string, Tensor> {
    const { optimizer } = this.#config;
    const own = optimizer.scalarsAt(update).map((value, i) => [optimizer.scalarNames[i]!, value] as const);
    const named = [["lr", lr], ["decay", decay], ["clipNorm", clipNorm], ["focal", focal], ...own] as const;
    return Object.fromEntries(named.map(([name, value]) => [name, float(Float32Array.of(value), [])]));
  }
}

/** Inverted dropout: 1 / keep with probability `keep`, else 0. */
function drawNoise(shape: Shape, keep: number, random: Random): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, () => (random.next() < keep ? 1 / keep : 0));
}
