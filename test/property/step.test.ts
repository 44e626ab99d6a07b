// The training step as a pure function of its feeds: repeatable to the bit, resumable, and honest about freezing.
import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { adamw, sgd } from "../../src/engine/optim.ts";
import { initialise, type Weights } from "../../src/engine/params.ts";
import { createSession } from "../../src/engine/runtime/open-session.ts";
import { backbone } from "../../src/models/backbones/registry.ts";
import { type ModelFacts, OUTPUT_MEANING } from "../../src/models/facts.ts";
import { freezeStages, slowStages } from "../../src/models/model.ts";
import { umcc } from "../../src/models/umcc.ts";
import { openPredictor } from "../../src/predict/predictor.ts";
import type { StepBatch } from "../../src/train/step/batch.ts";
import { type LocalStepConfig, openTrainStep } from "../../src/train/step/local.ts";
import { evaluatedWeights, type TrainStep } from "../../src/train/step/step.ts";

const N = 4;
const SIDE = 32;
const net = backbone("test_efficientnet");

function open(options: Partial<LocalStepConfig> = {}): Promise<TrainStep> {
  const half = [0.5, 0.5, 0.5];
  // Dropout and stochastic depth, so that noise is drawn too.
  const model = umcc({ backbone: net, flag: true, options: { dropPathRate: 0.2 } });
  return openTrainStep({
    model,
    batchSize: N,
    sizePx: SIDE,
    mean: half,
    std: half,
    optimizer: adamw(),
    ...options,
  });
}

function batchOf(step: number): StepBatch {
  const random = Random.of(step);
  return {
    images: Uint8Array.from({ length: N * SIDE * SIDE * 3 }, () => random.int(256)),
    labels: Float32Array.of(0, 1, 1, 0),
    flag: Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1),
    weights: new Float32Array(N).fill(1 / N),
    modalityWeights: new Float32Array(N),
  };
}

/** One batch of several; each image then weighs less. */
function joined(batches: readonly StepBatch[]): StepBatch {
  const floats = (key: "labels" | "flag" | "weights" | "modalityWeights", divisor = 1) =>
    Float32Array.from(batches.flatMap((batch) => [...batch[key]].map((value) => value / divisor)));
  return {
    images: Uint8Array.from(batches.flatMap(({ images }) => [...images])),
    labels: floats("labels"),
    flag: floats("flag"),
    weights: floats("weights", batches.length),
    modalityWeights: floats("modalityWeights", batches.length),
  };
}

async function take(step: TrainStep, from: number, to: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = from; i <= to; i++) {
    const made = await step.run(batchOf(i), {
      step: i,
      lr: 1e-3,
      decay: 0.01,
      clipNorm: 1,
      focal: 0,
      seed: 5,
    });
    losses.push(made.loss);
  }
  return losses;
}

const schedule = { step: 1, lr: 1e-3, decay: 0.01, clipNorm: 1, focal: 0, seed: 5 };

const opened: TrainStep[] = [];
async function started(options: Parameters<typeof open>[0] = {}): Promise<TrainStep> {
  const step = await open(options);
  opened.push(step);
  step.load(initialise(step.specs, Random.of(1)));
  return step;
}
afterAll(() => Promise.all(opened.map((step) => step.close())));

