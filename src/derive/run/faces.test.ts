import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../../test/shared.ts";
import { decodeImage } from "../../pixels/image.ts";
import { readAnnotations } from "../hagrid/annotations.ts";
import { annotatedFaces, detectedFaces } from "./faces.ts";

const POINTS = [
  [0.6, 0.3],
  [0.5, 0.3],
  [0.3, 0.3],
  [0.4, 0.3],
  [0.45, 0.5],
];
let path = "";
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "facehand-faces-")), "face_landmarks.json");
});

describe("annotatedFaces", () => {
  it("gives boxes and dlib's points in pixels, and none for frames it does not know", async () => {
    await writeFile(path, JSON.stringify({ a: [{ box: [0.25, 0.125, 0.5, 0.5], points: POINTS }], b: [] }));
    const faces = await annotatedFaces(path);
    const image = { width: 200, height: 400, data: new Uint8Array(0) };
    const [face] = await faces.find(image, "a");
    expect(face?.box).toEqual({ x: 50, y: 50, width: 100, height: 200 });
    expect(face?.landmarks).toMatchObject({ leftEyeOuter: { x: 120, y: 120 }, noseBase: { x: 90, y: 200 } });
    expect([await faces.find(image, "b"), await faces.find(image, "c")]).toEqual([[], []]);
  });

  it("refuses entries of another shape, naming the image and the key", async () => {
    await writeFile(path, JSON.stringify({ a: [{ box: [0, 0, 0.5, 0.5], points: POINTS.slice(1) }] }));
    await expect(annotatedFaces(path)).rejects.toMatchObject({
      code: "ANNOTATION_INVALID",
      message: expect.stringMatching(
        /^Expected .* for 0\.points.*, got .* \(.*face_landmarks\.json, image a\)/,
      ),
    });
  });
});

const real = shared("data", "hagrid464");
describe.skipIf(real === undefined)(`detectedFaces (${WHY_SKIPPED})`, () => {
  it("gives each of several frames at once its own faces", async () => {
    const images = [];
    for await (const { path: file } of readAnnotations(real!, { gestures: ["palm"] })) {
      if (images.length < 5) images.push(await decodeImage(file));
    }
    const faces = await detectedFaces(undefined, 2);
    const together = await Promise.all(images.map((image) => faces.find(image, "")));
    for (const [i, image] of images.entries()) expect(together[i]).toEqual(await faces.find(image, ""));
    await faces.close();
    expect(new Set(together.map(([face]) => face?.box.x)).size).toBe(5);
  });
});
