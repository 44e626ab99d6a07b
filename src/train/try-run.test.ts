// Trial steps of real runs: what they show, and that no byte of a run changes by them, in any kind of phase, nor by a stop.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawFaces } from "../../test/drawn.ts";
import { Interrupted } from "../core/errors.ts";
import { predictionFiles } from "../evaluate/stored/prediction-folder.ts";
import { sha256File } from "../machine/files.ts";
import { runPaths } from "../predict/run-folder.ts";
import { parseTrainConfig, type TrainConfig } from "./config.ts";
import { type TryOptions, train, tryAndTrain } from "./loop.ts";
import type { Tried } from "./try-run.ts";

const TAG = "test_efficientnet.none_F1_Af_Lb_Z0";
let root: string;
let base: Record<string, unknown>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-trial-"));
  await drawFaces(join(root, "faces"), 40);
  base = {
    ...{ arch: "umcc", tag: TAG, data: [`utkface:${join(root, "faces")}`], imageSize: 32, epochs: 4 },
    ...{ batch: 2, lr: 3e-3, dropPathRate: 0.1, ema: 0.5, seed: 7 }, // 16 steps an epoch
  };
});
afterAll(() => rm(root, { recursive: true, force: true }));

const options = (name: string, more: Partial<TryOptions> = {}): TryOptions => ({
  ...{ dir: join(root, name), threads: 1, workers: 1, resume: true },
  ...more,
});

/** All that a run leaves, but the seconds of its log. */
async function left(name: string) {
  const { last, best, log, predictions } = runPaths(join(root, name));
  const stored = (await predictionFiles(predictions)).map(({ path }) => path);
  const epochs = (await readFile(log, "utf8")).trim().split("\n");
  return {
    digests: await Promise.all([last, best, ...stored].map(sha256File)),
    epochs: epochs.map((line) => ({ ...JSON.parse(line), seconds: 0, waitSeconds: 0 })),
  };
}

/** Trains with trial steps. */
async function tryTraining(config: TrainConfig, name: string, more: Partial<TryOptions> = {}) {
  const order: string[] = [];
  let tried: Tried | undefined;
  await tryAndTrain(
    config,
    options(name, {
      onBegin: () => order.push("begin"),
      onTrial: (one) => {
        order.push("trial");
        tried = one;
      },
      onStep: () => order.push("step"),
      ...more,
    }),
  );
  return { tried, order };
}

const shape = (tried: Tried | undefined) =>
  tried?.trial?.phases.map(({ sizePx, frozen, kept }) => [sizePx, frozen, kept !== undefined]);

describe("trial steps", { timeout: 120_000 }, () => {
  it.each([
    ["one phase, mixup", { mixup: 0.4, accumulate: 2, epochs: 8 }, [[32, false, false]], 8 * 8],
    [
      "phases",
      { frozenEpochs: 2, startSize: 16, phases: 2, epochs: 10 },
      [
        [16, false, false],
        [32, false, false],
        [32, true, true],
      ],
      10 * 16,
    ],
    ["stored features", { tag: TAG.replace("Af", "An").replace("Z0", "Z2") }, [[32, true, true]], 4 * 16],
  ] as const)("change no byte of a run: %s", async (name, more, phases, steps) => {
    const config = parseTrainConfig({ ...base, ...more });
    await train(config, options(`${name} plain`));
    const { tried, order } = await tryTraining(config, name);
    expect(await left(name)).toEqual(await left(`${name} plain`));
    expect(order).toEqual(["begin", "trial", ...Array.from({ length: steps }, () => "step")]);
    // A Z2 of the tag is no phase of its own kind: its backbone is frozen throughout.
    const kinds = phases.map(([size, frozen, kept]) => [size, frozen && name === "phases", kept]);
    expect(shape(tried)).toEqual(kinds);
  });

  it("show positive times and a memory that is not below what the process has had before", async () => {
    const { tried } = await tryTraining(parseTrainConfig(base), "shown");
    const { phases, validation, peakBytes, toCacheBytes, cachedShare, allCores } = tried!.trial!;
    const [{ step, files, cached }] = phases as [(typeof phases)[number]];
    for (const seconds of [step, files, cached, validation.image, validation.open])
      expect(seconds).toBeGreaterThan(0);
    expect(peakBytes).toBeGreaterThan(process.memoryUsage.rss() / 2);
    expect(cachedShare).toBe(1);
    // Drawn faces of 48 px: 32 to train, of which some are loaded, and 8 as the model gets them.
    expect(toCacheBytes).toBeLessThan(32 * 48 * 48 * 3 + 8 * 32 * 32 * 3);
    expect(tried).toMatchObject({ stepsPerEpoch: 16, images: { train: 32, val: 8, test: 0 } });
    expect(allCores).toBeUndefined(); // 64 steps are too few for another session
  });

  it.skipIf(availableParallelism() === 1)(
    "try all cores too, where a run has fewer and is long enough",
    async () => {
      const { tried } = await tryTraining(parseTrainConfig({ ...base, epochs: 7 }), "cores");
      expect(tried!.trial!.allCores).toBeGreaterThan(0);
    },
  );

  it("are not taken where the run is too short, which is said", async () => {
    const { tried, order } = await tryTraining(parseTrainConfig({ ...base, epochs: 3 }), "short");
    expect(tried).toMatchObject({ stepsPerEpoch: 16, position: { epoch: 0 } });
    expect(tried!.trial).toBeUndefined();
    expect(order.slice(0, 3)).toEqual(["begin", "trial", "step"]);
  });

  it("change no byte of a run that is stopped within an epoch and resumed, or stopped by the trial", async () => {
    const config = parseTrainConfig({ ...base, epochs: 5 });
    await train(config, options("whole"));
    const stop = new AbortController();
    const onStep = (_: unknown, { step }: { step: number }) => void (step === 20 && stop.abort());
    await expect(tryTraining(config, "stopped", { signal: stop.signal, onStep })).rejects.toThrow(
      Interrupted,
    );
    const before = new AbortController();
    const onBegin = () => before.abort();
    let steps = 0;
    const counted = { signal: before.signal, onBegin, onStep: () => void steps++ };
    await expect(tryTraining(config, "stopped", counted)).rejects.toThrow(/continues with --resume/);
    expect(steps).toBe(0);
    const { tried } = await tryTraining(config, "stopped");
    expect(tried).toMatchObject({ position: { epoch: 1, batch: 4 } });
    expect(shape(tried)).toEqual([[32, false, false]]);
    expect(await left("stopped")).toEqual(await left("whole"));
  });
});
