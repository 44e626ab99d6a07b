// Our training step, as the benchmarks of it run it: drawn weights and pixels, UMCC without the flag, AdamW.
import { Random } from "../src/core/random.ts";
import { adamw } from "../src/engine/optim.ts";
import { initialise } from "../src/engine/params.ts";
import { backbone } from "../src/models/backbones/registry.ts";
import { freezeStages } from "../src/models/model.ts";
import { umcc } from "../src/models/umcc.ts";
import { openTrainStep } from "../src/train/step/local.ts";
import type { Opened, Work } from "./side.ts";

/**
 * Opens the step of a benchmark; `openMs` is compiling it and loading weights.
 *
 * @param headOnly - freeze the whole backbone
 */
export async function openStep(work: Work, { headOnly = false } = {}): Promise<Opened> {
  const { model, batch: n, sizePx, threads, lowering } = work;
  const half = [0.5, 0.5, 0.5];
  const net = backbone(model);
  const start = performance.now();
  const step = await openTrainStep({
    model: umcc({ backbone: net, flag: false }),
    batchSize: n,
    sizePx,
    mean: half,
    std: half,
    optimizer: adamw(),
    threads,
    lowering,
    ...(headOnly ? { frozen: freezeStages(net, net.stages.length) } : {}),
  });
  const compiled = performance.now() - start;
  const random = Random.of(0);
  const weights = initialise(step.specs, random); // a checkpoint is read, not drawn: not counted
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
  return { openMs, step: async () => (await step.run(batch, { ...schedule, step: ++taken })).loss };
}
