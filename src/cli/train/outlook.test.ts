// What train says of its length: by a clock that the test moves, against times worked out by hand.
import { expect, it } from "vitest";
import { parseTrainConfig } from "../../train/config.ts";
import { Outlook, stepsLines } from "./outlook.ts";

const TAG = "test_efficientnet.none_F1_Af_Lb_Z0";
const configOf = (more: object = {}) =>
  parseTrainConfig({
    ...{ arch: "umcc", tag: TAG, data: ["pairs:x"], imageSize: 64, epochs: 4, batch: 8 },
    ...more,
  });

/** Lines that steps of these seconds give, with their epoch and position. */
function linesOf(
  config: ReturnType<typeof configOf>,
  perEpoch: number,
  secondsAt: (epoch: number) => number,
) {
  let now = 0;
  const outlook = new Outlook(config, () => now);
  const lines: string[] = [];
  for (let epoch = 0; epoch < config.epochs; epoch++) {
    now += 500_000; // validation
    for (let batch = 1; batch <= perEpoch; batch++) {
      now += secondsAt(epoch) * 1000;
      const line = outlook.step({ epoch, batch }, perEpoch, 1.23e9);
      if (line !== undefined) lines.push(`${epoch}.${batch} ${line}`);
    }
  }
  return lines;
}

it("tells the end after some steps, once, validation left out", () => {
  // Six of 40 steps are done: 34 of 2 s.
  expect(linesOf(configOf(), 10, () => 2)).toEqual([
    "0.6 a step takes 2.0 s, memory so far 1.3 GB; the run's steps end in about 1:08, without validation",
  ]);
});

it("counts steps of larger pictures by their pixels", () => {
  // 14 steps of 1 s are left at 32 px, then 20 of 4 s at 64 px.
  const grown = configOf({ startSize: 32, phases: 2 });
  expect(linesOf(grown, 10, (epoch) => (epoch < 2 ? 1 : 4))).toEqual([
    "0.6 a step takes 1.0 s, memory so far 1.3 GB; the run's steps end in about 1:34, without validation",
  ]);
});

it("tells no end of a frozen start, whose features are made once, but of what follows", () => {
  expect(
    linesOf(configOf({ frozenEpochs: 2 }), 10, (epoch) => (epoch === 0 ? 1 : epoch === 1 ? 0.1 : 3)),
  ).toEqual([
    "0.6 a step takes 1.0 s, memory so far 1.3 GB; this epoch's steps end in about 0:04, later ones take features",
    "2.6 a step takes 3.0 s, memory so far 1.3 GB; the run's steps end in about 0:42, without validation",
  ]);
});

it("states steps before the first, and what would take less where there is something", () => {
  expect(stepsLines(configOf({ accumulate: 2 }), 10)).toEqual([
    "40 steps of 16 images, 10 an epoch; the expected end follows after some",
    "would take less: --start-size 32, as steps go by pixels",
  ]);
  const pretrained = configOf({
    tag: TAG.replace("test_efficientnet.none", "mobilenetv2_100.ra_in1k"),
    weights: "timm:mobilenetv2_100.ra_in1k",
  });
  expect(stepsLines(pretrained, 10)).toEqual([
    "40 steps of 8 images, 10 an epoch; the expected end follows after some",
    "would take less: --start-size 32, as steps go by pixels; Z2 and An in the tag: heads alone, on features made once",
  ]);
  const heads = configOf({ tag: TAG.replace("Af", "An").replace("Z0", "Z2") });
  expect(stepsLines(heads, 10)).toEqual([
    "40 steps of 8 images, 10 an epoch; the expected end follows after some",
  ]);
});
