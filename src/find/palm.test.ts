import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../test/shared.ts";
import { createSession } from "../engine/runtime/open-session.ts";
import { Tensor } from "../engine/runtime/session.ts";
import { importTflite } from "../engine/tflite/import.ts";
import { encodeModel } from "../formats/onnx.ts";
import { readTflite } from "../formats/tflite.ts";
import { anchorCentres } from "./mediapipe.ts";
import { checkPalmModel, PALM, readPalmModel, unpackAsset, wholeHand } from "./palm.ts";

const loader = (table: unknown) =>
  `(function () {\n  throw new Error("this script is never run");\n  loadPackage(${JSON.stringify(table)});\n})();`;
const file = (filename: string, start: number, end: number) => ({ filename, start, end });
const TABLE = { files: [file("/a/one.txt", 0, 3), file("/b/two.bin", 3, 5)], remote_package_size: 5 };
const DATA = Uint8Array.of(1, 2, 3, 4, 5);

describe("unpackAsset", () => {
  it("cuts a file out of the data, by its table", () => {
    expect(unpackAsset(loader(TABLE), DATA, "one.txt")).toEqual(Uint8Array.of(1, 2, 3));
    expect(unpackAsset(loader(TABLE), DATA, "two.bin")).toEqual(Uint8Array.of(4, 5));
  });

  const beyond = { files: [file("/b/two.bin", 3, 6)], remote_package_size: 5 };
  it.each([
    ["a script without a table", "void 0;", DATA, /^Expected a table of packed files for two.bin, got/],
    ["data cut short", loader(TABLE), DATA.subarray(1), /^Expected 5 packed bytes for two.bin, got 4/],
    [
      "a file not packed",
      loader({ ...TABLE, files: [] }),
      DATA,
      /^Expected an entry in the table for two.bin/,
    ],
    ["a range beyond the data", loader(beyond), DATA, /^Expected a range inside the data for two.bin/],
  ])("refuses %s", (_, script, data, message) => {
    expect(() => unpackAsset(script, data, "two.bin")).toThrow(
      expect.objectContaining({ code: "PACKED_ASSETS", message: expect.stringMatching(message) }),
    );
  });

  it("refuses a table of another shape", () => {
    expect(() => unpackAsset(loader({ files: 1 }), DATA, "x")).toThrow(
      expect.objectContaining({ code: "JSON_SCHEMA" }),
    );
  });
});

describe("the packaged palm detector", () => {
  it("is the file this code decodes, and another is refused", async () => {
    const bytes = await readPalmModel();
    expect(bytes).toHaveLength(1_985_440);
    expect(() => checkPalmModel(bytes.subarray(1))).toThrow(
      expect.objectContaining({
        code: "HAND_MODEL",
        message: expect.stringMatching(/^Expected sha256 e9a4aadd.* for the hand detector, got/),
      }),
    );
  });

  it("is not any other model of the package", async () => {
    const path = createRequire(import.meta.url).resolve("@mediapipe/hands/hand_landmark_lite.tflite");
    const bytes = new Uint8Array(await readFile(path));
    expect(() => checkPalmModel(bytes)).toThrow(expect.objectContaining({ code: "HAND_MODEL" }));
  });

  it("has one anchor a row of its outputs", () => {
    expect(anchorCentres(PALM)).toHaveLength(2 * 2016);
  });

  const peer = shared("models", "mediapipe_onnx", "palm_detection_lite.onnx");
  it.skipIf(peer === undefined)(`computes what the reference ONNX computes (${WHY_SKIPPED})`, async () => {
    const own = await createSession(encodeModel(importTflite(readTflite(await readPalmModel()))), {
      threads: 1,
    });
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
