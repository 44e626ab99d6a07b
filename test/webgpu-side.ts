// The child of webgpu.test.ts: the same predictions and training steps on the CPU and on WebGPU, and where each
// operator ran.
// Usage: node --import tsx test/webgpu-side.ts FOLDER (for profiles). Prints one line of JSON.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { counted } from "../bench/gpu/traffic.ts";
import { Random } from "../src/core/random.ts";
import { adamw, sgd } from "../src/engine/optim.ts";
import { initialise } from "../src/engine/params.ts";
import { type Device, probeDevice } from "../src/engine/runtime/device.ts";
import { createSession } from "../src/engine/runtime/open-session.ts";
import { type ModelFacts, modelGraph, OUTPUT_MEANING } from "../src/models/facts.ts";
import { openPredictor } from "../src/predict/predictor.ts";
import { declaredSpecs } from "../src/train/step/graph.ts";
import { localStepRuntime } from "../src/train/step/local.ts";
import { openStepOn } from "../src/train/step/step.ts";
import { tinyModel } from "./browser/in-page/tiny-network.ts";

const SIZE_PX = 16;
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
  // The device is there as long as a session is, with the kernels that it compiled: on a software adapter these take most of the time.
  const kept = await createSession(tinyModel("webgpu"), { threads: 1, providers: ["webgpu", "cpu"] });
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
  const made = {
    cpu: await predict("cpu"),
    webgpu: await predict("webgpu"),
    placed: placedOn("webgpu"),
    trained: [await trainOn("cpu"), await trainOn("webgpu")],
    summed: [await trainOn("cpu", 2), await trainOn("webgpu", 2)],
    behindTrial: await trainOn("webgpu", 1, true),
    placedStep: placedOn("train-webgpu"),
  };
  await kept.release();
  return made;
}

/**
 * Losses and gradient norms of two steps, the sum of each weight and average after them, and the bytes that the second step
 * took from this process and gave back; without dropout, the same on every device but for rounding.
 *
 * @param accumulate - parts a step: a second graph then updates what the first one left on the device
 * @param tries - take trial steps before, behind which the state is loaded anew
 */
async function trainOn(device: Device, accumulate = 1, tries = false) {
  const profilePrefix = accumulate === 1 && !tries ? join(folder, `train-${device}`) : undefined;
  const how = { threads: 1, device, lowering: "plain", profilePrefix } as const;
  const { runtime, traffic } = counted(await localStepRuntime(how));
  const config = {
    model: modelGraph(facts, { dropRate: 0 }),
    batchSize: 4,
    accumulate,
    sizePx: SIZE_PX,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    // AdamW makes steps of the rounding of gradients that are zero, by which saved weights cannot be compared.
    optimizer: accumulate === 1 ? adamw() : sgd(),
    ema: 0.5,
  };
  const step = await openStepOn(config, runtime);
  const schedule = { lr: 1e-3, decay: 0.01, clipNorm: Number.POSITIVE_INFINITY, focal: 0 };
  step.load(initialise(step.specs, Random.of(5)));
  if (tries) {
    for (const i of [1, 2]) await step.run(batchOf(i, 4 * accumulate), { ...schedule, step: i, seed: i });
    step.load(initialise(step.specs, Random.of(5)));
  }
  const figures: number[] = [];
  let bytes = { ...traffic };
  for (let i = 1; i <= 2; i++) {
    bytes = { ...traffic };
    const { loss, gradNorm } = await step.run(batchOf(i, 4 * accumulate), { ...schedule, step: i, seed: i });
    figures.push(loss, gradNorm);
  }
  const { weights, slots } = await step.save();
  const sums = [weights, slots.get("ema")!].map((all) =>
    [...all.values()].map((values) => values.reduce((sum, value) => sum + Math.abs(value), 0)),
  );
  await step.close();
  const { toDevice, fromDevice } = traffic;
  return {
    figures,
    sums,
    bytes: { toDevice: toDevice - bytes.toDevice, fromDevice: fromDevice - bytes.fromDevice },
    learnt: [...weights.values()].reduce((sum, { length }) => sum + length, 0),
  };
}

function batchOf(seed: number, n: number) {
  const random = Random.of(seed);
  return {
    images: Uint8Array.from({ length: n * SIZE_PX * SIZE_PX * 3 }, () => random.int(256)),
    labels: Float32Array.from({ length: n }, (_, i) => Number(i % 4 === 1 || i % 4 === 2)),
    flag: Float32Array.from({ length: 2 * n }, (_, i) => Number((i + (i >> 1)) % 2 === 0)),
    weights: new Float32Array(n).fill(1 / n),
    modalityWeights: new Float32Array(n).fill(1 / n),
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
