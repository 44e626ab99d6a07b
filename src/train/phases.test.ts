// Phases of a training: which epochs they have, that each is what a plain run does there, and that stopping and resuming at
// any of their ends changes no byte.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawFaces } from "../../test/drawn.ts";
import { Interrupted } from "../core/errors.ts";
import { parseRandAugment } from "../dataset/loader/rand-augment.ts";
import { readCheckpoint } from "../engine/checkpoint-file.ts";
import { predictionFiles } from "../evaluate/stored/prediction-folder.ts";
import { exists, sha256File } from "../machine/files.ts";
import { PIXELS } from "../models/backbones/recipes.ts";
import { FULL_AUGMENT } from "../pixels/jitter.ts";
import { loadModel } from "../predict/model-file.ts";
import { runPaths } from "../predict/run-folder.ts";
import { parseTrainConfig, type TrainConfig } from "./config.ts";
import { type TrainOptions, train } from "./loop.ts";
import { atPhase, phasesOf, unphased, weakened } from "./phases.ts";
import { outOfPatience } from "./runlog.ts";

const TAG = "test_efficientnet.none_F1_Af_Lb_Z0";
let root: string;
let base: Record<string, unknown>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-phases-"));
  await drawFaces(join(root, "faces"), 24);
  base = {
    ...{ arch: "umcc", tag: TAG, data: [`utkface:${join(root, "faces")}`], imageSize: 32, epochs: 3 },
    ...{ batch: 6, lr: 3e-3, dropPathRate: 0.1, ema: 0.5, seed: 7 },
  };
});
afterAll(() => rm(root, { recursive: true, force: true }));

const options = (name: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  ...{ dir: join(root, name), threads: 1, workers: 1, resume: true },
  ...more,
});

/** Trains until this step, then is stopped. */
async function stopAt(config: TrainConfig, name: string, step: number): Promise<void> {
  const stop = new AbortController();
  const onStep = (_: unknown, at: { step: number }) => void (at.step === step && stop.abort());
  await expect(train(config, options(name, { signal: stop.signal, onStep }))).rejects.toThrow(Interrupted);
}

async function digests(name: string): Promise<string[]> {
  const { last, best, predictions } = runPaths(join(root, name));
  const stored = (await predictionFiles(predictions)).map(({ path }) => path);
  expect(stored.map((path) => basename(path))).toEqual(["val.parquet"]);
  return Promise.all([last, best, ...stored].map(sha256File));
}

const lastOf = (name: string) => readCheckpoint(runPaths(join(root, name)).last);

const shape = (config: Parameters<typeof phasesOf>[0]) =>
  phasesOf(config).map(({ from, until, sizePx, strength, frozen }) => [
    ...[from, until, sizePx, Number(strength.toFixed(3))],
    frozen,
  ]);

describe("phasesOf", () => {
  it("is the whole run where nothing is asked for", () => {
    expect(shape({ epochs: 20, imageSize: 224 })).toEqual([[0, 20, 224, 1, false]]);
  });

  it("grows in equal steps, as EfficientNetV2's table of phases does", () => {
    // 128 to 300 px in four phases: 128, 185.3, 242.7, 300.
    expect(shape({ epochs: 10, imageSize: 300, startSize: 128, startStrength: 0.25 })).toEqual([
      [0, 3, 128, 0.25, false],
      [3, 5, 184, 0.5, false],
      [5, 8, 240, 0.75, false],
      [8, 10, 300, 1, false],
    ]);
  });

  it("gives the last phase its own epochs, behind a frozen start", () => {
    const config = { epochs: 12, imageSize: 224, startSize: 160, phases: 2, lastEpochs: 2 };
    expect(shape(config)).toEqual([
      [0, 10, 160, 1, false],
      [10, 12, 224, 1, false],
    ]);
    expect(shape({ ...config, frozenEpochs: 3 })).toEqual([
      [0, 3, 224, 1, true],
      [3, 10, 160, 1, false],
      [10, 12, 224, 1, false],
    ]);
  });

  it("leaves no phase without epochs, and none out", () => {
    for (let epochs = 2; epochs < 40; epochs++)
      for (let phases = 2; phases <= Math.min(epochs, 16); phases++)
        for (const lastEpochs of [undefined, 1, epochs - phases + 1]) {
          const all = phasesOf({ epochs, imageSize: 64, startSize: 32, phases, lastEpochs });
          expect(all.map(({ from }) => from)).toEqual([0, ...all.slice(0, -1).map(({ until }) => until)]);
          expect(all.every(({ from, until }) => from < until)).toBe(true);
          expect(all.at(-1)).toMatchObject({ until: epochs, sizePx: 64, strength: 1 });
        }
  });
});

