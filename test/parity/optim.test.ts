// Five steps of the compiled training step against PyTorch in float64 (goldens/optim.json by optim.py):
// optimizers, clipping, decay groups, schedule, running statistics and packing together.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sizeOf } from "../../src/engine/graph.ts";
import * as ops from "../../src/engine/ops.ts";
import { adamw, cosineLr, type Optimizer, sgd } from "../../src/engine/optim.ts";
import type { Scope, Weights } from "../../src/engine/params.ts";
import { batchNorm } from "../../src/models/backbones/blocks.ts";
import type { ModelGraph } from "../../src/models/model.ts";
import type { StepBatch } from "../../src/train/step/batch.ts";
import { type LocalStepConfig, openTrainStep } from "../../src/train/step/local.ts";
import type { TrainStep } from "../../src/train/step/step.ts";
import { difference } from "../run-graph.ts";
import { wave } from "./op-cases.ts";

interface Run {
  readonly steps: readonly {
    readonly lr: number;
    readonly loss: number;
    readonly gradNorm: number;
    readonly logits: readonly number[];
    /** After the step. */
    readonly weights?: Readonly<Record<string, readonly number[]>>;
  }[];
  readonly slots: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

interface Settings {
  readonly batch: number;
  readonly side: number;
  readonly eps: number;
  readonly momentum: number;
  readonly decay: number;
  readonly clip: number;
  readonly schedule: { lr: number; warmupSteps: number; totalSteps: number; minLr: number };
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** What training offers beside an optimizer. */
interface Options {
  readonly smoothing: number;
  readonly ema: number;
  /** Factors on the learning rate, by layer. */
  readonly rates: Readonly<Record<string, number>>;
  readonly run: Run;
}

const { settings, runs, options }: { settings: Settings; runs: Record<string, Run>; options: Options } =
  JSON.parse(readFileSync(new URL("./goldens/optim.json", import.meta.url), "utf8"));

const network: ModelGraph = (scope: Scope, { pixels }) => {
  const param = (name: string) =>
    scope.param(name, settings.shapes[name]!, { kind: "constant", value: Number.NaN });
  const convolved = (x: typeof pixels, name: string, stride: number, p: number) =>
    ops.conv2d(x, param(name), { stride: [stride, stride], padding: [p, p, p, p], groups: 1 });
  const norm = (x: typeof pixels, name: string) => batchNorm(scope, name, x, settings);
  const first = ops.activation("silu", norm(convolved(pixels, "conv.weight", 2, 1), "bn1"));
  const second = ops.activation("relu", norm(convolved(first, "expand.weight", 1, 0), "bn2"));
  const pooled = ops.globalAveragePool(second);
  const hidden = ops.activation("silu", ops.linear(pooled, param("hidden.weight"), param("hidden.bias")));
  const logits = ops.linear(hidden, param("head.weight"), param("head.bias"));
  return { logits: ops.reshape(logits, [pixels.shape[0]!]) };
};

/** As optim.py: wave, times 1 / sqrt(fan-in); norms around 1. */
function initial(): Weights {
  const weights: Weights = new Map();
  Object.entries(settings.shapes).forEach(([name, shape], i) => {
    const fan = shape.length > 1 ? sizeOf(shape.slice(1)) : 16;
    const centre = name.startsWith("bn") && name.endsWith("weight") ? 1 : 0;
    const data = wave(sizeOf(shape), i + 1).map((v) => v / Math.sqrt(fan) + centre);
    weights.set(name, Float32Array.from(data));
  });
  for (const [name, channels] of [
    ["bn1", 8],
    ["bn2", 128],
  ] as const) {
    weights.set(`${name}.running_mean`, new Float32Array(channels));
    weights.set(`${name}.running_var`, new Float32Array(channels).fill(1));
  }
  return weights;
}

function batchOf(step: number): StepBatch {
  const { batch: n, side } = settings;
  return {
    images: Uint8Array.from(wave(n * side * side * 3, 50 + step), (v) => Math.floor((v + 1) * 128)),
    labels: Float32Array.from(wave(n, 70 + step), (v) => (v > 0 ? 1 : 0)),
    flag: new Float32Array(2 * n),
    weights: new Float32Array(n).fill(1 / n),
    modalityWeights: new Float32Array(n),
  };
}

function open(optimizer: Optimizer, more: Partial<LocalStepConfig> = {}): Promise<TrainStep> {
  const half = [0.5, 0.5, 0.5];
  return openTrainStep({
    model: network,
    batchSize: settings.batch,
    sizePx: settings.side,
    mean: half,
    std: half,
    optimizer,
    threads: 1,
    ...more,
  });
}

/** The golden's evenly strided values. */
function sampled(data: Float32Array): Float32Array {
  const stride = Math.max(1, Math.floor(data.length / 128));
  return data.filter((_, i) => i % stride === 0);
}

const OPTIMIZERS: Readonly<Record<string, Optimizer>> = {
  adamw: adamw(),
  "adamw, other betas": adamw({ beta1: 0.8, beta2: 0.95, eps: 1e-6 }),
  sgd: sgd({ momentum: 0.9 }),
  "sgd, nesterov": sgd({ momentum: 0.9, nesterov: true }),
};

it("has a golden for every optimizer here and the other way round", () => {
  expect(Object.keys(OPTIMIZERS)).toEqual(Object.keys(runs));
});

describe.each(Object.entries(OPTIMIZERS))("five steps of %s", (name, optimizer) => {
  it("equal PyTorch's", async () => {
    await follow(await open(optimizer), runs[name]!);
  });
});

it("five steps with smoothed labels, a moving average and rates by layer equal PyTorch's", async () => {
  const { smoothing: labelSmoothing, ema, rates, run } = options;
  const rateOf = (name: string) => rates[name.split(".")[0]!] ?? 1;
  await follow(await open(adamw(), { labelSmoothing, ema, rateOf }), run);
});

/** Takes the golden's steps, and compares all that it holds. */
async function follow(step: TrainStep, golden: Run): Promise<void> {
  step.load(initial());
  for (const [i, expected] of golden.steps.entries()) {
    const lr = cosineLr(i, settings.schedule);
    expect(lr).toBeCloseTo(expected.lr, 12);
    const { decay, clip } = settings;
    const made = await step.run(batchOf(i), { step: i + 1, lr, decay, clipNorm: clip, focal: 0, seed: 0 });
    expect(made.loss, `loss ${i}`).toBeCloseTo(expected.loss, 5);
    expect(made.gradNorm / expected.gradNorm, `norm ${i}`).toBeCloseTo(1, 4);
    expect(difference(made.logits, expected.logits), `logits ${i}`).toBeLessThan(2e-4);
    if (expected.weights !== undefined) await compareWeights(step, expected.weights);
  }
  await compareSlots(step, golden.slots);
  await step.close();
}

/** Compares changes, not values: five small steps change most weights by little, some by few float32 steps. */
async function compareWeights(
  step: TrainStep,
  expected: Readonly<Record<string, readonly number[]>>,
): Promise<void> {
  const { weights } = await step.save();
  const before = initial();
  const largest = (values: ArrayLike<number>) => Math.max(...Array.from(values, Math.abs));
  expect([...weights.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    const start = sampled(before.get(name)!);
    const off = largest(sampled(weights.get(name)!).map((v, i) => v - values[i]!));
    const change = largest(values.map((v, i) => v - start[i]!));
    expect(off, name).toBeLessThan(1e-3 * change + 3e-7 * largest(values));
  }
}

async function compareSlots(step: TrainStep, expected: Run["slots"]): Promise<void> {
  const { slots } = await step.save();
  expect([...slots.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [slot, values] of Object.entries(expected)) {
    for (const [name, data] of Object.entries(values)) {
      const far = difference(sampled(slots.get(slot)!.get(name)!), data);
      expect(far, `${slot} of ${name}`).toBeLessThan(1e-3);
    }
  }
}

describe("cosineLr", () => {
  const plan = settings.schedule;

  it("rises to the highest rate, then falls to the lowest and stays", () => {
    expect(cosineLr(0, plan)).toBeCloseTo(plan.lr / 2, 12);
    expect(cosineLr(1, plan)).toBeCloseTo(plan.lr, 12);
    expect(cosineLr(2, plan)).toBeCloseTo(plan.lr, 12);
    expect(cosineLr(plan.totalSteps, plan)).toBeCloseTo(plan.minLr, 12);
    expect(cosineLr(plan.totalSteps + 9, plan)).toBeCloseTo(plan.minLr, 12);
  });

  it("refuses a warm-up that takes the whole run", () => {
    expect(() => cosineLr(0, { lr: 1, totalSteps: 5, warmupSteps: 5 })).toThrow(
      "Expected fewer warm-up steps than the 5 steps of the run for warm-up, got 5",
    );
  });
});
