// The training step that benchmarks run, here and in a page: drawn weights and pixels, UMCC without the flag, AdamW.
import { Random } from "../src/core/random.ts";
import { adamw } from "../src/engine/optim.ts";
import { initialise } from "../src/engine/params.ts";
import { backbone } from "../src/models/backbones/registry.ts";
import { freezeStages } from "../src/models/model.ts";
import { umcc } from "../src/models/umcc.ts";
import type { StepRuntime } from "../src/train/step/compile.ts";
import type { StepConfig } from "../src/train/step/graph.ts";
import { openStepOn, type TrainStep } from "../src/train/step/step.ts";
import type { Work } from "./side.ts";

/** What is run again and again. */
export interface Runner {
  /** @returns the loss, or whatever else depends on all of the work */
  readonly run: () => Promise<number>;
  /** Compiling and loading weights, ms; a checkpoint is read, not drawn: drawing is not counted. */
  readonly openMs: number;
}

/** The step of a benchmark. @param headOnly - freeze the whole backbone */
export function stepConfig({ model, batch, sizePx }: Work, headOnly = false): StepConfig {
  const half = [0.5, 0.5, 0.5];
  const net = backbone(model);
  return {
    model: umcc({ backbone: net, flag: false }),
    batchSize: batch,
    sizePx,
    mean: half,
    std: half,
    optimizer: adamw(),
    ...(headOnly ? { frozen: freezeStages(net, net.stages.length) } : {}),
  };
}

/** Loads drawn weights into a step and steps on one drawn batch. @param open - compiles it */
export async function runStep(work: Work, open: () => Promise<TrainStep>): Promise<Runner> {
  const { batch: n, sizePx } = work;
  const start = performance.now();
  const step = await open();
  const compiled = performance.now() - start;
  const random = Random.of(0);
  const weights = initialise(step.specs, random);
  const loading = performance.now();
  step.load(weights);
  const openMs = compiled + performance.now() - loading;
  const batch = {
    images: Uint8Array.from({ length: n * sizePx * sizePx * 3 }, () => random.int(256)),
    labels: Float32Array.from({ length: n }, (_, i) => i % 2),
    flag: Float32Array.from({ length: 2 * n }, (_, i) => i % 2),
    weights: new Float32Array(n).fill(1 / n),
    modalityWeights: new Float32Array(n),
  };
  const schedule = { lr: 1e-4, decay: 0.01, clipNorm: Number.POSITIVE_INFINITY, focal: 0, seed: 0 };
  let taken = 0;
  return { openMs, run: async () => (await step.run(batch, { ...schedule, step: ++taken })).loss };
}

/** The step on any runtime. */
export const stepRunner = (work: Work, runtime: StepRuntime): Promise<Runner> =>
  runStep(work, () => openStepOn(stepConfig(work), runtime));
