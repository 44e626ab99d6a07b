import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../test/shared.ts";
import { readAnnotations } from "../derive/hagrid/annotations.ts";
import type { Frame } from "../derive/hagrid/frame.ts";
import { chooseHand } from "../derive/hagrid/pairing.ts";
import { createSession } from "../engine/runtime/open-session.ts";
import { Tensor } from "../engine/runtime/session.ts";
import { importTflite } from "../engine/tflite/import.ts";
import { encodeModel } from "../formats/onnx.ts";
import { readTflite } from "../formats/tflite.ts";
import { boxToPx, distance } from "../pixels/geometry.ts";
import { decodeImage } from "../pixels/image.ts";
import { flipHorizontal } from "../pixels/pixels.ts";
import { rotate } from "../pixels/rotate.ts";
import { type HandModel, landmarkFit, locateHand } from "./hand-model.ts";
import { squareFromLandmarks } from "./hand-square.ts";
import { openHandCutter, openHandModel } from "./open.ts";

const FILE = createRequire(import.meta.url).resolve("@mediapipe/hands/hand_landmark_lite.tflite");

let model: HandModel;
beforeAll(async () => {
  model = await openHandModel(1);
});
afterAll(() => model.close());

describe("the landmark model", () => {
  it("finds no hand in a plain picture, so that its box is what is left", async () => {
    const photo = { width: 300, height: 300, data: new Uint8Array(270_000).fill(120) };
    const box = { x: 100, y: 80, width: 90, height: 120 };
    expect(await locateHand(model, photo, box)).toBeUndefined();
    const cutter = await openHandCutter("landmarks", 1);
    const placed = await cutter.place(photo, box);
    expect(placed).toMatchObject({ from: "box", square: { centre: { x: 145, y: 140 }, angle: 0 } });
    expect(placed.square.sidePx).toBe(158.5); // 1.32 of 120 px, on the grid
    await cutter.close();
  });

  const peer = shared("models", "mediapipe_onnx", "hand_landmark_lite.onnx");
  it.skipIf(peer === undefined)(`computes what the reference ONNX computes (${WHY_SKIPPED})`, async () => {
    const bytes = new Uint8Array(await readFile(FILE));
    const own = await createSession(encodeModel(importTflite(readTflite(bytes))), { threads: 1 });
    const other = await createSession(new Uint8Array(await readFile(peer!)), { threads: 1 });
    const values = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => ((i * 7919) % 256) / 255);
    const feeds = { input_1: new Tensor("float32", values, [1, 3, 224, 224]) };
    const [a, b] = await Promise.all([own.run(feeds), other.run(feeds)]);
    for (const name of ["Identity", "Identity_1", "Identity_2", "Identity_3"]) {
      const [x, y] = [a[name]!.data as Float32Array, b[name]!.data as Float32Array];
      expect(x).toHaveLength(y.length);
      const worst = x.reduce((most, v, i) => Math.max(most, Math.abs(v - y[i]!)), 0);
      expect(worst).toBeLessThan(1e-3); // px of 224 for the first
    }
    await Promise.all([own.release(), other.release()]);
  });
});

describe("openHandCutter", () => {
  const photo = { width: 200, height: 200, data: new Uint8Array(120_000).fill(80) };
  const box = { x: 60, y: 40, width: 80, height: 100 };
  const hand = Array.from({ length: 21 }, (_, i) => ({ x: 65 + 3.5 * i, y: 135 - 4.5 * i }));

  it("does not use annotated landmarks that the picture does not show, however well they fill their box", async () => {
    for (const crop of ["landmarks", "box"] as const) {
      const cutter = await openHandCutter(crop, 1);
      const placed = await cutter.place(photo, box, hand);
      expect(placed).toMatchObject({ from: "box", misplaced: true });
      expect(placed.points).toBeUndefined();
      expect(placed.fit).toBeCloseTo((70 * 90) / 8000, 9);
      await cutter.close();
    }
  });

  it("does not use annotated landmarks of another place, and reports how badly they fit", async () => {
    const cutter = await openHandCutter("landmarks", 1);
    const placed = await cutter.place(
      photo,
      box,
      hand.map(({ x, y }) => ({ x: x + 90, y })),
    );
    expect(placed.from).toBe("box");
    expect(placed.fit).toBe(0);
    await cutter.close();
  });

  it("cuts by the box alone where that is asked for, without a model", async () => {
    const cutter = await openHandCutter("box", 1);
    expect([cutter.model, await cutter.place(photo, box)]).toEqual([
      undefined,
      { from: "box", square: { centre: { x: 100, y: 90 }, sidePx: 120, angle: 0 } },
    ]);
    await cutter.close();
  });
});

const real = shared("data", "hagrid464");
describe.skipIf(real === undefined)(`hands of real frames (${WHY_SKIPPED})`, () => {
  const frames: Frame[] = [];
  beforeAll(async () => {
    for await (const frame of readAnnotations(real!, { gestures: ["palm", "like", "dislike", "call"] })) {
      if (frames.length < 100 && frame.path.startsWith(join(real!, "images"))) frames.push(frame);
    }
  });
  const load = async (frame: Frame) => {
    const photo = await decodeImage(frame.path);
    return { photo, box: boxToPx(frame.boxes[chooseHand(frame)!]!, photo.width, photo.height) };
  };

  it("finds the hand in nearly every annotated box, also turned ones", { timeout: 60_000 }, async () => {
    let found = 0;
    for (const frame of frames) {
      const { photo, box } = await load(frame);
      const hand = await locateHand(model, photo, box);
      if (hand === undefined) continue;
      found++;
      expect(landmarkFit(hand.points, box)).toBeGreaterThanOrEqual(0.4);
    }
    expect(frames.length).toBeGreaterThan(60);
    expect(found / frames.length).toBeGreaterThanOrEqual(0.95);
  });

  it("gives the same hand of a frame that is mirrored or lies on its side", { timeout: 60_000 }, async () => {
    const errors: number[] = [];
    for (const frame of frames.filter(({ gesture }) => gesture === "palm").slice(0, 8)) {
      const { photo, box } = await load(frame);
      const side = Math.max(photo.width, photo.height);
      const square = pad(photo, side);
      const upright = (await locateHand(model, square, box))!;
      const mirrored = (await locateHand(model, flipHorizontal(square), {
        ...box,
        x: side - box.x - box.width,
      }))!;
      const lying = (await locateHand(model, rotate(square, 90), {
        ...{ x: box.y, y: side - box.x - box.width, width: box.height, height: box.width },
      }))!;
      for (const [i, { x, y }] of upright.points.entries()) {
        errors.push(distance(mirrored.points[i]!, { x: side - x, y }) / box.height);
        errors.push(distance(lying.points[i]!, { x: y, y: side - x }) / box.height);
      }
      const turned = squareFromLandmarks(lying.points).angle - squareFromLandmarks(upright.points).angle;
      expect(Math.cos(turned + Math.PI / 2)).toBeGreaterThan(0.97);
    }
    errors.sort((a, b) => a - b);
    expect(errors[Math.floor(0.9 * errors.length)]).toBeLessThan(0.06);
  });
});

/** The photo in the top-left corner of a grey square. */
function pad(photo: Awaited<ReturnType<typeof decodeImage>>, side: number) {
  const data = new Uint8Array(side * side * 3).fill(128);
  for (let y = 0; y < photo.height; y++) {
    data.set(photo.data.subarray(3 * photo.width * y, 3 * photo.width * (y + 1)), 3 * side * y);
  }
  return { width: side, height: side, data };
}
