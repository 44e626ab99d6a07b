// All layers as a page trains them, on onnxruntime-web, against `facehand train` under Z0 with the same seed, data and order.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawPairs } from "../../../test/drawn.ts";
import { Random } from "../../core/random.ts";
import { initialise, type Weights } from "../../engine/params.ts";
import { openPageSession } from "../../engine/runtime/page-session.ts";
import { writeSafetensors } from "../../formats/safetensors-file.ts";
import { float32Tensor } from "../../formats/tensor.ts";
import { PIXELS } from "../../models/backbones/recipes.ts";
import { type ModelFacts, modelGraph, OUTPUT_MEANING } from "../../models/facts.ts";
import { decodeImage } from "../../pixels/image.ts";
import { openCheckpoint } from "../../predict/checkpoint.ts";
import { loadModel } from "../../predict/model-file.ts";
import { parseTrainConfig } from "../config.ts";
import { openData, type RunData } from "../data.ts";
import { train } from "../loop.ts";
import { declaredSpecs } from "../step/graph.ts";
import { bestOf, type CourseState, type CourseWork, runCourse, type Trained } from "./course.ts";
import { learnerOf, tuneConfig, tunedFacts } from "./plan.ts";
import { layersLearning } from "./train-layers.ts";

const BASE: ModelFacts = {
  format: 1,
  arch: "mag",
  tag: "test_efficientnet.none_F0_An_Lw_Z0_gating=soft",
  backbone: "test_efficientnet",
  flag: false,
  gating: "soft",
  padding: "symmetric",
  pixels: {
    sizePx: 32,
    interpolation: "bilinear",
    mean: [...PIXELS.imagenet.mean],
    std: [...PIXELS.imagenet.std],
  },
  threshold: 0.5,
  output: OUTPUT_MEANING,
  trainedOn: [],
};
const CHOICES = { seed: 5, epochs: 2, batch: 4, lr: 3e-4 } as const; // 1e-3 makes chaos of roundings, which differ by processor
const config = tuneConfig(BASE, CHOICES, "all");

let root: string;
let weights: Weights;
let data: RunData;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-layers-"));
  await drawPairs(join(root, "pairs"), { train: 11, val: 5, test: 1 });
  weights = initialise(declaredSpecs(modelGraph(BASE), BASE.pixels.sizePx), Random.of(3));
  data = await openData(nodeConfig());
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** The same for `train`, which takes a backbone's weights from a file with timm's names. */
function nodeConfig() {
  const { data: _, ...rest } = config;
  return parseTrainConfig({
    ...rest,
    data: [`pairs:${join(root, "pairs")}`],
    weights: join(root, "backbone.safetensors"),
  });
}

/** What `train` makes of it: the loss of each step, and the run. */
async function trainInNode() {
  const tensors = declaredSpecs(modelGraph(BASE), BASE.pixels.sizePx)
    .filter(({ name }) => name.startsWith("backbone."))
    .map(({ name, shape }) => float32Tensor(name.slice("backbone.".length), shape, weights.get(name)!));
  await writeSafetensors(join(root, "backbone.safetensors"), tensors, {});
  const losses: number[] = [];
  const dir = join(root, "run");
  const onStep = ({ loss }: { readonly loss: number }) => void losses.push(loss);
  const { epochs } = await train(nodeConfig(), { dir, threads: 1, workers: 1, onStep });
  return { dir, losses, epochs };
}

const work = (more: Partial<CourseWork> = {}): CourseWork => ({
  ...{ config, weights, samples: data.samples },
  facts: tunedFacts(BASE, config, data.facts[0]!),
  runtime: {
    ...{ provider: "wasm", overwrites: true },
    createSession: (model, options) => openPageSession(ort, model, options),
  },
  ...more,
});
const learning = (one: CourseWork) => layersLearning(one, ({ path }) => decodeImage(path));
const trainLayers = (more: Partial<CourseWork> = {}) => runCourse(work(more), learning(work(more)));

describe("all layers trained in a page", () => {
  let trained: Trained;
  const losses: number[] = [];
  beforeAll(async () => {
    trained = await trainLayers({ onStep: ({ loss }) => void losses.push(loss) });
  });

  it("have the losses of train's run, and its facts", { timeout: 60_000 }, async () => {
    expect(config.tag).toBe("test_efficientnet.none.facehand_F0_Af_Lw_Z0_gating=soft");
    expect(learnerOf(config)).toBe("all");
    const node = await trainInNode();
    expect(losses).toHaveLength(10);
    for (const [i, loss] of losses.entries())
      expect(Math.abs(loss / node.losses[i]! - 1), `step ${i + 1}`).toBeLessThan(1e-4);
    expect(new Set(losses.map((loss) => loss.toFixed(3))).size).toBeGreaterThan(5); // they are not all alike
    for (const [i, { val }] of trained.log.entries())
      expect(val.all.loss).toBeCloseTo(node.epochs[i]!.val.all.loss, 3);
    const model = await loadModel(node.dir);
    const own = openCheckpoint(trained.checkpoint);
    expect(own.facts).toEqual(model.facts);
    expect([...own.weights.keys()]).toEqual([...model.weights.keys()]);
    const moved = [...own.weights].filter(([name, values]) =>
      values.some((v, k) => v !== weights.get(name)![k]),
    );
    expect(moved.filter(([name]) => name.startsWith("backbone.")).length).toBeGreaterThan(50);
    expect(trained.rows.map(({ id }) => id)).toEqual(data.samples.val.map(({ id }) => id));
  });

  it("continue where they were stopped, to the same bytes, and who stops them has the best so far", async () => {
    const stop = new AbortController();
    let state: CourseState | undefined;
    const stopped = trainLayers({
      signal: stop.signal,
      onStep: (_, { step }) => void (step === 7 && stop.abort()),
      keep: async (kept) => {
        state = structuredClone(kept);
      },
    });
    await expect(stopped).rejects.toThrow("Stopped");
    expect(state?.position).toMatchObject({ epoch: 1, batch: 2, step: 7 });
    const { rows, checkpoint } = bestOf(work(), { log: state!.log, best: state!.best! });
    const opened = openCheckpoint(checkpoint);
    expect(rows).toEqual(await learning(work()).predict(opened.weights));
    expect(rows).not.toEqual(await learning(work()).predict(state!.learnt));
    const again = await trainLayers({ state });
    expect(again.log.map(({ trainLoss }) => trainLoss)).toEqual(
      trained.log.map(({ trainLoss }) => trainLoss),
    );
    expect(Buffer.from(again.checkpoint).equals(Buffer.from(trained.checkpoint))).toBe(true);
  });
});
