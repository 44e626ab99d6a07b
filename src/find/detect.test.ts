import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../test/shared.ts";
import { encodeModel } from "../formats/onnx.ts";
import { type Box, boxArea, boxIou, distance } from "../pixels/geometry.ts";
import { decodeImage } from "../pixels/image.ts";
import { flipHorizontal, type RgbImage, resizeBilinear } from "../pixels/pixels.ts";
import { type Face, type FaceDetector, openFaceDetectorOn } from "./detect.ts";
import { anchorCentres, FULL_RANGE } from "./mediapipe.ts";
import { PACKAGED } from "./models.ts";
import { LOCAL, openFaceDetector } from "./open.ts";

interface Reference {
  readonly file: string;
  readonly faces: readonly { box: [number, number, number, number]; kps: [number, number][] }[];
}

const frames = shared("data", "hagrid464");
const yunet = shared("models", "yunet", "yunet_n_dynamic.onnx");
const STEP = 12; // every twelfth of the 464 frames, where a part is enough

const largest = <F extends { readonly box: Box<"px"> }>(faces: readonly F[]) =>
  [...faces].sort((a, b) => boxArea(b.box) - boxArea(a.box))[0];

const readRgb = (file: string) => decodeImage(join(frames!, "images", file));

/** The picture under a grey band. */
function below(image: RgbImage, bandPx: number): RgbImage {
  const data = new Uint8Array(image.data.length + 3 * image.width * bandPx).fill(128);
  data.set(image.data, 3 * image.width * bandPx);
  return { width: image.width, height: image.height + bandPx, data };
}

async function references(step = STEP): Promise<Reference[]> {
  const all: Record<string, Reference> = JSON.parse(
    await readFile(join(frames!, "yunet_faces.json"), "utf8"),
  );
  return Object.values(all).filter((r, i) => i % step === 0 && r.faces.length > 0);
}

/** Share of frames whose largest face is found, and the faces matched with their reference. */
async function compare(detector: FaceDetector, step = STEP) {
  const matched: { face: Face; kps: readonly [number, number][] }[] = [];
  const all = await references(step);
  for (const r of all) {
    const wanted = largest(
      r.faces.map(({ box: [x, y, width, height], kps }) => ({ box: { x, y, width, height }, kps })),
    )!;
    const face = largest(await detector.detect(await readRgb(r.file)));
    if (face && boxIou(face.box, wanted.box) >= 0.5) matched.push({ face, kps: wanted.kps });
  }
  return { share: matched.length / all.length, matched, count: all.length };
}

/** Median distance of a landmark from the reference's, in widths of the face. */
function medianError(
  matched: Awaited<ReturnType<typeof compare>>["matched"],
  name: "rightEye" | "leftEye" | "nose",
) {
  const index = { rightEye: 0, leftEye: 1, nose: 2 }[name];
  const errors = matched.map(({ face, kps }) => {
    const [x, y] = kps[index]!;
    return distance(face.landmarks[name], { x, y }) / face.box.width;
  });
  return errors.sort((a, b) => a - b)[errors.length >> 1]!;
}

