// ◇ Browser-safe. The symbolic training step: forward, loss, gradients, clipping, optimizer, running statistics.
// Outputs named `next|<input>` are the new value of that input: the whole state of training is inputs and outputs.
import { AppError } from "../../core/errors.ts";
import { gradients } from "../../engine/gradients.ts";
import type { Value } from "../../engine/graph.ts";
import { add, imageToTensor, input, scalar, scale, sub } from "../../engine/ops.ts";
import { clipFactor, globalNorm, type Optimizer } from "../../engine/optim.ts";
import {
  Declarations,
  type NoiseSpec,
  type Pack,
  type ParamSpec,
  packParams,
  packValues,
  unpackValues,
} from "../../engine/params.ts";
import { type TargetInputs, trainingLoss } from "../../models/losses.ts";
import type { ModelGraph } from "../../models/model.ts";
import type { ClassTarget, TargetScores } from "../../models/targets.ts";

export interface StepConfig {
  readonly model: ModelGraph;
  /** Images a part of a step, >= 1. */
  readonly batchSize: number;
  /**
   * Parts of a step, whose gradients are added up before the update; default 1. To the forward pass the parts are one
   * batch to the bit, dropout included, but for norms over the batch, which see (and count) each part by itself.
   * Gradients are the same sums in another order: equal up to float rounding.
   */
  readonly accumulate?: number | undefined;
  /** Side of the square input, px. */
  readonly sizePx: number;
  /** Pixel normalisation per channel, of pixels in 0..1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly optimizer: Optimizer;
  /** True for the names of parameters that must not change. */
  readonly frozen?: ((name: string) => boolean) | undefined;
  /** Decay biases and norms too; default false. */
  readonly decayAll?: boolean | undefined;
  /** Factor on a parameter's learning rate; 1 for all if left out. */
  readonly rateOf?: ((name: string) => number) | undefined;
  /** Of the labels of the sex, see LossInputs; default 0. */
  readonly labelSmoothing?: number | undefined;
  /** Labels lie between 0 and 1 (mixup); default false. */
  readonly softLabels?: boolean | undefined;
  /** Keep an exponential moving average of weights and statistics, with this decay a step. */
  readonly ema?: number | undefined;
}

/** All parameters and buffers that a model declares, in state-dict order. */
export function declaredSpecs(model: ModelGraph, sizePx: number): ParamSpec[] {
  const scope = new Declarations({ mode: "eval" });
  model(scope, { pixels: input("pixels", [1, 3, sizePx, sizePx]), flag: input("flag", [1, 2]) });
  return [...scope.specs.values()];
}

export interface StepLayout {
  readonly specs: readonly ParamSpec[];
  /** Learnt; each has one vector per optimizer slot. */
  readonly learnt: readonly Pack[];
  /** Frozen parameters, and the statistics of frozen norms. */
  readonly fixed: readonly Pack[];
  readonly buffers: readonly Pack[];
}

/**
 * Sorts a model's parameters and buffers into packs.
 * @throws AppError("input", "ALL_FROZEN") if nothing is left to learn
 */
export function layOut(config: StepConfig): StepLayout {
  const specs = declaredSpecs(config.model, config.sizePx);
  const frozen = config.frozen ?? (() => false);
  // Statistics are those of a norm, which asks by its own name.
  const still = ({ kind, name }: ParamSpec) =>
    frozen(kind === "buffer" ? name.replace(/\.[^.]+$/, "") : name);
  const learnt = specs.filter((spec) => spec.kind === "parameter" && !still(spec));
  if (learnt.length === 0) {
    throw new AppError(
      "input",
      "ALL_FROZEN",
      "Expected at least one parameter to learn, got all of them frozen",
    );
  }
  return {
    specs,
    learnt: packParams(learnt, "param", config.rateOf),
    fixed: packParams(specs.filter(still), "fixed"),
    buffers: packParams(
      specs.filter((spec) => spec.kind === "buffer" && !still(spec)),
      "buffer",
    ),
  };
}

/** The slot of the moving average; with one vector for each of `averagedPacks`. */
export const EMA = "ema";

/** What is averaged: all that training changes. */
export const averagedPacks = ({ ema }: StepConfig, { learnt, buffers }: StepLayout): readonly Pack[] =>
  ema === undefined ? [] : [...learnt, ...buffers];

/** Input name of a slot's vector. */
export const slotName = (slot: string, pack: Pack) => `${slot}|${pack.name}`;

/** The slot of the gradients that the parts of a step leave for its update; each step starts it at zero. */
export const SUM = "sum";

/** Where the parts of a step leave their gradients; nowhere if it has one part, which goes straight to the update. */
export const summedPacks = ({ accumulate = 1 }: StepConfig, { learnt }: StepLayout): readonly Pack[] =>
  accumulate === 1 ? [] : learnt;

/** Values of packs: the graph's inputs, or what follows them. */
type State = ReadonlyMap<Pack, Value>;
type Outputs = Readonly<Record<string, Value>>;

export interface StepGraph {
  /** The whole step; or one part of it, which adds its gradients to the sums. */
  readonly outputs: Outputs;
  /** What follows the parts of a step that has several. */
  readonly update?: Outputs | undefined;
  readonly noises: readonly NoiseSpec[];
  readonly images: Value;
  /** Frozen parameters and statistics, by name. */
  readonly fixed: ReadonlyMap<string, Value>;
}

