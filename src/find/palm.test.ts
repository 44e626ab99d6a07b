import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../test/shared.ts";
import { createSession } from "../engine/runtime/open-session.ts";
import { Tensor } from "../engine/runtime/session.ts";
import { importTflite } from "../engine/tflite/import.ts";
import { encodeModel } from "../formats/onnx.ts";
import { readTflite } from "../formats/tflite.ts";
import { anchorCentres } from "./mediapipe.ts";
import { readPackaged } from "./packaged.ts";
import { PALM, wholeHand } from "./palm.ts";

describe("the packaged palm detector", () => {
  it("has one anchor a row of its outputs", () => {
    expect(anchorCentres(PALM)).toHaveLength(2 * 2016);
  });

  const peer = shared("models", "mediapipe_onnx", "palm_detection_lite.onnx");
  it.skipIf(peer === undefined)(`computes what the reference ONNX computes (${WHY_SKIPPED})`, async () => {
    const { bytes } = await readPackaged("palms");
    const own = await createSession(encodeModel(importTflite(readTflite(bytes))), { threads: 1 });
    const other = await createSession(new Uint8Array(await readFile(peer!)), { threads: 1 });
    const values = Float32Array.from({ length: 3 * 192 * 192 }, (_, i) => ((i * 7919) % 256) / 255);
    const feeds = { input_1: new Tensor("float32", values, [1, 3, 192, 192]) };
    const [a, b] = await Promise.all([own.run(feeds), other.run(feeds)]);
    for (const name of ["Identity", "Identity_1"]) {
      const [x, y] = [a[name]!.data as Float32Array, b[name]!.data as Float32Array];
      expect(x).toHaveLength(y.length);
      const worst = x.reduce((most, v, i) => Math.max(most, Math.abs(v - y[i]!)), 0);
      expect(worst).toBeLessThan(1e-3);
    }
    await Promise.all([own.release(), other.release()]);
  });
});

describe("wholeHand", () => {
  const palm = (middle: { x: number; y: number }) => ({
    score: 1,
    box: { x: 90, y: 90, width: 20, height: 20 },
    points: [{ x: 100, y: 100 }, { x: 0, y: 0 }, middle],
  });

  it("goes up from an upright palm, about twice its height", () => {
    const { x, y, width, height } = wholeHand(palm({ x: 100, y: 80 }));
    expect(width).toBeCloseTo(26.2);
    expect(height).toBeCloseTo(44.8);
    expect(x + width / 2).toBeCloseTo(100);
    expect(y + height / 2).toBeCloseTo(90.6);
  });

  it("turns with the hand", () => {
    const { x, y, width, height } = wholeHand(palm({ x: 130, y: 100 }));
    expect(x + width / 2).toBeCloseTo(109.4);
    expect(y + height / 2).toBeCloseTo(100);
    expect(width).toBeCloseTo(38.2);
    expect(height).toBeCloseTo(37.4);
  });

  it("stays finite where the points coincide", () => {
    expect(Object.values(wholeHand(palm({ x: 100, y: 100 }))).every(Number.isFinite)).toBe(true);
  });
});
