// What `npm run bench -- learning` passes to PyTorch of a run: every setting, or a refusal by its name.

import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPython } from "../bench/peer.ts";
import { checkPeerSettings, HANDED, type PeerMachine, peerJob } from "../bench/peer-job.ts";
import { Random } from "../src/core/random.ts";
import type { Sample } from "../src/core/words.ts";
import { initialise } from "../src/engine/params.ts";
import { modelGraph } from "../src/models/facts.ts";
import { exportStateDict } from "../src/models/files/weights.ts";
import { encodeJpeg } from "../src/pixels/image.ts";
import { factsOf, parseTrainConfig, type TrainConfig } from "../src/train/config.ts";
import type { RunData } from "../src/train/data.ts";
import { declaredSpecs } from "../src/train/step/graph.ts";
import { mixup } from "../src/train/step/mixup.ts";
import { picture } from "./parity/pixels.ts";

const TAG = "resnet18.a1_in1k_F1_Af_Lb_Z0";
const CONFIG = parseTrainConfig({
  ...{ arch: "umcc", tag: TAG, data: ["pairs:x"], weights: "first.pt", pixels: "imagenet" },
  ...{ imageSize: 32, epochs: 1, batch: 4 },
});

let folder = "";
let data: RunData;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-peer-job-"));
  const paths = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const path = join(folder, `${i}.jpg`);
      await writeFile(path, await encodeJpeg(picture(40, 40, i)));
      return path;
    }),
  );
  const samples = paths.map((path, i) => ({
    path,
    modality: i % 2 === 0 ? "hand" : "face",
    sex: i % 4 < 2 ? "male" : "female",
  })) as unknown as Sample[];
  data = {
    samples: { train: samples, val: samples, test: [] },
    sources: [],
    facts: [],
    posWeight: 1.5,
    targets: [],
  };
});
afterAll(() => rm(folder, { recursive: true }));

const job = (change: Partial<TrainConfig> = {}) =>
  peerJob({ ...CONFIG, ...change }, data, { weights: "first.pt", threads: 1 });

/** Another value of each setting that is handed over. */
const OTHERS: Partial<TrainConfig> = {
  arch: "mag",
  tag: "resnet34.a1_in1k_F1_Af_Lb_Z0",
  imageSize: 48,
  pixels: "raw",
  padding: "same",
  bnEps: 0.01,
  globalPool: "token",
  epochs: 2,
  batch: 2,
  accumulate: 2,
  lr: 0.5,
  layerDecay: 0.5,
  minLr: 0.1,
  warmupEpochs: 0.5,
  weightDecay: 0.3,
  decayAll: true,
  clipNorm: 1,
  labelSmoothing: 0.1,
  ema: 0.9,
  dropRate: 0.4,
  dropPathRate: 0.1,
  mixup: 0.2,
  aa: "rand-m9-mstd0.5-inc1",
  seed: 7,
};

