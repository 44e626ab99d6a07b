// A head as a page trains it, on onnxruntime-web, against `facehand train` under Z2 with the same seed, data and order.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawPairs } from "../../../test/drawn.ts";
import { Random } from "../../core/random.ts";
import type { Sample } from "../../core/words.ts";
import { initialise, type Weights } from "../../engine/params.ts";
import { openPageSession } from "../../engine/runtime/page-session.ts";
import { readSplits } from "../../evaluate/stored/prediction-folder.ts";
import { writeSafetensors } from "../../formats/safetensors-file.ts";
import { float32Tensor } from "../../formats/tensor.ts";
import { PIXELS } from "../../models/backbones/recipes.ts";
import { type ModelFacts, modelGraph, OUTPUT_MEANING, type SourceFacts } from "../../models/facts.ts";
import { decodeImage } from "../../pixels/image.ts";
import { openCheckpoint } from "../../predict/checkpoint.ts";
import { loadModel } from "../../predict/model-file.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { openSplitPredictor, type SplitPredictor } from "../../predict/split-predictor.ts";
import { parseTrainConfig, type TrainConfig } from "../config.ts";
import { openData, type RunData } from "../data.ts";
import { validationFigures } from "../figures.ts";
import { train } from "../loop.ts";
import type { EpochLog } from "../runlog.ts";
import type { StepRuntime } from "../step/compile.ts";
import { declaredSpecs } from "../step/graph.ts";
import { bestOf, type CourseState, type CourseWork, runCourse, type Trained } from "./course.ts";
import { backboneHash, type FeatureWork, makeFeatures } from "./features.ts";
import { tuneConfig, tunedFacts } from "./plan.ts";
import { headLearning } from "./train-head.ts";

const BASE: ModelFacts = {
  format: 1,
  arch: "umcc",
  tag: "test_efficientnet.none_F1_Af_Lb_Z0_seed3",
  backbone: "test_efficientnet",
  flag: true,
  gating: null,
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
const CHOICES = { seed: 5, epochs: 4, batch: 4, lr: 3e-3 } as const;

const RUNTIME: StepRuntime = {
  provider: "wasm",
  overwrites: true,
  createSession: (model, options) => openPageSession(ort, model, options),
};

let root: string;
let weights: Weights;
let data: RunData;
let source: SourceFacts;
let predictor: SplitPredictor;
const config = tuneConfig(BASE, CHOICES, "head");

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-head-"));
  await drawPairs(join(root, "pairs"), { train: 11, val: 7, test: 1 });
  const specs = declaredSpecs(modelGraph(BASE), BASE.pixels.sizePx);
  weights = initialise(specs, Random.of(3));
  // Drawn networks fade: without this every picture would have nearly the same features.
  for (const [name, values] of weights) if (name.endsWith(".running_var")) values.fill(0.65);
  data = await openData(nodeConfig());
  source = data.facts[0]!;
  const facts = tunedFacts(BASE, config, source);
  const createSession = (model: Uint8Array) => openPageSession(ort, model);
  predictor = (await openSplitPredictor({
    ...{ facts, weights, batchSize: 8, createSession },
    provider: RUNTIME.provider,
  }))!;
});
afterAll(async () => {
  await predictor?.close();
  await rm(root, { recursive: true, force: true });
});

/** The same for `train`, which takes a backbone's weights from a file with timm's names. */
function nodeConfig(): TrainConfig {
  const { data: _, ...rest } = config;
  return parseTrainConfig({
    ...rest,
    data: [`pairs:${join(root, "pairs")}`],
    weights: join(root, "backbone.safetensors"),
  });
}

async function trainInNode(): Promise<string> {
  const specs = declaredSpecs(modelGraph(BASE), BASE.pixels.sizePx);
  const tensors = specs
    .filter(({ name }) => name.startsWith("backbone."))
    .map(({ name, shape }) => float32Tensor(name.slice("backbone.".length), shape, weights.get(name)!));
  await writeSafetensors(join(root, "backbone.safetensors"), tensors, {});
  const dir = join(root, "run");
  await train(nodeConfig(), { dir, threads: 1, workers: 1 });
  return dir;
}

const all = (): Sample[] => [...data.samples.train, ...data.samples.val];

/** Rows by the hash of their picture, and how many were made. */
function featureWork(rows: Map<string, Float32Array>) {
  const counts = { made: 0, read: 0 };
  const work: FeatureWork = {
    ...{ predictor, sizePx: BASE.pixels.sizePx, batch: 8 },
    bytesOf: async ({ path }) => new Uint8Array(await readFile(path)),
    decode: (bytes, name) => decodeImage(bytes, { name }),
    stored: {
      get: async (picture) => rows.get(picture),
      put: async (picture, row) => void rows.set(picture, row),
    },
    onRow: (made) => void counts[made ? "made" : "read"]++,
  };
  return { work, counts };
}