/** Builds the symbolic step; outputs named `next|<input>` are the new state. */
export function buildStep(config: StepConfig, layout: StepLayout): StepGraph {
  const packs = [...layout.learnt, ...layout.fixed, ...layout.buffers];
  const state: State = new Map(packs.map((pack) => [pack, input(pack.name, [pack.length])]));
  const { loss, logits, grads, buffers, ...rest } = buildPart(config, layout, state);
  const summed = summedPacks(config, layout);
  if (summed.length === 0) {
    const { gradNorm, ...next } = buildUpdate(config, { layout, state, grads, buffers });
    return { outputs: { loss, gradNorm: gradNorm!, logits, ...next }, ...rest };
  }
  const sums = summed.map((pack) => input(slotName(SUM, pack), [pack.length]));
  const added = summed.map((pack, i) => [`next|${slotName(SUM, pack)}`, add(sums[i]!, grads[i]!)] as const);
  const changed = [...buffers].map(([pack, next]) => [`next|${pack.name}`, next] as const);
  const current = new Map([...buffers.keys()].map((pack) => [pack, state.get(pack)!]));
  return {
    outputs: { loss, logits, ...Object.fromEntries([...added, ...changed]) },
    update: buildUpdate(config, { layout, state, grads: sums, buffers: current }),
    ...rest,
  };
}

/** Loss and gradients of `batchSize` images, with the statistics that they leave. */
function buildPart(config: StepConfig, layout: StepLayout, state: State) {
  const { batchSize: n, sizePx } = config;
  const values = new Map([...state].flatMap(([pack, flat]) => [...unpackValues(flat, pack)]));
  const scope = new Declarations({
    mode: "train",
    resolve: (spec) => values.get(spec.name)!,
    frozen: config.frozen,
  });
  const flag = input("flag", [n, 2]);
  const images = input("images", [n, sizePx, sizePx, 3], "uint8");
  const pixels = imageToTensor(images, config.mean, config.std);
  const made = config.model(scope, { pixels, flag });
  const loss = trainingLoss(made, {
    labels: input("labels", [n]),
    weights: input("weights", [n]),
    focal: input("focal", []),
    flag,
    modalityWeights: input("modalityWeights", [n]),
    smoothing: config.labelSmoothing ?? 0,
    soft: config.softLabels ?? false,
    targets: targetInputs(made.targets, n),
  });
  const learnt = layout.learnt.flatMap((pack) => pack.members.map(({ spec }) => spec.name));
  const grads = gradients(
    loss,
    learnt.map((name) => values.get(name)!),
  );
  const byName = new Map(learnt.map((name, i) => [name, grads[i]!]));
  const next = layout.buffers.map((pack) => [pack, scope.nextPack(state.get(pack)!, pack)] as const);
  return {
    loss,
    logits: made.logits,
    grads: layout.learnt.map((pack) => packValues(byName, pack)),
    buffers: new Map(next.flatMap(([pack, value]) => (value === undefined ? [] : [[pack, value] as const]))),
    noises: scope.noises,
    images,
    fixed: new Map(
      layout.fixed.flatMap(({ members }) => members.map(({ spec }) => [spec.name, values.get(spec.name)!])),
    ),
  };
}

/** Input name of a further target's one-hot classes. */
export const labelsName = (target: ClassTarget) => `labels|${target}`;
/** Input name of its samples' weights. */
export const weightsName = (target: ClassTarget) => `weights|${target}`;

function targetInputs(scores: TargetScores = {}, n: number): TargetInputs {
  const entries = Object.entries(scores).map(([key, { shape }]) => {
    const name = key as ClassTarget;
    return [
      name,
      { labels: input(labelsName(name), shape), weights: input(weightsName(name), [n]) },
    ] as const;
  });
  return Object.fromEntries(entries);
}

interface UpdateParts {
  readonly layout: StepLayout;
  readonly state: State;
  /** Of the learnt packs. */
  readonly grads: readonly Value[];
  /** Statistics after the step; those that a step changes. */
  readonly buffers: State;
}

/** The new parameters, slots, statistics and averages. */
function buildUpdate(config: StepConfig, { layout, state, grads, buffers }: UpdateParts): Outputs {
  const { optimizer } = config;
  const gradNorm = globalNorm(grads);
  const outputs: Record<string, Value> = { gradNorm };
  const scalars = {
    lr: input("lr", []),
    gradScale: clipFactor(gradNorm, input("clipNorm", [])),
    own: optimizer.scalarNames.map((name) => input(name, [])),
  };
  const decay = input("decay", []);
  layout.learnt.forEach((pack, i) => {
    const slots = optimizer.slots.map((slot) => input(slotName(slot, pack), [pack.length]));
    const [param, ...next] = optimizer.update(state.get(pack)!, grads[i]!, slots, {
      ...scalars,
      lr: pack.rate === 1 ? scalars.lr : scale(scalars.lr, pack.rate),
      decay: pack.decay || config.decayAll === true ? decay : scalar(0),
    });
    outputs[`next|${pack.name}`] = param!;
    optimizer.slots.forEach((slot, s) => {
      outputs[`next|${slotName(slot, pack)}`] = next[s]!;
    });
  });
  for (const [pack, next] of buffers) {
    if (next !== state.get(pack)) outputs[`next|${pack.name}`] = next; // else the parts have changed it already
  }
  for (const pack of averagedPacks(config, layout)) {
    const name = slotName(EMA, pack);
    const next = outputs[`next|${pack.name}`] ?? buffers.get(pack); // none if all of its statistics are frozen
    if (next !== undefined) outputs[`next|${name}`] = average(input(name, [pack.length]), next, config.ema!);
  }
  return outputs;
}

/** decay * average + (1 - decay) * value, in the form that leaves what does not change as it is. */
function average(mean: Value, value: Value, decay: number): Value {
  return add(mean, scale(sub(value, mean), 1 - decay));
}
