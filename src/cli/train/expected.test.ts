// How long a run will take by its trial: against sums that are worked out by hand.
import { expect, it } from "vitest";
import { parseTrainConfig } from "../../train/config.ts";
import type { PhaseTrial, Trial } from "../../train/trial.ts";
import { expectedSeconds, trialAt } from "./expected.ts";

const TAG = "test_efficientnet.none_F1_Af_Lb_Z0";
const configOf = (more: object = {}) =>
  parseTrainConfig({
    ...{ arch: "umcc", tag: TAG, data: ["pairs:x"], imageSize: 64, epochs: 4, batch: 8 },
    ...more,
  });
const tried = (more: Partial<PhaseTrial>): PhaseTrial => ({
  ...{ sizePx: 64, frozen: false, step: 2, kept: undefined, files: 0.5, cached: 0.1 },
  ...more,
});
/** Opening a model takes 3 s, and each image .5 s: with 20 validation images, 13 s, and 30 test images at the end. */
const known = (phases: readonly PhaseTrial[], more: Partial<Trial> = {}) => ({
  stepsPerEpoch: 10,
  images: { train: 80, val: 20, test: 30 },
  trial: {
    ...{ phases, validation: { open: 3, image: 0.5 }, allCores: undefined },
    ...{ peakBytes: 0, toCacheBytes: 0, cachedShare: 1, ...more },
  },
});
const BEGINNING = { epoch: 0, batch: 0 };
const END = 3 + 50 * 0.5;

it("adds steps, validation after each epoch and the predictions at the end", () => {
  const predicting = 4 * 13 + END;
  expect(expectedSeconds(configOf(), known([tried({})]), BEGINNING)).toEqual({
    ...{ all: 40 * 2 + predicting, predicting },
  });
});

it("takes what is left of a run that is resumed within an epoch", () => {
  const predicting = 2 * 13 + END;
  expect(expectedSeconds(configOf(), known([tried({})]), { epoch: 2, batch: 4 })).toEqual({
    ...{ all: 16 * 2 + predicting, predicting },
  });
  expect(expectedSeconds(configOf(), known([tried({})]), { epoch: 4, batch: 0 }).all).toBe(0);
});

it("takes the slower of steps and pictures, which come from files at first, later as far as the cache has them", () => {
  const slow = tried({ files: 6, cached: 1 });
  const training = (share: number) => {
    const { all, predicting } = expectedSeconds(configOf(), known([slow], { cachedShare: share }), BEGINNING);
    return all - predicting;
  };
  expect(training(1)).toBe(10 * 6 + 30 * 2);
  expect(training(0.5)).toBe(10 * 6 + 30 * 3.5);
});

it("takes sizes between two that were tried from both, and one alone by pixels", () => {
  // Two seconds more for each 32 x 32 px: not in proportion.
  const both = [tried({ sizePx: 32, step: 2 }), tried({ sizePx: 64, step: 8, files: 0.8 })];
  expect(trialAt(both, { sizePx: 48, frozen: false })).toEqual({
    ...tried({ sizePx: 48, step: 2 + (5 / 12) * 6, files: expect.closeTo(0.5 + (5 / 12) * 0.3, 12) }),
  });
  expect(trialAt([tried({ step: 2 })], { sizePx: 32, frozen: false })).toEqual(
    tried({ sizePx: 32, step: 0.5 }),
  );
  const grown = configOf({ startSize: 32, phases: 3, epochs: 3 });
  const { all, predicting } = expectedSeconds(grown, known(both), BEGINNING);
  expect(all - predicting).toBeCloseTo(10 * 2 + 10 * 4.5 + 10 * 8, 10);
  expect(predicting).toBe(3 * 13 + END);
});

it("makes features once, over which heads learn and predict", () => {
  const frozen = tried({ frozen: true, step: 1, kept: 0.1 });
  const start = configOf({ frozenEpochs: 2 });
  const all = known([frozen, tried({})]);
  const predicting = 13 + 2 * 13 + END;
  expect(expectedSeconds(start, all, BEGINNING)).toEqual({
    ...{ all: expect.closeTo(10 * 1 + 10 * 0.1 + 20 * 2 + predicting, 10), predicting },
  });
  // Resumed in the second frozen epoch, whose features are there.
  const later = 2 * 13 + END;
  expect(expectedSeconds(start, all, { epoch: 1, batch: 5 })).toEqual({
    ...{ all: expect.closeTo(5 * 0.1 + 20 * 2 + later, 10), predicting: later },
  });
});