function workOf(more: Partial<CourseWork> = {}): CourseWork {
  const facts = tunedFacts(BASE, config, source);
  return { ...{ config, facts, weights, samples: data.samples, runtime: RUNTIME }, ...more };
}

async function learningOf(work: CourseWork) {
  const { store } = await makeFeatures(all(), featureWork(new Map()).work);
  return headLearning(work, { features: store, predictor });
}

async function trainHead(more: Partial<CourseWork> = {}): Promise<Trained> {
  const work = workOf(more);
  return await runCourse(work, await learningOf(work));
}

const untimed = (log: readonly EpochLog[]) => log.map((epoch) => ({ ...epoch, seconds: 0, waitSeconds: 0 }));

describe("a head trained in a page", () => {
  let head: Trained;
  beforeAll(async () => {
    head = await trainHead();
  });

  it("has the logits of train's run, and its facts", { timeout: 60_000 }, async () => {
    const dir = await trainInNode();
    const model = await loadModel(dir);
    const opened = openCheckpoint(head.checkpoint);
    expect(opened.facts).toEqual(model.facts);
    expect(opened.facts.tag).toBe("test_efficientnet.none.facehand_F1_An_Lb_Z2");
    expect([...opened.weights.keys()]).toEqual([...model.weights.keys()]);
    const right = (await readSplits(runPaths(dir).predictions)).filter(({ split }) => split === "val");
    expect(right).toHaveLength(14);
    expect(head.rows.map(({ id }) => id)).toEqual(right.map(({ id }) => id));
    right.forEach(({ logit }, i) => {
      expect(Math.abs(head.rows[i]!.logit - logit)).toBeLessThan(1e-4);
    });
    const logits = right.map(({ logit }) => logit);
    expect(Math.max(...logits) - Math.min(...logits)).toBeGreaterThan(0.2); // they are not all alike
    expect(head.log.at(-1)!.trainLoss).toBeLessThan(head.log[0]!.trainLoss - 0.05);
    const path = join(root, "head.safetensors");
    await writeFile(path, head.checkpoint);
    expect((await loadModel(path)).facts).toEqual(model.facts);
  });

  it("continues where it was stopped, to the same bytes", async () => {
    const stop = new AbortController();
    let state: CourseState | undefined;
    const stopped = trainHead({
      signal: stop.signal,
      onStep: (_, { step }) => void (step === 8 && stop.abort()),
      keep: async (kept) => {
        state = structuredClone(kept);
      },
    });
    await expect(stopped).rejects.toThrow("Stopped");
    expect(state?.position).toMatchObject({ epoch: 1, batch: 3, step: 8 });
    expect([...state!.learnt.keys()].some((name) => name.startsWith("backbone."))).toBe(false);
    // Who stops it has the best epoch so far.
    const so = bestOf(workOf(), { log: state!.log, best: state!.best! });
    expect(so.log.map(({ epoch, best }) => [epoch, best])).toEqual([[1, true]]);
    expect(validationFigures(so.rows, {})).toEqual(head.log[0]!.val);
    expect(openCheckpoint(so.checkpoint).facts).toEqual(openCheckpoint(head.checkpoint).facts);
    const again = await trainHead({ state });
    expect(untimed(again.log)).toEqual(untimed(head.log));
    expect(again.checkpoint).toEqual(head.checkpoint);
  });

  it("refuses what train refuses", () => {
    expect(() => tuneConfig(BASE, { lr: 0 }, "head")).toThrow(/--lr/);
    expect(() => tuneConfig(BASE, { epochs: 5, patience: 5 }, "all")).toThrow(/--patience/);
  });
});

describe("features of pictures", () => {
  it("are made once", async () => {
    const rows = new Map<string, Float32Array>();
    const first = featureWork(rows);
    const made = await makeFeatures(all(), first.work);
    expect(first.counts).toEqual({ made: all().length, read: 0 });
    const stop = new AbortController();
    const half = new Map([...rows].slice(0, 20));
    const second = featureWork(half);
    expect((await makeFeatures(all(), second.work)).store.read(all())).toEqual(made.store.read(all()));
    expect(second.counts).toEqual({ made: all().length - 20, read: 20 });
    stop.abort(new Error("enough"));
    const third = { ...featureWork(new Map()).work, signal: stop.signal };
    await expect(makeFeatures(all(), third)).rejects.toThrow("enough");
  });

  it("have a key that changes with the backbone and the pixels alone", async () => {
    const pixels = { sizePx: 32 };
    const key = await backboneHash(weights, pixels);
    const heads = new Map(
      [...weights].map(([name, v]) => [name, name.startsWith("backbone.") ? v : v.map(() => 1)]),
    );
    expect(await backboneHash(heads, pixels)).toBe(key);
    expect(await backboneHash(weights, { sizePx: 64 })).not.toBe(key);
    const name = [...weights.keys()].find((one) => one.startsWith("backbone."))!;
    const changed = new Map([...weights, [name, weights.get(name)!.map((v) => v + 1)]]);
    expect(await backboneHash(changed, pixels)).not.toBe(key);
  });
});
