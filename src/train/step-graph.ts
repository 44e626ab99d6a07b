// The symbolic training step: forward, loss, gradients, clipping, optimizer, running statistics.
// Outputs named `next|<input>` are the new value of that input: the whole state of training is inputs and outputs.
import { AppError } from "../core/errors.ts";
import { gradients } from "../engine/gradients.ts";
import type { Value } from "../engine/graph.ts";
import { add, imageToTensor, input, scalar, scale, sub } from "../engine/ops.ts";
import { clipFactor, globalNorm, type Optimizer } from "../engine/optim.ts";
import {
  Declarations,
  type NoiseSpec,
  type Pack,
  type ParamSpec,
  packParams,
  packValues,
  unpackValues,
} from "../engine/params.ts";
import { trainingLoss } from "../models/losses.ts";
import type { ModelGraph } from "../models/model.ts";

export interface StepConfig {
  readonly model: ModelGraph;
  /** Images a step, >= 1. */
  readonly batchSize: number;
  /** Side of the square input, px. */
  readonly sizePx: number;
  /** Pixel normalisation per channel, of pixels in 0..1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly optimizer: Optimizer;
  /** True for the names of parameters that must not change. */
  readonly frozen?: (name: string) => boolean;
  /** Decay biases and norms too; default false. */
  readonly decayAll?: boolean;
  /** Factor on a parameter's learning rate; 1 for all if left out. */
  readonly rateOf?: (name: string) => number;
  /** Of the labels of the sex, see LossInputs; default 0. */
  readonly labelSmoothing?: number;
  /** Keep an exponential moving average of weights and statistics, with this decay a step. */
  readonly ema?: number;
  readonly threads?: number;
  /** `plain` forgoes the fast NCHWc operators; default: those, where the runtime has them. */
  readonly lowering?: "plain" | "nchwc";
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
  /** Frozen parameters. */
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
  const parameters = specs.filter((spec) => spec.kind === "parameter");
  const learnt = parameters.filter((spec) => !frozen(spec.name));
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
    fixed: packParams(
      parameters.filter((spec) => frozen(spec.name)),
      "fixed",
    ),
    buffers: packParams(
      specs.filter((spec) => spec.kind === "buffer"),
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

export interface StepGraph {
  readonly outputs: Readonly<Record<string, Value>>;
  readonly noises: readonly NoiseSpec[];
}

/** Builds the symbolic step; outputs named `next|<input>` are the new state. */
export function buildStep(config: StepConfig, layout: StepLayout): StepGraph {
  const { batchSize: n, sizePx, optimizer } = config;
  const flats = new Map(
    [...layout.learnt, ...layout.fixed, ...layout.buffers].map((p) => [p, input(p.name, [p.length])]),
  );
  const values = new Map([...flats].flatMap(([pack, flat]) => [...unpackValues(flat, pack)]));
  const scope = new Declarations({
    mode: "train",
    resolve: (spec) => values.get(spec.name)!,
    ...(config.frozen === undefined ? {} : { frozen: config.frozen }),
  });
  const flag = input("flag", [n, 2]);
  const pixels = imageToTensor(input("images", [n, sizePx, sizePx, 3], "uint8"), config.mean, config.std);
  const made = config.model(scope, { pixels, flag });
  const loss = trainingLoss(made, {
    labels: input("labels", [n]),
    weights: input("weights", [n]),
    focal: input("focal", []),
    flag,
    modalityWeights: input("modalityWeights", [n]),
    smoothing: config.labelSmoothing ?? 0,
  });
  const learnt = layout.learnt.flatMap((pack) => pack.members.map(({ spec }) => spec.name));
  const grads = gradients(
    loss,
    learnt.map((name) => values.get(name)!),
  );
  const byName = new Map(learnt.map((name, i) => [name, grads[i]!]));
  const flatGrads = layout.learnt.map((pack) => packValues(byName, pack));
  const gradNorm = globalNorm(flatGrads);
  const outputs: Record<string, Value> = { loss, gradNorm, logits: made.logits };
  const scalars = {
    lr: input("lr", []),
    gradScale: clipFactor(gradNorm, input("clipNorm", [])),
    own: optimizer.scalarNames.map((name) => input(name, [])),
  };
  const decay = input("decay", []);
  layout.learnt.forEach((pack, i) => {
    const slots = optimizer.slots.map((slot) => input(slotName(slot, pack), [pack.length]));
    const [param, ...next] = optimizer.update(flats.get(pack)!, flatGrads[i]!, slots, {
      ...scalars,
      lr: pack.rate === 1 ? scalars.lr : scale(scalars.lr, pack.rate),
      decay: pack.decay || config.decayAll === true ? decay : scalar(0),
    });
    outputs[`next|${pack.name}`] = param!;
    optimizer.slots.forEach((slot, s) => {
      outputs[`next|${slotName(slot, pack)}`] = next[s]!;
    });
  });
  for (const pack of layout.buffers) {
    if (!pack.members.some(({ spec }) => scope.updates.has(spec.name))) continue;
    outputs[`next|${pack.name}`] = packValues(new Map([...values, ...scope.updates]), pack);
  }
  for (const pack of averagedPacks(config, layout)) {
    const name = slotName(EMA, pack);
    const next = outputs[`next|${pack.name}`]; // none if all of its statistics are frozen
    if (next !== undefined) outputs[`next|${name}`] = average(input(name, [pack.length]), next, config.ema!);
  }
  return { outputs, noises: scope.noises };
}

/** decay * average + (1 - decay) * value, in the form that leaves what does not change as it is. */
function average(mean: Value, value: Value, decay: number): Value {
  return add(mean, scale(sub(value, mean), 1 - decay));
}
