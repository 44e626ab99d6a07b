// Trial steps by a clock that the test moves: what is timed, how often, and what of it counts.
import { expect, it } from "vitest";
import { Interrupted } from "../core/errors.ts";
import type { Sample } from "../core/words.ts";
import { type Batches, labelled } from "../dataset/loader/order.ts";
import { parseTrainConfig } from "./config.ts";
import { BEGINNING } from "./epochs.ts";
import { phasesOf } from "./phases.ts";
import type { StepBatch } from "./step/batch.ts";
import type { StepSchedule } from "./step/step.ts";
import { phasesToTry, trialSteps, tryPhase, tryValidation } from "./trial.ts";

const config = parseTrainConfig({
  ...{ arch: "umcc", tag: "test_efficientnet.none_F1_Af_Lb_Z0", data: ["pairs:x"], imageSize: 16 },
  ...{ epochs: 5, batch: 2, mixup: 0.2 },
});
const [phase] = phasesOf(config);
const person = (id: string) =>
  ({ id, source: "s", sex: "male", modality: "face", groups: {} }) as unknown as Sample;

/** A run whose batches and steps move the clock, ms. @param ahead - batches that are loaded beyond the one in use */
function runOf(
  perEpoch: number,
  { load, stepAt, ahead = 2 }: { load: number; stepAt: (k: number) => number; ahead?: number },
) {
  const clock = { ms: 0 };
  const taken: { batch: StepBatch; schedule: StepSchedule }[] = [];
  const samples = Array.from({ length: perEpoch }, (_, k) => [person(`${k}.a`), person(`${k}.b`)]);
  const batches: Batches = {
    batchesPerEpoch: perEpoch,
    async *epoch(_n, { startBatch = 0, needed = () => true } = {}) {
      let loaded = startBatch;
      for (let k = startBatch; k < perEpoch; k++) {
        for (; loaded < Math.min(perEpoch, k + 1 + ahead); loaded++)
          if (needed(samples[loaded]!)) clock.ms += load;
        yield labelled(k, samples[k]!, new Uint8Array(2 * 16 * 16 * 3));
      }
    },
    close: async () => undefined,
  };
  const run = async (batch: StepBatch, schedule: StepSchedule) => {
    clock.ms += batch.features === undefined ? stepAt(taken.length) : 3;
    taken.push({ batch, schedule });
    const features = Float32Array.from([taken.length, 1, 2, 3]);
    return { loss: 1, gradNorm: 1, logits: new Float32Array(2), features };
  };
  const step = { run, save: () => Promise.reject(new Error("the end of an epoch is reached")) };
  const control = new AbortController();
  const trial = {
    ...{ config, until: 5, data: { posWeight: 1, targets: [] }, batches, step, keepsFeatures: false },
    ...{ options: { signal: control.signal }, interrupted: () => new Interrupted("stopped") },
  };
  return { clock, taken, trial, control, now: () => clock.ms };
}

it("takes a share of a run's steps, two at least, or none", () => {
  expect([49, 50, 74, 75, 100, 10_000].map((left) => trialSteps(left, 1))).toEqual([0, 2, 2, 3, 4, 4]);
  expect([149, 150, 300].map((left) => trialSteps(left, 3))).toEqual([0, 2, 4]);
});

it("tries the phases between which others lie, each once", () => {
  const sizes = (more: object) => {
    const phases = phasesOf({ epochs: 12, imageSize: 64, ...more });
    return phasesToTry(phases).map(({ sizePx, frozen }) => `${sizePx}${frozen ? "Z" : ""}`);
  };
  expect(sizes({})).toEqual(["64"]);
  expect(sizes({ startStrength: 0.5 })).toEqual(["64"]);
  expect(sizes({ startSize: 32 })).toEqual(["32", "64"]);
  expect(sizes({ startSize: 32, frozenEpochs: 2 })).toEqual(["64Z", "32", "64"]);
  const last = phasesOf({ epochs: 12, imageSize: 64, startSize: 32 }).slice(-1);
  expect(phasesToTry(last)).toEqual(last);
});

it("times steps behind the first, at a rate of 0, and loading by itself", async () => {
  const { trial, taken, now } = runOf(10, { load: 5, stepAt: (k) => [900, 40, 20, 30][k]! });
  // Waits of 5 ms lie between steps; the batch that is asked for first brings two others with it.
  expect(await tryPhase(trial, phase!, BEGINNING, 4, now)).toEqual({
    ...{ sizePx: 16, frozen: false, kept: undefined, files: 0.005, cached: 0.005, step: 0.035 },
  });
  expect(taken.map(({ schedule }) => [schedule.step, schedule.lr, schedule.decay])).toEqual([
    ...[1, 2, 3, 4].map((step) => [step, 0, 0]),
  ]);
});

it("takes the first steps of a short epoch again, and none beyond it", async () => {
  const { trial, taken, now } = runOf(1, { load: 5, stepAt: () => 20 });
  expect((await tryPhase(trial, phase!, BEGINNING, 3, now)).step).toBe(0.025); // with its picture
  expect(taken.map(({ schedule }) => schedule.step)).toEqual([1, 1, 1]);
});

it("stops where steps are long, and at once after the signal", async () => {
  const long = runOf(10, { load: 0, stepAt: () => 8000 });
  expect((await tryPhase(long.trial, phase!, BEGINNING, 4, long.now)).step).toBe(8);
  expect(long.taken).toHaveLength(2);
  const { trial, taken, control, now } = runOf(10, { load: 0, stepAt: (k) => (k === 1 ? NaN : 1) });
  control.abort();
  await expect(tryPhase(trial, phase!, BEGINNING, 4, now)).rejects.toThrow("stopped");
  expect(taken).toHaveLength(1);
});

it("times steps over features, which it makes of the images first", async () => {
  const { trial, taken, now } = runOf(10, { load: 5, stepAt: () => 20 });
  const kept = { ...trial, keepsFeatures: true };
  expect(await tryPhase(kept, phase!, BEGINNING, 2, now)).toMatchObject({ step: 0.025, kept: 0.003 });
  // The third and fourth batch are the first and second again, with what was made of them.
  expect(taken.map(({ batch }) => batch.features === undefined)).toEqual([true, true, false, false]);
  expect(taken[2]!.batch.features).toEqual(Float32Array.from([1, 1, 2, 3]));
});

it("tells the opening of a model from its batches", async () => {
  const { trial, clock, now } = runOf(10, { load: 0, stepAt: () => 0 });
  let seen = 0;
  const predict = async (few: Batches) => {
    clock.ms += 700;
    for await (const { samples } of few.epoch(0)) {
      seen += samples.length;
      clock.ms += seen === 2 ? 90 : 50;
    }
  };
  const tried = await tryValidation(trial.batches, predict, now);
  expect(tried).toEqual({ open: expect.closeTo(0.74, 12), image: 0.025 });
  expect(seen).toBe(6);
  // One batch alone: its time is that of its images.
  const one = runOf(1, { load: 0, stepAt: () => 0 });
  const alone = async (few: Batches) => {
    for await (const _ of few.epoch(0)) one.clock.ms += 60;
  };
  expect(await tryValidation(one.trial.batches, alone, one.now)).toEqual({ open: 0, image: 0.03 });
});