describe("a phase's configuration", () => {
  it("is the run's own object where it differs in nothing", () => {
    const config = parseTrainConfig(base);
    expect(atPhase(config, phasesOf(config)[0]!)).toBe(config);
    const phased = parseTrainConfig({ ...base, startSize: 16, phases: 2 });
    expect(atPhase(phased, phasesOf(phased)[1]!)).toBe(phased);
    expect(unphased(phased)).toEqual(config);
  });

  it("weakens what regularises: upstream's dropout too, and pictures but for their mirror images", () => {
    const phased = parseTrainConfig({ ...base, startStrength: 0.5, phases: 2 });
    expect(atPhase(phased, phasesOf(phased)[0]!)).toMatchObject({ dropRate: 0.1, dropPathRate: 0.05 });
    const mixing = (startStrength: number) =>
      parseTrainConfig({ ...base, startStrength, phases: 2, mixup: 0.2 });
    expect(atPhase(mixing(0.5), phasesOf(mixing(0.5))[0]!).mixup).toBeCloseTo(0.1);
    expect(atPhase(mixing(0), phasesOf(mixing(0))[0]!)).not.toHaveProperty("mixup");
    const rand = parseRandAugment("rand-m9", [0, 0, 0]);
    expect(weakened({ ...FULL_AUGMENT, rand }, 0.5)?.rand).toEqual({ ...rand, probability: 0.25 });
    expect(
      weakened({ flip: 0.5, brightness: 0.1, contrast: 0.2, saturation: 0.4, degrees: 10 }, 0.5),
    ).toEqual({ flip: 0.5, brightness: 0.05, contrast: 0.1, saturation: 0.2, degrees: 5 });
  });
});

describe("parseTrainConfig", () => {
  it.each([
    [{ frozenEpochs: 3 }, "Expected fewer than the 3 epochs for --frozen-epochs, got 3"],
    [{ frozenEpochs: 1, tag: TAG.replace("Z0", "Z2") }, "Expected Z0 or Z1 in the tag"],
    [{ frozenEpochs: 2, warmupEpochs: 1 }, "Expected fewer than the 1 epochs for --warmup-epochs, got 1"],
    [{ phases: 2 }, "Expected --start-size or --start-strength for --phases, got 2"],
    [{ lastEpochs: 1 }, "Expected --start-size or --start-strength for --last-epochs, got 1"],
    [{ startSize: 32 }, "Expected less than the 32 px of --image-size for --start-size, got 32"],
    [
      { startSize: 16 },
      "Expected at most the 3 epochs that are not frozen for --phases (4 where it is left out), got 4",
    ],
    [
      { startSize: 16, phases: 2, lastEpochs: 3 },
      "Expected at most 2, an epoch for each phase before, for --last-epochs, got 3",
    ],
    [
      {
        ...{ startStrength: 0.5, phases: 2, arch: "mag", dropPathRate: 0 },
        tag: "test_efficientnet.none_F0_An_Lb_Z0_gating=soft",
      },
      "Expected dropout, stochastic depth, augmentation or mixup to weaken for --start-strength, got 0.5",
    ],
    [
      { startSize: 16, phases: 2, lastEpochs: 1, patience: 1 },
      "Expected fewer than the 1 epochs, or no patience at all, for --patience, got 1",
    ],
  ])("refuses %j", (more, words) => {
    expect(() => parseTrainConfig({ ...base, ...more })).toThrow(words);
  });
});

