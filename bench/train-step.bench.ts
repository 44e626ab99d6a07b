// Question: how long is one training step (u8 pixels to updated weights) of UMCC, beside PyTorch with timm?
import { Random } from "../src/core/random.ts";
import { adamw } from "../src/engine/optim.ts";
import { initialise } from "../src/engine/params.ts";
import { backbone } from "../src/models/registry.ts";
import { umcc } from "../src/models/umcc.ts";
import { openTrainStep } from "../src/train/step.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, async ({ model, batch: n, sizePx, threads, lowering }) => {
  const half = [0.5, 0.5, 0.5];
  const graph = umcc({ backbone: backbone(model), flag: false });
  const step = await openTrainStep({
    model: graph,
    batchSize: n,
    sizePx,
    mean: half,
    std: half,
    optimizer: adamw(),
    threads,
    lowering,
  });
  const random = Random.of(0);
  step.load(initialise(step.specs, random));
  const batch = {
    images: Uint8Array.from({ length: n * sizePx * sizePx * 3 }, () => random.int(256)),
    labels: Float32Array.from({ length: n }, (_, i) => i % 2),
    flag: Float32Array.from({ length: 2 * n }, (_, i) => i % 2),
    weights: new Float32Array(n).fill(1 / n),
    modalityWeights: new Float32Array(n),
  };
  let taken = 0;
  return async () => {
    const schedule = {
      step: ++taken,
      lr: 1e-4,
      decay: 0.01,
      clipNorm: Number.POSITIVE_INFINITY,
      focal: 0,
      seed: 0,
    };
    return (await step.run(batch, schedule)).loss;
  };
});
