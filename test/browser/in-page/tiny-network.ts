// Networks of a few layers whose outputs depend on all of them as strongly as on the last: drawn weights of whole backbones fade.
import { Random } from "../../../src/core/random.ts";
import { emitGraph } from "../../../src/engine/lower/emit.ts";
import type { Provider } from "../../../src/engine/lower/writer.ts";
import {
  activation,
  constant,
  conv2d,
  globalAveragePool,
  imageToTensor,
  input,
  linear,
  reshape,
} from "../../../src/engine/ops.ts";
import { adamw } from "../../../src/engine/optim.ts";
import { initialise, type Weights } from "../../../src/engine/params.ts";
import { Tensor } from "../../../src/engine/runtime/session.ts";
import { batchNorm, linear as linearOf } from "../../../src/models/backbones/blocks.ts";
import type { ModelGraph } from "../../../src/models/model.ts";
import type { StepRuntime } from "../../../src/train/step/compile.ts";
import { openStepOn } from "../../../src/train/step/step.ts";

const SIDE = 16;
const WIDTH = 8;

/** The encoded model, of the input `images` and the output `made`. */
export function tinyModel(provider: Provider): Uint8Array {
  const random = Random.of(11);
  const drawn = (...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return constant(
      Float32Array.from({ length: size }, () => random.uniform(-1, 1)),
      shape,
    );
  };
  const conv = { stride: [2, 2], padding: [1, 1, 1, 1], groups: 1 } as const;
  const x = imageToTensor(input("images", [2, SIDE, SIDE, 3], "uint8"), [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]);
  const stem = activation("silu", conv2d(x, drawn(WIDTH, 3, 3, 3), conv));
  const each = activation(
    "relu",
    conv2d(stem, drawn(WIDTH, 1, 3, 3), { ...conv, stride: [1, 1], groups: WIDTH }),
  );
  const made = linear(globalAveragePool(each), drawn(4, WIDTH), drawn(4));
  return emitGraph({ outputs: { made }, provider }).model;
}

/** Images for it. */
export function tinyImages(): Tensor {
  const random = Random.of(12);
  const pixels = Uint8Array.from({ length: 2 * SIDE * SIDE * 3 }, () => random.int(256));
  return new Tensor("uint8", pixels, [2, SIDE, SIDE, 3]);
}

/** One that learns: a convolution, a norm over the batch, a head. */
const learner: ModelGraph = (scope, { pixels }) => {
  const init = { kind: "uniform", bound: 0.5 } as const;
  const conv = conv2d(pixels, scope.param("conv.weight", [WIDTH, 3, 3, 3], init), {
    ...{ stride: [2, 2], padding: [1, 1, 1, 1], groups: 1 },
  });
  const features = globalAveragePool(
    activation("silu", batchNorm(scope, "norm", conv, { eps: 1e-5, momentum: 0.1 })),
  );
  return { logits: reshape(linearOf(scope, "head", features, 1), [pixels.shape[0]!]) };
};

/** What a few steps of it give, and all state after them. @param onStep - after each */
export async function trainTiny(
  runtime: StepRuntime,
  accumulate: number,
  {
    steps = 2,
    onStep = () => undefined,
  }: { readonly steps?: number; readonly onStep?: (step: number) => void } = {},
) {
  const step = await openStepOn(
    {
      ...{ model: learner, batchSize: 4, accumulate, sizePx: SIDE },
      ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], optimizer: adamw(), ema: 0.9 },
    },
    runtime,
  );
  step.load(initialise(step.specs, Random.of(13)));
  const n = 4 * accumulate;
  const random = Random.of(14);
  const losses: number[] = [];
  for (let i = 1; i <= steps; i++) {
    const batch = {
      images: Uint8Array.from({ length: n * SIDE * SIDE * 3 }, () => random.int(256)),
      labels: Float32Array.from({ length: n }, (_, k) => k % 2),
      flag: Float32Array.from({ length: 2 * n }, (_, k) => k % 2),
      weights: new Float32Array(n).fill(1 / n),
      modalityWeights: new Float32Array(n),
    };
    const schedule = { lr: 0.01, decay: 0.01, clipNorm: 1, focal: 0, seed: 0, step: i };
    losses.push((await step.run(batch, schedule)).loss);
    onStep(i);
  }
  const { weights, slots } = await step.save();
  await step.close();
  const flat = (all: Weights) => [...all.values()].flatMap((values) => [...values]);
  return {
    losses,
    weights: flat(weights),
    slots: [...slots].map(([name, all]) => [name, flat(all)] as const),
  };
}