describe("MediaPipe's full-range detector", () => {
  let detector: FaceDetector;
  beforeAll(async () => {
    detector = await openFaceDetector();
  });
  afterAll(() => detector.close());

  it("records what it is", () => {
    expect(detector.recipe).toEqual({
      name: "mediapipe-full-range/1",
      sha256: PACKAGED.faces.sha256,
      inputPx: 192,
    });
  });

  it("refuses another file under its name", async () => {
    const packaged = async () => ({ bytes: Uint8Array.of(1), sha256: "4bf5122f", where: "another" });
    await expect(openFaceDetectorOn({ ...LOCAL, packaged })).rejects.toMatchObject({
      code: "FACE_MODEL",
      message: expect.stringMatching(/^Expected sha256 99bf94.* for the face detector, got "4bf5122f/),
    });
  });

  it("finds nothing on a plain picture", async () => {
    expect(await detector.detect({ width: 50, height: 20, data: new Uint8Array(3000).fill(90) })).toEqual([]);
  });

  it.skipIf(frames === undefined)(`agrees with YuNet on all real frames (${WHY_SKIPPED})`, async () => {
    const { share, matched, count } = await compare(detector, 1);
    expect(count).toBe(461); // the frames in which YuNet found a face
    expect(share).toBeGreaterThanOrEqual(0.95);
    for (const name of ["rightEye", "leftEye", "nose"] as const) {
      expect(medianError(matched, name)).toBeLessThan(0.07);
    }
    const below = matched.filter((m) => m.face.landmarks.mouth!.y > m.face.landmarks.nose.y);
    expect(below.length / matched.length).toBeGreaterThan(0.95);
  });

  it.skipIf(frames === undefined)(
    `follows a photo that is scaled, shifted or mirrored (${WHY_SKIPPED})`,
    async () => {
      const photo = await readRgb((await references())[0]!.file);
      const [face] = (await detector.detect(photo)) as [Face];
      const [twice] = await detector.detect(
        below(resizeBilinear(photo, 2 * photo.width, 2 * photo.height), 900),
      );
      const { x, y, width, height } = face.box;
      const doubled = { x: 2 * x, y: 2 * y + 900, width: 2 * width, height: 2 * height };
      expect(boxIou(twice!.box, doubled)).toBeGreaterThan(0.75);
      const [mirror] = await detector.detect(flipHorizontal(photo));
      const seen = mirror!.landmarks.leftEye; // the mirror swaps sides
      const own = face.landmarks.rightEye;
      expect(distance(seen, { x: photo.width - own.x, y: own.y })).toBeLessThan(0.1 * face.box.width);
    },
  );
});

describe("YuNet", () => {
  it.skipIf(frames === undefined || yunet === undefined)(
    `gives the reference's faces (${WHY_SKIPPED})`,
    async () => {
      const detector = await openFaceDetector({ model: yunet! });
      const { share, matched } = await compare(detector);
      expect(share).toBeGreaterThanOrEqual(0.97);
      for (const name of ["rightEye", "leftEye", "nose"] as const) {
        expect(medianError(matched, name)).toBeLessThan(0.01);
      }
      expect(matched[0]!.face.landmarks.mouthRight!.x).toBeLessThan(matched[0]!.face.landmarks.mouthLeft!.x);
      expect(detector.recipe).toMatchObject({ name: "yunet/1", inputPx: 320 });
      await detector.close();
    },
  );

  describe("refuses", () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "facehand-"));
    });
    afterAll(() => rm(folder, { recursive: true }));

    it("a path without a file", async () => {
      await expect(openFaceDetector({ model: join(folder, "no.onnx") })).rejects.toMatchObject({
        code: "FILE_MISSING",
        message: expect.stringContaining("Expected the face model at "),
      });
    });

    it("a file that is not a model", async () => {
      const path = join(folder, "text.onnx");
      await writeFile(path, "<html>quota exceeded</html>");
      await expect(openFaceDetector({ model: path })).rejects.toMatchObject({
        kind: "data",
        code: "MODEL_REFUSED",
      });
    });

    it("another model", async () => {
      const path = join(folder, "other.onnx");
      const value = (name: string) => ({ name, dtype: "float32", dims: [1] }) as const;
      const graph = {
        name: "g",
        nodes: [{ name: "n", op: "Abs", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} }],
        initializers: [],
        inputs: [value("x")],
        outputs: [value("y")],
      };
      const opsets = [{ domain: "", version: 17 }];
      await writeFile(path, encodeModel({ irVersion: 8, producer: "test", opsets, metadata: {}, graph }));
      await expect(openFaceDetector({ model: path })).rejects.toMatchObject({
        code: "FACE_MODEL",
        message: expect.stringMatching(
          /^Expected a YuNet model \(outputs cls_8, .*\) for --face-model, got "y"/,
        ),
      });
    });
  });
});

describe("anchorCentres", () => {
  it("full range: the centres of a 48 by 48 grid", () => {
    const centres = anchorCentres(FULL_RANGE);
    expect(centres).toHaveLength(2 * 2304);
    expect(Array.from(centres.subarray(0, 4))).toEqual([0.5, 0.5, 1.5, 0.5].map((v) => Math.fround(v / 48)));
    expect(Array.from(centres.subarray(-2))).toEqual([47.5, 47.5].map((v) => Math.fround(v / 48)));
  });

  it("short range: layers of one stride lie interleaved", () => {
    const model = {
      inputPx: 128,
      inputMin: -1 as const,
      points: 6,
      strides: [8, 16, 16, 16],
      anchorsPerLayer: 2,
      minScore: 0.5,
    };
    const centres = anchorCentres(model);
    expect(centres).toHaveLength(2 * 896);
    expect(Array.from(centres.subarray(0, 6))).toEqual([0.5, 0.5, 0.5, 0.5, 1.5, 0.5].map((v) => v / 16));
    expect(Array.from(centres.subarray(2 * 512 + 10, 2 * 512 + 14))).toEqual(
      [0.5, 0.5, 1.5, 0.5].map((v) => v / 8),
    );
  });
});