const changed = (before: Weights, after: Weights) =>
  [...before.keys()].filter((name) => !Buffer.from(before.get(name)!.buffer).equals(bytes(after.get(name)!)));
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!) / (1 + Math.abs(value))));
const bytes = (data: Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

describe("a training step", () => {
  it.each([1, 2])(
    "stopped and resumed gives the bytes of an uninterrupted run (%i threads)",
    async (threads) => {
      const whole = await started({ threads });
      const losses = await take(whole, 1, 5);
      const first = await started({ threads });
      const early = await take(first, 1, 2);
      const { weights, slots } = await first.save();
      const second = await started({ threads });
      second.load(weights, slots);
      expect([...early, ...(await take(second, 3, 5))]).toEqual(losses);
      expect(changed((await whole.save()).weights, (await second.save()).weights)).toEqual([]);
      expect((await second.save()).slots).toEqual((await whole.save()).slots);
    },
  );

  it("changes every weight and statistic", async () => {
    const step = await started();
    const before = (await step.save()).weights;
    await take(step, 1, 2);
    const after = changed(before, (await step.save()).weights);
    expect([...before.keys()].filter((name) => !after.includes(name))).toEqual([]);
  });

  it("saves copies: later steps do not change them", async () => {
    const step = await started();
    await take(step, 1, 1);
    const { weights } = await step.save();
    const before = new Map([...weights].map(([name, data]) => [name, data.slice()]));
    await take(step, 2, 3);
    expect(changed(before, weights)).toEqual([]);
  });

  it("leaves frozen weights and their statistics alone", async () => {
    const frozen = freezeStages(net, 2);
    const step = await started({ frozen });
    const before = (await step.save()).weights;
    await take(step, 1, 2);
    const after = changed(before, (await step.save()).weights);
    expect(after.filter(frozen)).toEqual([]);
    expect(after.length).toBe([...before.keys()].filter((name) => !frozen(name)).length);
    expect([...before.keys()].filter(frozen).length).toBeGreaterThan(0);
  });

  it("sees through a frozen backbone what prediction sees, also after other weights are loaded", async () => {
    const half = [0.5, 0.5, 0.5] as [number, number, number];
    const model = umcc({ backbone: net, flag: true, options: { dropRate: 0 } });
    const step = await open({ model, frozen: freezeStages(net, net.stages.length) });
    opened.push(step);
    const facts: ModelFacts = {
      format: 1,
      arch: "umcc",
      tag: "none",
      backbone: net.name,
      flag: true,
      gating: null,
      pixels: { sizePx: SIDE, interpolation: "bilinear", mean: half, std: half },
      threshold: 0.5,
      output: OUTPUT_MEANING,
      trainedOn: [],
    };
    const modalities = ["hand", "face", "hand", "face"] as const;
    for (const seed of [1, 2]) {
      const weights = initialise(step.specs, Random.of(seed));
      const predictor = await openPredictor({ facts, weights, createSession, batchSize: N });
      const expected = await predictor.predictPixels(batchOf(1).images, modalities);
      await predictor.close();
      step.load(weights);
      const { logits } = await step.run(batchOf(1), schedule);
      logits.forEach((logit, i) => {
        expect(logit).toBeCloseTo(expected[i]!.logit, 5);
      });
    }
  });

  it("has nothing to do when all is frozen", async () => {
    await expect(open({ frozen: () => true })).rejects.toThrow(
      "Expected at least one parameter to learn, got all of them frozen",
    );
  });

  it("lowers the loss on one batch", async () => {
    const step = await started();
    const batch = batchOf(1);
    const losses: number[] = [];
    for (let i = 1; i <= 30; i++) {
      const schedule = { step: i, lr: 3e-3, decay: 0, clipNorm: 1, focal: 0, seed: 5 };
      losses.push((await step.run(batch, schedule)).loss);
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
  });

  it("smooths labels as torch's loss on y (1 - x) + x / 2", async () => {
    const step = await started({ labelSmoothing: 0.3 });
    const batch = batchOf(1);
    const { loss, logits } = await step.run(batch, schedule);
    const terms = [...logits].map((z, i) => {
      const y = batch.labels[i]! * 0.7 + 0.15;
      return y * Math.log1p(Math.exp(-z)) + (1 - y) * Math.log1p(Math.exp(z));
    });
    expect(loss).toBeCloseTo(terms.reduce((a, b) => a + b) / N, 5);
  });

  it("averages weights and statistics as by hand, and leaves frozen ones as they are", async () => {
    const frozen = freezeStages(net, 2);
    const step = await started({ ema: 0.75, frozen });
    const { weights: initial } = await step.save();
    const expected = new Map([...initial].map(([name, data]) => [name, Float64Array.from(data)]));
    for (const i of [1, 2, 3]) {
      await take(step, i, i);
      const { weights } = await step.save();
      for (const [name, mean] of expected)
        mean.forEach((value, k) => {
          mean[k] = 0.75 * value + 0.25 * weights.get(name)![k]!;
        });
    }
    const state = await step.save();
    for (const [name, data] of evaluatedWeights(state)) {
      if (frozen(name)) expect(data, name).toEqual(initial.get(name));
      else expect(distance(data, expected.get(name)!), name).toBeLessThan(2e-6);
    }
    expect(
      distance(evaluatedWeights(state).get("classifier.bias")!, state.weights.get("classifier.bias")!),
    ).toBeGreaterThan(1e-4);
  });

  it("averages on after a stop, to the bit, without a change to the weights", async () => {
    const [plain, whole, first, second] = [
      await started(),
      await started({ ema: 0.9 }),
      await started({ ema: 0.9 }),
      await started({ ema: 0.9 }),
    ];
    await take(plain, 1, 4);
    await take(whole, 1, 4);
    await take(first, 1, 2);
    const { weights, slots } = await first.save();
    second.load(weights, slots);
    await take(second, 3, 4);
    expect(await second.save()).toEqual(await whole.save());
    expect(changed((await plain.save()).weights, (await whole.save()).weights)).toEqual([]);
  });

  it("lets each stage change by its share of the plain step", async () => {
    const rateOf = slowStages(net, 0.5);
    const deltas = async (more: Partial<LocalStepConfig>) => {
      const step = await started({ optimizer: sgd(), ...more });
      const before = (await step.save()).weights;
      await step.run(batchOf(1), { ...schedule, lr: 0.1, decay: 0.01 });
      const after = (await step.save()).weights;
      const specs = step.specs.filter(({ kind }) => kind === "parameter");
      return new Map(
        specs.map(({ name }) => [name, before.get(name)!.map((v, i) => after.get(name)![i]! - v)] as const),
      );
    };
    const [plain, slow] = [await deltas({}), await deltas({ rateOf })];
    expect(new Set([...plain.keys()].map(rateOf)).size).toBe(net.stages.length + 1);
    for (const [name, delta] of plain)
      expect(
        distance(
          slow.get(name)!,
          delta.map((v) => v * rateOf(name)),
        ),
        name,
      ).toBeLessThan(3e-7);
    expect(Math.max(...slow.get("backbone.conv_stem.weight")!.map(Math.abs))).toBeGreaterThan(1e-5);
  });

  it("in parts is a step on one large batch, where norms are frozen", async () => {
    const frozen = (name: string) => /\.bn\d/.test(name);
    const [large, parts] = [
      await started({ frozen, batchSize: 3 * N }),
      await started({ frozen, accumulate: 3 }),
    ];
    for (const i of [1, 2, 3]) {
      const batch = joined([batchOf(3 * i), batchOf(3 * i + 1), batchOf(3 * i + 2)]);
      const [a, b] = [
        await large.run(batch, { ...schedule, step: i }),
        await parts.run(batch, { ...schedule, step: i }),
      ];
      // Before the first update the weights are the same, and so is every logit, with its dropout.
      if (i === 1) expect(b.logits).toEqual(a.logits);
      else expect(distance(b.logits, a.logits)).toBeLessThan(1e-3);
      expect(b.loss).toBeCloseTo(a.loss, i === 1 ? 6 : 4);
      expect(b.gradNorm / a.gradNorm).toBeCloseTo(1, i === 1 ? 5 : 3);
      if (i === 1) {
        const states = await Promise.all([large, parts].map((step) => step.save()));
        const [m, n] = states.map(({ slots }) => slots.get("exp_avg")!);
        for (const [name, data] of m!) expect(distance(n!.get(name)!, data), name).toBeLessThan(1e-6);
      }
    }
  });

  it("in parts, with all options, stops and resumes to the bit", async () => {
    const options = { accumulate: 2, ema: 0.9, labelSmoothing: 0.1, rateOf: slowStages(net, 0.7) };
    const run = async (step: TrainStep, from: number, to: number) => {
      for (let i = from; i <= to; i++)
        await step.run(joined([batchOf(2 * i), batchOf(2 * i + 1)]), { ...schedule, step: i });
    };
    const [whole, first, second] = [await started(options), await started(options), await started(options)];
    const before = await whole.save();
    await run(whole, 1, 4);
    await run(first, 1, 2);
    const { weights, slots } = await first.save();
    expect([...slots.keys()]).toEqual(["exp_avg", "exp_avg_sq", "ema"]); // sums are none of the state
    second.load(weights, slots);
    await run(second, 3, 4);
    expect(await second.save()).toEqual(await whole.save());
    const moved = changed(before.weights, evaluatedWeights(await whole.save()));
    expect([...before.weights.keys()].filter((name) => !moved.includes(name))).toEqual([]);
  });
});
