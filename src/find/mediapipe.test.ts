import { expect, it } from "vitest";
import type { Session, Tensor } from "../engine/runtime/session.ts";
import { Pictures } from "../pixels/fast/pictures.ts";
import { FULL_RANGE, mediapipeDetector } from "./mediapipe.ts";

const SIDE = FULL_RANGE.inputPx;
const COORDS = 4 + 2 * FULL_RANGE.points;

/** A model whose detections follow `logits`, by anchor: boxes of 4 px about it, far apart from each other's. */
function sessionOf(logits: ReadonlyMap<number, number>, seen: Float32Array[]): Session {
  const scores = new Float32Array((SIDE / 4) ** 2).fill(-100);
  for (const [anchor, logit] of logits) scores[anchor] = logit;
  const boxes = new Float32Array(scores.length * COORDS);
  for (let i = 0; i < scores.length; i++) boxes.set([0, 0, 4, 4], i * COORDS);
  return {
    inputNames: ["input"],
    outputNames: ["boxes", "scores"],
    run: async (feeds, fetches) => {
      seen.push((feeds["input"]!.data as Float32Array).slice());
      const out = fetches as Record<string, Tensor>;
      (out["boxes"]!.data as Float32Array).set(boxes);
      (out["scores"]!.data as Float32Array).set(scores);
      return out;
    },
    release: async () => undefined,
  };
}

const pictures = new Pictures();
const grey = (width: number, height: number, level: number) =>
  pictures.photo({ width, height, data: new Uint8Array(width * height * 3).fill(level) });

it("keeps what its score allows, however near the logit is to the least", async () => {
  const least = Math.log(FULL_RANGE.minScore / (1 - FULL_RANGE.minScore));
  const around = [-1, -1e-4, -1e-6, -1e-7, 0, 1e-7, 1e-6, 1e-4, 1, 200].map((d) => Math.fround(least + d));
  const detect = mediapipeDetector(
    sessionOf(new Map(around.map((logit, k) => [10 * k, logit])), []),
    FULL_RANGE,
  );
  const scores = around.map((logit) => 1 / (1 + Math.exp(-Math.min(100, logit))));
  const passed = scores.filter((score) => score >= FULL_RANGE.minScore);
  expect(passed.length).toBeGreaterThan(4);
  expect(passed.length).toBeLessThan(around.length - 2);
  const found = await detect(grey(SIDE, SIDE, 0));
  expect(found.map(({ score }) => score)).toEqual(passed.sort((a, b) => b - a));
});

it("gives the model each photo on black, whatever the last one covered", async () => {
  const seen: Float32Array[] = [];
  const detect = mediapipeDetector(sessionOf(new Map(), seen), FULL_RANGE);
  await detect(grey(SIDE, SIDE, 255));
  expect(seen[0]!.every((v) => v === 1)).toBe(true);
  await detect(grey(SIDE, SIDE / 2, 255));
  expect(seen[1]!.filter((v) => v === 1)).toHaveLength((3 * SIDE * SIDE) / 2);
  expect(seen[1]!.filter((v) => v === -1)).toHaveLength((3 * SIDE * SIDE) / 2);
});
