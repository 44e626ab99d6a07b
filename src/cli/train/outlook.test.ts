// What train says before its first step: against lines worked out by hand.
import { expect, it } from "vitest";
import { lacking, lanesOf } from "../../engine/kernels/library.ts";
import { probeBlock } from "../../engine/runtime/probe.ts";
import { parseTrainConfig } from "../../train/config.ts";
import { kernelsWay } from "../../train/step/native.ts";
import type { Trial } from "../../train/trial.ts";
import { outlookLines, type Ways } from "./outlook.ts";

const TAG = "test_efficientnet.none_F1_Af_Lb_Z0";
const TRANSFORMER = "vit_tiny_patch16_224.none_F1_Af_Lb_Z0";
const PRETRAINED = "mobilenetv2_100.ra_in1k_F1_Af_Lb_Z0";
const configOf = (more: object = {}) =>
  parseTrainConfig({
    ...{ arch: "umcc", tag: TAG, data: ["pairs:x"], imageSize: 32, epochs: 4, batch: 8 },
    ...more,
  });
const pretrained = (more: object) =>
  configOf({ tag: PRETRAINED, weights: "timm:mobilenetv2_100.ra_in1k", ...more });

const STEP = { sizePx: 32, frozen: false, step: 2, kept: undefined, files: 0.05, cached: 0.01 };
const TRIAL: Trial = {
  ...{ phases: [STEP], validation: { open: 1, image: 0.1 }, allCores: undefined },
  ...{ peakBytes: 1.1e9, toCacheBytes: 0.3e9, cachedShare: 1 },
};
const linesOf = (
  config: ReturnType<typeof configOf>,
  { trial = {}, ways = {} }: { trial?: Partial<Trial>; ways?: Partial<Ways> } = {},
) =>
  outlookLines(
    config,
    {
      ...{ position: { epoch: 1, batch: 4, step: 14, partial: { loss: 0, correct: 0, gradNorm: 0 } } },
      ...{ stepsPerEpoch: 10, images: { train: 80, val: 10, test: 0 }, trial: { ...TRIAL, ...trial } },
    },
    { device: "cpu", workers: 2, following: [], cores: 4, ...ways },
  );
const less = (...args: Parameters<typeof linesOf>) => linesOf(...args)[2];

it("states steps, time and memory of what is left, and what they rest on", () => {
  // 26 steps of 2 s; three validations and the predictions at the end, 2 s each.
  expect(linesOf(configOf())).toEqual([
    "26 steps of 8 images, 10 an epoch: about 1:00, of it validation and predictions 0:08; memory at most about 1.4 GB",
    "a trial step took 2.0 s at 32 px, its pictures 0.050 s from files and 0.010 s from the cache",
  ]);
  expect(linesOf(configOf({ patience: 2, accumulate: 2 }))[0]).toBe(
    "26 steps of 16 images, 10 an epoch: at most about 1:00, of it validation and predictions 0:08; memory at most about 1.4 GB",
  );
});

it("counts the runs that follow, which may have epochs behind them", () => {
  // One of 40 steps with five predictions, one of 10 with two.
  expect(linesOf(configOf(), { ways: { following: [0, 3] } })[0]).toBe(
    "26 steps of 8 images, 10 an epoch; with the runs that follow, 3: about 2:54, of it validation and predictions 0:22; memory at most about 1.4 GB",
  );
});

it("says so where a run is too short for trial steps", () => {
  const { trial, ...tried } = {
    ...{ position: { epoch: 0, batch: 0, step: 0, partial: { loss: 0, correct: 0, gradNorm: 0 } } },
    ...{ stepsPerEpoch: 10, images: { train: 80, val: 10, test: 0 }, trial: undefined },
  };
  expect(outlookLines(configOf(), { ...tried, trial }, { device: "cpu", workers: 2, following: [] })).toEqual(
    [
      "40 steps of 8 images, 10 an epoch: too few to try some before; time follows with the first epoch, memory at the end",
    ],
  );
});

it("names what a frozen start tried", () => {
  const frozen = { ...STEP, frozen: true, step: 0.5, kept: 0.004 };
  expect(linesOf(configOf({ frozenEpochs: 2 }), { trial: { phases: [frozen, STEP] } })[1]).toBe(
    "a trial step took 0.50 s and 0.0040 s on stored features at 32 px with a frozen backbone, its pictures 0.050 s from files and 0.010 s from the cache; " +
      "2.0 s at 32 px, its pictures 0.050 s from files and 0.010 s from the cache",
  );
});

it("names more threads and workers where they were measured to be the bound", () => {
  expect(less(configOf(), { trial: { allCores: 1.5 } })).toBe(
    "would take less: no --threads: a step takes 1.5 s on all 4 cores, not 2.0 s",
  );
  expect(less(configOf(), { trial: { allCores: 1.9 } })).toBeUndefined();
  const slow = { phases: [{ ...STEP, files: 7, cached: 3 }] };
  expect(less(configOf(), { trial: slow })).toBe(
    "would take less: --workers 3: pictures of a step take 3.0 s with 2, the step 2.0 s",
  );
  // Where the cache has half of them, pictures take 5 s.
  expect(less(configOf(), { trial: { ...slow, cachedShare: 0.5 } })).toContain("--workers 4: ");
  expect(less(configOf(), { trial: slow, ways: { cores: 2 } })).toBeUndefined();
});

it("names other trainings with their time, and that their results are others", () => {
  // A whole run, in four phases at 32, 40, 56 and 64 px, then five predictions of 2 s.
  const large = { phases: [{ ...STEP, sizePx: 64, step: 4 }] };
  expect(less(configOf({ imageSize: 64 }), { trial: large })).toBe(
    "would take less: --start-size 32: about 1:46 for a whole run, if steps go by pixels; other results",
  );
  // Too few epochs for its phases.
  expect(less(configOf({ imageSize: 64, epochs: 3 }), { trial: large })).toBeUndefined();
  expect(less(configOf({ imageSize: 64, startSize: 40 }), { trial: large })).toBeUndefined();
  // 80 training images, 10 validation images twice.
  expect(less(pretrained({}))).toBe(
    "would take less: Z2 and An in the tag: about 0:10 for a whole run beside the heads' steps, on features made once; other results",
  );
  expect(less(pretrained({ tag: PRETRAINED.replace("Z0", "Z2") }))).toBeUndefined();
});

it("names native kernels where they could serve", async () => {
  expect(less(configOf(), { ways: { kernels: "--kernels native: not timed" } })).toBe(
    "would take less: --kernels native: not timed",
  );
  const served = lacking() === undefined && (await probeBlock()) === lanesOf();
  const how = served
    ? expect.stringMatching(/^--kernels native(, once `facehand kernels build` made them)?: /)
    : undefined;
  expect(await kernelsWay(configOf())).toEqual(how);
  for (const unused of [{ kernels: "native" }, { tag: TAG.replace("Z0", "Z2") }, { tag: TRANSFORMER }])
    expect(await kernelsWay(configOf(unused))).toBeUndefined();
});

it("names devices that run here, and a smaller batch where memory is short", () => {
  expect(less(configOf(), { ways: { devices: ["webgpu"] } })).toBe(
    "would take less: --device webgpu, which runs here: not timed, and rounds differently",
  );
  expect(less(configOf(), { ways: { freeBytes: 1.3e9 } })).toBe(
    "would take less: a smaller --batch: memory is more than the 1.3 GB that are free, and auto measures which fits; other results",
  );
  expect(less(configOf(), { ways: { freeBytes: 1.5e9 } })).toBeUndefined();
});