describe("the peer's job", () => {
  const handed = Object.entries(HANDED).flatMap(([key, where]) => (where === "job" ? [key] : []));

  it.each(handed)("passes %s", (key) => {
    expect(OTHERS).toHaveProperty(key);
    expect(job({ [key]: OTHERS[key as keyof TrainConfig] })).not.toEqual(job());
  });

  it.each([
    ["resnet18.a1_in1k_F0_Af_Lb_Z0", { flag: false }],
    ["resnet18.a1_in1k_F1_An_Lb_Z0", { augment: null }],
    ["resnet18.a1_in1k_F1_Af_Lf_Z0", { loss: "f" }],
    ["resnet18.a1_in1k_F1_Af_Lw_Z0", { loss: "w", posWeight: 1.5 }],
    ["resnet18.a1_in1k_F1_Af_Lb_Z1", { frozen: ["conv1", "bn1", "layer1"] }],
    ["resnet18.a1_in1k_F1_Af_Lb_Z2", { frozen: ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"] }],
    ["resnet18.a1_in1k_F0_Af_Lb_Z0_gating=hard", { gating: "hard" }],
    ["vit_tiny_patch16_224.augreg_in21k_F1_Af_Lb_Z0", { globalPool: "token" }],
    ["tf_efficientnetv2_s.in1k_F1_Af_Lb_Z0", { padding: null, globalPool: "avg" }],
  ])("passes the parts of %s", (tag, part) => {
    expect(job({ tag })).toMatchObject(part);
  });

  it("passes the rate of each stage, the last one nearest to the heads'", () => {
    const rates = job({ layerDecay: 0.5 }).rates.map(({ parts, rate }) => [parts.at(-1), rate]);
    expect(rates).toEqual([
      ["bn1", 1 / 32],
      ["layer1", 1 / 16],
      ["layer2", 1 / 8],
      ["layer3", 1 / 4],
      ["layer4", 1 / 2],
    ]);
  });

  it.each([
    ["patience", { patience: 3 }, "Expected a run without patience for the peer's patience, got 3"],
    [
      "targets",
      { targets: ["gender", "age"] as const },
      "Expected a run without targets for the peer's targets",
    ],
    ["ageWeight", { ageWeight: 0.5 }, "Expected a run without ageWeight"],
    ["raceWeight", { raceWeight: 0.5 }, "Expected a run without raceWeight"],
    [
      "weights",
      { weights: undefined },
      "Expected a run that began with pretrained weights for the peer's weights",
    ],
  ])("refuses %s by name", (_key, change, message) => {
    const config = { ...CONFIG, ...change } as TrainConfig;
    expect(() => checkPeerSettings(config)).toThrow(
      expect.objectContaining({
        kind: "input",
        code: "PEER_SETTING",
        message: expect.stringContaining(message),
      }),
    );
  });
});

describe("the peer trains what it is given", () => {
  const script = fileURLToPath(new URL("../bench/peer/train.py", import.meta.url));
  const python = findPython();

  it.for([
    ["resnet18.a1_in1k_F0_An_Lw_Z1", { clipNorm: 1, bnEps: 0.001 }],
    ["convnext_atto.d2_in1k_F1_Af_Lf_Z0", { ema: 0.9, labelSmoothing: 0.1, dropPathRate: 0.1 }],
    ["vit_tiny_patch16_224.augreg_in21k_F1_Af_Lb_Z2", { warmupEpochs: 0.5, layerDecay: 0.8 }],
    ["vit_tiny_patch16_224.augreg_in21k_F1_Af_Lb_Z0", { globalPool: "avg", decayAll: true }],
    [
      "tf_efficientnet_lite0.in1k_F0_Af_Lb_Z0_gating=hard",
      { arch: "mag", accumulate: 2, batch: 2, minLr: 1e-5 },
    ],
    ["mobilenetv3_small_050.lamb_in1k_F1_Af_Lb_Z0", { dropRate: 0.3 }],
    [
      "resnet18.a1_in1k_F0_Af_Lw_Z0_gating=soft",
      { arch: "mag", accumulate: 2, batch: 2, mixup: 0.4, aa: "rand-m9-mstd0.5-inc1" },
    ],
  ] as const)("%s", { timeout: 180_000 }, async ([tag, change], context) => {
    if ("missing" in python) return context.skip(`needs PyTorch and timm: ${python.missing}`);
    const epoch = await trainPeer(python.path, parseTrainConfig({ ...CONFIG, tag, ...change }));
    expect(epoch).toMatchObject({ seed: 42, epoch: 1, all: expect.any(Number) });
    expect(Number.isFinite(epoch.trainLoss)).toBe(true);
  });

  it("learns alike however it is set up", { timeout: 180_000 }, async (context) => {
    if ("missing" in python) return context.skip(`needs PyTorch and timm: ${python.missing}`);
    // One step of all images, without anything random.
    const change = { tag: "resnet18.a1_in1k_F0_An_Lb_Z0", batch: 8, dropRate: 0 };
    const config = parseTrainConfig({ ...CONFIG, ...change });
    const usual = await trainPeer(python.path, config);
    for (const [setup, pictures, digits] of [
      ["channels_last", "kept", 4],
      ["channels_last", "small", 4],
      ["bf16", "kept", 1],
    ] as const) {
      const other = await trainPeer(python.path, config, { setup, pictures });
      expect(other.versions).toMatchObject({ setup, pictures });
      expect(other.trainLoss).toBeCloseTo(usual.trainLoss, digits);
    }
  });

  it("mixes a step as training here does", { timeout: 180_000 }, async (context) => {
    if ("missing" in python) return context.skip(`needs PyTorch and timm: ${python.missing}`);
    const random = Random.of(3);
    const n = 5;
    const batch = {
      images: Uint8Array.from({ length: n * 4 * 4 * 3 }, () => random.int(256)),
      labels: Float32Array.of(1, 0, 1, 1, 0),
      flag: Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1, 1, 0),
      weights: Float32Array.of(1.5, 1, 1.5, 1.5, 1),
      modalityWeights: new Float32Array(n),
    };
    const file = join(folder, "mixed.json");
    await writeFile(file, JSON.stringify({ ...job({ mixup: 0.4 }), timm: undefined }));
    const given = [batch.images, batch.labels, batch.flag, batch.weights].map((values) => [...values]);
    const code = `
import sys, json, torch
sys.path.insert(0, ${JSON.stringify(dirname(script))})
sys.argv = ["train.py", ${JSON.stringify(file)}]
import train
x, y, flag, weight = (torch.tensor(v) for v in json.loads(${JSON.stringify(JSON.stringify(given))}))
out = train.mixed(x.byte().view(${n}, -1), y.float(), flag.float().view(${n}, 2), weight.float(), 0.7)
print(json.dumps([t.flatten().tolist() for t in out]))`;
    const ran = spawnSync(python.path, ["-c", code], { encoding: "utf8" });
    expect(ran.status, ran.stderr).toBe(0);
    const [images, labels, flag, weights] = JSON.parse(ran.stdout) as number[][];
    const ours = mixup(batch, 0.7).batch;
    expect(images).toEqual([...ours.images]);
    for (const [theirs, values] of [
      [labels, ours.labels],
      [flag, ours.flag],
      [weights, ours.weights],
    ] as const)
      expect(theirs).toEqual([...values].map((value) => expect.closeTo(value, 6)));
  });

  async function trainPeer(path: string, config: TrainConfig, set: Partial<PeerMachine> = {}) {
    const specs = declaredSpecs(modelGraph(factsOf(config, [])), 32).filter((s) =>
      s.name.startsWith("backbone."),
    );
    const bare = specs.map((spec) => ({ ...spec, name: spec.name.slice("backbone.".length) }));
    const weights = join(folder, "first.pt");
    await exportStateDict(weights, bare, initialise(bare, Random.of(1)));
    const file = join(folder, "job.json");
    await writeFile(file, JSON.stringify(peerJob(config, data, { weights, threads: 1, ...set })));
    const ran = spawnSync(path, [script, file], { encoding: "utf8" });
    expect(ran.status, ran.stderr).toBe(0);
    const [epoch] = ran.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    return epoch;
  }
});
