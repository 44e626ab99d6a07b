// The child of webgpu.test.ts: the same predictions and training steps on the CPU and on WebGPU, and where each
// operator ran.
// Usage: node --import tsx test/webgpu-side.ts FOLDER (for profiles). Prints one line of JSON.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../src/core/random.ts";
import { adamw } from "../src/engine/optim.ts";
import { initialise } from "../src/engine/params.ts";
import { type Device, probeDevice } from "../src/engine/runtime/device.ts";
import { createSession } from "../src/engine/runtime/open-session.ts";
import { type ModelFacts, modelGraph, OUTPUT_MEANING } from "../src/models/facts.ts";
import { openPredictor } from "../src/predict/predictor.ts";
import { declaredSpecs } from "../src/train/step/graph.ts";
import { openTrainStep } from "../src/train/step/local.ts";

const SIZE_PX = 32;
const facts: ModelFacts = {
  format: 1,
  arch: "mag",
  tag: "test_efficientnet.none_F0_An_Lb_Z0_gating=soft",
  backbone: "test_efficientnet",
  flag: false,
  gating: "soft",
  pixels: { sizePx: SIZE_PX, interpolation: "bilinear", mean: [0, 0, 0], std: [1, 1, 1] },
  threshold: 0.5,
  output: OUTPUT_MEANING,
  trainedOn: [],
};
/** Predictions choose a head, training mixes both: the operators of either are tried. */
const hard: ModelFacts = { ...facts, tag: facts.tag.replace("soft", "hard"), gating: "hard" };
const folder = process.argv[2]!;
const state = await probeDevice("webgpu");
console.log(JSON.stringify(state.runs ? { state, ...(await compare()) } : { state }));

async function compare() {
  const weights = initialise(declaredSpecs(modelGraph(hard), SIZE_PX), Random.of(3));
  const random = Random.of(4);
  const pixels = Uint8Array.from({ length: 2 * SIZE_PX * SIZE_PX * 3 }, () => random.uniform(0, 256));
  const predict = async (provider: "cpu" | "webgpu") => {
    const predictor = await openPredictor({
      facts: hard,
      weights,
      provider,
      batchSize: 2,
      createSession: (model) =>
        createSession(model, {
          threads: 1,
          providers: [provider, "cpu"],
          profilePrefix: join(folder, provider),
        }),
    });
    const rows = await predictor.predictPixels(pixels, ["auto", "auto"]);
    await predictor.close();
    return rows.map(({ logit, gateHand }) => [logit, gateHand]);
  };
  return {
    cpu: await predict("cpu"),
    webgpu: await predict("webgpu"),
    placed: placedOn("webgpu"),
    trained: [await trainOn("cpu"), await trainOn("webgpu")],
    placedStep: placedOn("train"),
  };
}

/** Losses and gradient norms of two steps; without dropout, the same on every device but for rounding. */
async function trainOn(device: Device): Promise<number[]> {
  const step = await openTrainStep({
    model: modelGraph(facts, { dropRate: 0 }),
    batchSize: 4,
    sizePx: SIZE_PX,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    optimizer: adamw(),
    threads: 1,
    device,
    profilePrefix: join(folder, "train"),
  });
  step.load(initialise(step.specs, Random.of(5)));
  const figures: number[] = [];
  for (let i = 1; i <= 2; i++) {
    const { loss, gradNorm } = await step.run(batchOf(i), {
      step: i,
      lr: 1e-3,
      decay: 0.01,
      clipNorm: Number.POSITIVE_INFINITY,
      focal: 0,
      seed: i,
    });
    figures.push(loss, gradNorm);
  }
  await step.close();
  return figures;
}

function batchOf(seed: number) {
  const random = Random.of(seed);
  return {
    images: Uint8Array.from({ length: 4 * SIZE_PX * SIZE_PX * 3 }, () => random.int(256)),
    labels: Float32Array.of(0, 1, 1, 0),
    flag: Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1),
    weights: new Float32Array(4).fill(0.25),
    modalityWeights: new Float32Array(4).fill(0.25),
  };
}

/** Operators by the provider that ran them, from the profile that the session left. */
function placedOn(prefix: string): Record<string, string[]> {
  const name = readdirSync(folder).find((file) => file.startsWith(prefix))!;
  type Event = { readonly args?: { readonly provider?: string; readonly op_name?: string } };
  const events = JSON.parse(readFileSync(join(folder, name), "utf8")) as Event[];
  const placed: Record<string, string[]> = {};
  for (const { args } of events) {
    const { provider, op_name: op = "?" } = args ?? {};
    if (provider !== undefined) placed[provider] = [...(placed[provider] ?? []), op];
  }
  return placed;
}