describe("a run whose pictures grow", () => {
  const phased = () => parseTrainConfig({ ...base, startSize: 16, phases: 2, lastEpochs: 1 });

  it("does in each phase what a run of its size does", { timeout: 120_000 }, async () => {
    await train(phased(), options("grown"));
    expect((await loadModel(join(root, "grown"))).facts.pixels).toMatchObject({
      ...{ sizePx: 32, mean: [...PIXELS.raw.mean] },
    });
    const steps = (await lastOf("grown")).training!.position.step;
    const perEpoch = steps / 3;
    // Two epochs at 16 px are those of a run of three at 16 px.
    const small = parseTrainConfig({ ...base, imageSize: 16 });
    await stopAt(phased(), "grown-2", 2 * perEpoch);
    await stopAt(small, "small", 2 * perEpoch);
    const [first, other] = [await lastOf("grown-2"), await lastOf("small")];
    expect(first.training!.position.epoch).toBe(1); // that of the second epoch, whose end was not reached
    expect(first.weights).toEqual(other.weights);
    expect(first.training).toEqual(other.training);
    // A run of 32 px that goes on from there ends where the phased one does.
    const large = parseTrainConfig(base);
    await stopAt(large, "large", 1);
    await train(phased(), options("grown-2"));
    expect(await digests("grown-2")).toEqual(await digests("grown"));
    const stop = new AbortController();
    const onEpoch = ({ epoch }: { epoch: number }) => void (epoch === 2 && stop.abort());
    await expect(train(phased(), options("grown-3", { signal: stop.signal, onEpoch }))).rejects.toThrow(
      Interrupted,
    );
    for (const file of ["last", "best", "log"] as const)
      await cp(runPaths(join(root, "grown-3"))[file], runPaths(join(root, "large"))[file]);
    await train(large, options("large"));
    expect((await lastOf("large")).weights).toEqual((await lastOf("grown")).weights);
    await train(phased(), options("grown-3"));
    expect(await digests("grown-3")).toEqual(await digests("grown"));
  });

  it("ends at the same bytes when it is stopped at every step", { timeout: 120_000 }, async () => {
    const config = parseTrainConfig({
      ...base,
      ...{
        startSize: 16,
        startStrength: 0.3,
        phases: 2,
        frozenEpochs: 1,
        mixup: 0.5,
        aa: "rand-m9-mstd0.5-inc1",
        accumulate: 2,
        batch: 3,
      },
      ...{ warmupEpochs: 1, layerDecay: 0.8 },
    });
    await train(config, options("all", { workers: 2 }));
    const { step } = (await lastOf("all")).training!.position;
    expect(step % 3).toBe(0);
    for (let at = 1; at <= step; at++) await stopAt(config, "stopped", at);
    await train(config, options("stopped"));
    expect(await digests("stopped")).toEqual(await digests("all"));
  });
});

describe("a frozen start", () => {
  it("is a run under Z2 on features of plain pictures, and then all learns", {
    timeout: 120_000,
  }, async () => {
    const config = parseTrainConfig({ ...base, frozenEpochs: 2, weightDecay: 0 });
    const dir = join(root, "frozen");
    const alone = parseTrainConfig({
      ...base,
      ...{ tag: TAG.replace("Z0", "Z2").replace("Af", "An"), epochs: 2, weightDecay: 0 },
    });
    await train(alone, options("alone"));
    const heads = await lastOf("alone");
    const stop = new AbortController();
    const onEpoch = ({ epoch }: { epoch: number }) => {
      if (epoch === 2) stop.abort();
    };
    const begun = train(config, options("frozen", { signal: stop.signal, onEpoch }));
    await expect(begun).rejects.toThrow(Interrupted);
    expect(await exists(runPaths(dir).features)).toBe(true);
    const frozen = await lastOf("frozen");
    expect(frozen.weights).toEqual(heads.weights);
    expect(frozen.training!.slots).toEqual(heads.training!.slots);
    // The first update of all layers is the first of an optimizer: no weight moves by more than the rate.
    await stopAt(config, "frozen", frozen.training!.position.step + 1);
    const thawed = await lastOf("frozen");
    const moved = [...thawed.weights].flatMap(([name, values]) =>
      name.includes("running") || name.includes("num_batches")
        ? []
        : [...values].map((value, i) => Math.abs(value - frozen.weights.get(name)![i]!)),
    );
    const most = moved.reduce((a, b) => Math.max(a, b));
    expect(most).toBeGreaterThan(0.99 * config.lr);
    expect(most).toBeLessThan(1.01 * config.lr);
    expect(thawed.training!.slots.get("exp_avg")!.size).toBeGreaterThan(
      frozen.training!.slots.get("exp_avg")!.size,
    );
    await train(config, options("frozen"));
    expect(await exists(runPaths(dir).features)).toBe(false);
  });
});

describe("patience", () => {
  it("judges the last phase alone", () => {
    const epoch = (n: number, best: boolean) =>
      ({ epoch: n, best }) as Parameters<typeof outOfPatience>[0][0];
    const log = [epoch(1, true), epoch(2, false), epoch(3, false)];
    expect(outOfPatience(log, 2)).toBe(true);
    expect(outOfPatience(log, 2, 2)).toBe(false);
    expect(outOfPatience([...log, epoch(4, false)], 2, 2)).toBe(true);
    expect(outOfPatience([...log, epoch(4, true)], 2, 2)).toBe(false);
  });
});
