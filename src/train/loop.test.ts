// A run on small generated images: what it leaves behind, and that stopping and resuming changes no byte.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Interrupted } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { readCheckpoint } from "../engine/checkpoint-file.ts";
import { predictionFiles, readSplits, writeSplits } from "../evaluate/stored/prediction-folder.ts";
import { sha256File } from "../machine/files.ts";
import { encodeJpeg } from "../pixels/image.ts";
import { loadModel } from "../predict/model-file.ts";
import { runPaths } from "../predict/run-folder.ts";
import { parseTrainConfig, type TrainConfig } from "./config.ts";
import { type TrainOptions, train } from "./loop.ts";

let root: string;
let config: TrainConfig;

/** Pictures whose brightness follows the label, so that there is something to learn. */
async function faces(dir: string, count: number): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (let i = 0; i < count; i++) {
    const random = Random.of(i).split("picture");
    const data = Uint8Array.from({ length: 32 * 32 * 3 }, () => 60 + (i % 2) * 80 + random.int(60));
    const jpeg = await encodeJpeg({ width: 32, height: 32, data });
    await writeFile(
      join(dir, `${20 + (i % 40)}_${i % 2}_0_2017010900${String(i).padStart(4, "0")}.jpg.chip.jpg`),
      jpeg,
    );
  }
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-train-"));
  await faces(join(root, "faces"), 40);
  config = parseTrainConfig({
    arch: "umcc",
    tag: "test_efficientnet.none_F1_Af_Lb_Z0",
    data: [`utkface:${join(root, "faces")}`],
    imageSize: 32,
    epochs: 2,
    batch: 8,
    lr: 3e-3,
    dropPathRate: 0.1,
    warmupEpochs: 0.5,
    test: 0.2,
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

const options = (name: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  dir: join(root, name),
  threads: 1,
  workers: 1,
  ...more,
});

async function digests(dir: string): Promise<string[]> {
  const { last, best, predictions } = runPaths(dir);
  const stored = (await predictionFiles(predictions)).map(({ path }) => path);
  expect(stored.map((path) => basename(path))).toEqual(["val.parquet", "test.parquet"]);
  return Promise.all([last, best, ...stored].map(sha256File));
}

describe("train", () => {
  it("leaves a complete run folder", async () => {
    const { epochs, best } = await train(config, options("whole"));
    const paths = runPaths(join(root, "whole"));
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(epochs.some(({ epoch }) => epoch === best.epoch)).toBe(true);
    expect(epochs[1]!.trainLoss).toBeLessThan(epochs[0]!.trainLoss);
    const rows = await readSplits(paths.predictions);
    expect(new Set(rows.map(({ split }) => split))).toEqual(new Set(["val", "test"]));
    expect(rows.every(({ modalityUsed }) => modalityUsed === "face")).toBe(true);
    const { facts } = await loadModel(join(root, "whole"));
    expect(facts).toMatchObject({ arch: "umcc", flag: true, pixels: { sizePx: 32, mean: [0, 0, 0] } });
    const environment = JSON.parse(await readFile(paths.environment, "utf8")) as { versions: object };
    expect(environment.versions).toHaveProperty("onnxruntime-node");
  });

  it("gives the same bytes when stopped after any step and resumed", { timeout: 120_000 }, async () => {
    const stops = [1, 3, 4, 5]; // within, at the end of, and after the first epoch of three steps
    const dir = join(root, "stopped");
    let taken = 0;
    for (const stop of stops) {
      const controller = new AbortController();
      const onStep = () => {
        taken++;
        if (taken === stop) controller.abort();
      };
      const run = train(config, options("stopped", { resume: true, signal: controller.signal, onStep }));
      await expect(run).rejects.toThrow(Interrupted);
    }
    await train(config, options("stopped", { resume: true, workers: 2 }));
    expect(await digests(dir)).toEqual(await digests(join(root, "whole")));
    const log = await readFile(runPaths(dir).log, "utf8");
    expect(log.trim().split("\n")).toHaveLength(2);
  });

  it("keeps the averaged weights as the best, and their average over a stop", {
    timeout: 120_000,
  }, async () => {
    const averaged = { ...config, ema: 0.5, epochs: 1 };
    await train(averaged, options("averaged"));
    const paths = runPaths(join(root, "averaged"));
    const { weights } = await readCheckpoint(paths.best);
    const last = await readCheckpoint(paths.last);
    expect(last.weights).not.toEqual(weights);
    expect(weights).toEqual(new Map([...last.weights, ...last.training!.slots.get("ema")!]));
    const controller = new AbortController();
    const onStep = (_: unknown, { step }: { step: number }) => {
      if (step === 2) controller.abort();
    };
    const stop = options("averaged-2", { signal: controller.signal, onStep });
    await expect(train(averaged, stop)).rejects.toThrow(Interrupted);
    await train(averaged, options("averaged-2", { resume: true }));
    expect(await digests(join(root, "averaged-2"))).toEqual(await digests(join(root, "averaged")));
  });

  it("accumulates small batches into the steps of a large one", { timeout: 120_000 }, async () => {
    const frozen = { ...config, tag: config.tag.replace("Z0", "Z2") }; // norms see single images
    const large = await train(frozen, options("large"));
    const accumulated = { ...frozen, batch: 4, accumulate: 2 };
    const controller = new AbortController();
    const onStep = (_: unknown, { step }: { step: number }) => {
      if (step === 4) controller.abort();
    };
    const stop = options("accumulated", { signal: controller.signal, onStep });
    await expect(train(accumulated, stop)).rejects.toThrow(Interrupted);
    const { epochs } = await train(accumulated, options("accumulated", { resume: true }));
    const whole = await train(accumulated, options("accumulated-2"));
    expect(await digests(join(root, "accumulated"))).toEqual(await digests(join(root, "accumulated-2")));
    for (const [i, epoch] of large.epochs.entries()) {
      expect(epochs[i]!.step).toBe(epoch.step);
      expect(epochs[i]!.lr).toBe(epoch.lr);
      expect(epochs[i]!.trainLoss).toBe(whole.epochs[i]!.trainLoss);
      expect(epochs[i]!.trainLoss).toBeCloseTo(epoch.trainLoss, 5);
      expect(epochs[i]!.trainAccuracy).toBe(epoch.trainAccuracy);
      expect(epochs[i]!.gradNorm).toBeCloseTo(epoch.gradNorm, 4);
    }
  });

  it("ends when its patience does, and resumes to the same end", { timeout: 120_000 }, async () => {
    // At a rate this small no prediction changes sides: the first epoch stays the best.
    const still = { ...config, epochs: 6, lr: 1e-9, patience: 2 };
    const { epochs, best } = await train(still, options("patient"));
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(best.epoch).toBe(1);
    // Killed after the last epoch's checkpoint and before the predictions: no further epoch is trained.
    const end = await digests(join(root, "patient"));
    await rm(runPaths(join(root, "patient")).predictions, { recursive: true });
    const onStep = () => expect.fail("a step was taken after the end");
    await train(still, options("patient", { resume: true, onStep }));
    expect(await digests(join(root, "patient"))).toEqual(end);

    const controller = new AbortController();
    const stop = options("impatient", { signal: controller.signal, onEpoch: () => controller.abort() });
    await expect(train(still, stop)).rejects.toThrow(Interrupted);
    await train(still, options("impatient", { resume: true }));
    expect(await digests(join(root, "impatient"))).toEqual(end);
  });

  it("resumes a finished run at once", async () => {
    const before = await digests(join(root, "whole"));
    await train(config, options("whole", { resume: true }));
    expect(await digests(join(root, "whole"))).toEqual(before);
  });

  it("sweeps what kills left of its own files when it is resumed, and nothing else", async () => {
    const dir = join(root, "swept");
    const stop = new AbortController();
    const first = options("swept", { signal: stop.signal, onStep: () => stop.abort() });
    await expect(train(config, first)).rejects.toThrow(Interrupted);
    const left = [
      "checkpoints/.last.safetensors.4711.tmp",
      "checkpoints/.best.safetensors.4711-89abcdef-0123abcd.tmp",
    ];
    const others = ["checkpoints/.mine.4711.tmp", ".log.jsonl.4711.tmp.old"];
    for (const name of [...left, ".config.json.4711.tmp", ...others]) await writeFile(join(dir, name), "x");
    await train(config, options("swept", { resume: true }));
    const names = (await readdir(dir, { recursive: true })).filter((name) => name.includes(".tmp"));
    expect(names.sort()).toEqual([...others].sort());
  });

  it("clears away what another command, killed before it, left under its name, and nobody else's folder", async () => {
    const [dir, stop] = [join(root, "named"), new AbortController()];
    const stopped = (more = {}) =>
      expect(
        train(config, options("named", { signal: stop.signal, onStep: () => stop.abort(), ...more })),
      ).rejects.toThrow(Interrupted);
    await mkdir(join(`${dir}.partial`, "made"), { recursive: true });
    await writeFile(join(`${dir}.partial`, ".facehand-partial"), "");
    await stopped();
    expect((await readdir(root)).filter((name) => name.startsWith("named"))).toEqual(["named"]);
    await mkdir(`${dir}.partial`);
    await writeFile(join(`${dir}.partial`, "mine"), "");
    await stopped({ resume: true });
    expect(await readdir(`${dir}.partial`)).toEqual(["mine"]);
  });

  describe("resumed after its end", () => {
    /** A copy of the finished run with something done to it. */
    const spoilt = async (name: string, spoil: (paths: ReturnType<typeof runPaths>) => Promise<unknown>) => {
      const dir = join(root, name);
      await cp(join(root, "whole"), dir, { recursive: true });
      await spoil(runPaths(dir));
      return train(config, options(name, { resume: true }));
    };
    const cut = async (path: string) => truncate(path, Math.floor((await stat(path)).size / 2));

    it.each<[string, (paths: ReturnType<typeof runPaths>) => Promise<unknown>, string]>([
      ["its best checkpoint is cut", ({ best }) => cut(best), "train into another folder"],
      ["its best checkpoint is gone", ({ best }) => rm(best), "train into another folder"],
      ["its last checkpoint is cut", ({ last }) => cut(last), "train into another folder"],
      [
        "its last checkpoint is one without a state",
        ({ last, best }) => cp(best, last),
        "train into another folder",
      ],
      [
        "its log lacks an epoch",
        async ({ log }) => writeFile(log, `${(await readFile(log, "utf8")).split("\n")[0]}\n`),
        "another folder",
      ],
      ["its log is gone", ({ log }) => rm(log), "train into another folder"],
      [
        "predictions of a split are gone",
        ({ predictions }) => rm(join(predictions, "test.parquet")),
        "they are made again",
      ],
      [
        "predictions are cut",
        ({ predictions }) => cut(join(predictions, "val.parquet")),
        "they are made again",
      ],
      [
        "predictions are of other images",
        async ({ predictions }) => {
          const rows = await readSplits(predictions);
          await writeSplits(
            predictions,
            rows.map((row, i) => (i === 0 ? { ...row, id: "another" } : row)),
          );
        },
        "they are made again",
      ],
    ])("is refused if %s", async (name, spoil, hint) => {
      await expect(spoilt(name, spoil)).rejects.toMatchObject({
        kind: "data",
        code: "RUN_DAMAGED",
        hint: expect.stringContaining(hint),
      });
    });

    it("makes its predictions again once they are removed, as the hint recommends", async () => {
      await spoilt("again", ({ predictions }) => rm(predictions, { recursive: true }));
      expect(await digests(join(root, "again"))).toEqual(await digests(join(root, "whole")));
    });
  });

  it("is refused a run folder that lies among its images, or that another call works on", async () => {
    await expect(train(config, options("faces/run"))).rejects.toMatchObject({ code: "OUT_INSIDE" });
    expect((await readdir(join(root, "faces"))).length).toBe(40);
    const [one, other] = await Promise.allSettled([
      train(config, options("both")),
      train(config, options("both")),
    ]);
    expect([one.status, other.status].sort()).toEqual(["fulfilled", "rejected"]);
    const failed = one.status === "rejected" ? one : other;
    expect(failed).toMatchObject({ reason: { kind: "input", code: "LOCKED" } });
    expect(await digests(join(root, "both"))).toEqual(await digests(join(root, "whole")));
  });

  it("refuses to overwrite a run", async () => {
    await expect(train(config, options("whole"))).rejects.toMatchObject({
      code: "RUN_EXISTS",
      kind: "input",
    });
  });

  it("refuses to resume with another configuration", async () => {
    const other = { ...config, lr: 1e-3 };
    await expect(train(other, options("whole", { resume: true }))).rejects.toMatchObject({
      code: "RESUME_CONFIG",
    });
  });

  it("names the picture that cannot be read, and leaves no checkpoint of it", async () => {
    const dir = join(root, "broken");
    await faces(dir, 20);
    const victim = "24_0_0_20170109000004.jpg.chip.jpg";
    await writeFile(join(dir, victim), "");
    const broken = { ...config, data: [`utkface:${dir}`] };
    await expect(train(broken, options("from-broken"))).rejects.toThrow(victim);
  });
});

describe("parseTrainConfig", () => {
  const base = { arch: "umcc", tag: "test_efficientnet.none_F1_Af_Lb_Z0", data: ["utkface:x"] };
  it.each([
    [{ ...base, epochs: 0 }, "Expected a number from 1 for --epochs, got 0"],
    [{ ...base, imageSize: 3 }, "Expected a number from 16 for --image-size, got 3"],
    [
      { ...base, epochs: 5, patience: 5 },
      "Expected fewer than the 5 epochs, or no patience at all, for --patience, got 5",
    ],
    [{ ...base, colour: 1 }, "colour"],
    [{ ...base, arch: "mag" }, "gating"],
    [{ ...base, arch: "mag", tag: "test_efficientnet.x_F1_Af_Lb_Z0_gating=soft" }, "F0"],
    [{ ...base, tag: "test_efficientnet.x_F1_Af_Lb_Z7" }, "Z0, Z1 or Z2"],
    [{ ...base, tag: "resnet_999.x_F1_Af_Lb_Z0" }, "backbone"],
    [{ ...base, data: [] }, "data"],
    [{ ...base, patience: 0 }, "patience"],
    [
      { ...base, lr: 0.01, minLr: 0.1 },
      "Expected at most the highest learning rate, 0.01, for --min-lr, got 0.1",
    ],
    [{ ...base, epochs: 2, warmupEpochs: 2 }, "Expected fewer than the 2 epochs for --warmup-epochs, got 2"],
    [{ ...base, labelSmoothing: 1.1 }, "--label-smoothing"],
    [{ ...base, ema: 1 }, "ema"],
    [{ ...base, layerDecay: 0 }, "--layer-decay"],
    [{ ...base, accumulate: 0.5 }, "accumulate"],
  ])("refuses %j", (input, words) => {
    expect(() => parseTrainConfig(input)).toThrow(words);
  });

  it("omits options that are left out: folders of earlier versions resume, hashes stay", () => {
    const keys = [
      ...["patience", "labelSmoothing", "ema", "layerDecay", "accumulate"],
      ...["frozenEpochs", "startSize", "startStrength", "phases", "lastEpochs", "mixup", "aa"],
    ];
    expect(Object.keys(parseTrainConfig(base)).filter((key) => keys.includes(key))).toEqual([]);
  });
});
