import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withSimd } from "../../test/lent.ts";
import { shared, WHY_SKIPPED } from "../../test/shared.ts";
import { boxArea } from "../pixels/geometry.ts";
import { decodeImage } from "../pixels/image.ts";
import { type RgbImage, resizeBilinear } from "../pixels/pixels.ts";
import { CROP_PX, FACE_PADDING, faceChip, HAND_MARGIN, handCropFromBox, turnedCrop } from "./crops.ts";
import { locateHand } from "./hand-model.ts";
import { onGrid, squareFromLandmarks } from "./hand-square.ts";
import { openFaceDetector, openFinder, openHandDetector, openHandModel } from "./open.ts";

const folder = shared("data", "hagrid464", "images", "stop");
const onePhoto = async () => decodeImage(join(folder!, (await readdir(folder!)).sort()[0]!));

/** The photo and a copy of .8 of its size beside it, on grey: two people, one of them farther away. */
function withBystander(photo: RgbImage): RgbImage {
  const small = resizeBilinear(photo, Math.round(0.8 * photo.width), Math.round(0.8 * photo.height));
  const width = photo.width + small.width;
  const data = new Uint8Array(3 * width * photo.height).fill(128);
  for (const [part, left] of [
    [small, 0],
    [photo, small.width],
  ] as const) {
    for (let y = 0; y < part.height; y++) {
      const row = part.data.subarray(3 * part.width * y, 3 * part.width * (y + 1));
      data.set(row, 3 * (width * y + left));
    }
  }
  return { width, height: photo.height, data };
}

/** Compared as bytes: what differs between hundreds of thousands of numbers takes minutes to be put into words. */
function expectSame(got: RgbImage, wanted: RgbImage): void {
  expect([got.width, got.height]).toEqual([wanted.width, wanted.height]);
  expect(Buffer.from(got.data).equals(wanted.data as Uint8Array)).toBe(true);
}

describe("openFinder", () => {
  it("finds nothing on a plain picture", async () => {
    const finder = await openFinder({ modalities: ["hand", "face"] });
    const plain = { width: 300, height: 200, data: new Uint8Array(180_000).fill(90) };
    expect(await finder.find(plain, "face")).toBeUndefined();
    expect(await finder.find(plain, "hand")).toBeUndefined();
    await finder.close();
  });

  it("passes a missing model on", async () => {
    await expect(
      openFinder({ modalities: ["hand", "face"], handModel: "no-such.onnx" }),
    ).rejects.toMatchObject({ code: "FILE_MISSING" });
  });

  it.skipIf(folder === undefined)(`cuts what derivation cuts (${WHY_SKIPPED})`, async () => {
    const photo = await onePhoto();
    const [faces, hands] = await Promise.all([openFaceDetector(), openHandDetector()]);
    const [face] = await faces.detect(photo);
    const [hand] = (await hands.detect(photo)).sort((a, b) => boxArea(b.box) - boxArea(a.box));
    const finder = await openFinder({ modalities: ["hand", "face"] });
    const byBox = await openFinder({ modalities: ["hand"], handCrop: "box" });
    const model = await openHandModel();
    const { points } = (await locateHand(model, photo, hand!.box))!;
    const found = { face: await finder.find(photo, "face"), hand: await finder.find(photo, "hand") };
    expectSame(
      found.face!.crop,
      withSimd(photo, (picture) => faceChip(picture, face!.landmarks, CROP_PX, FACE_PADDING).copy()),
    );
    const square = onGrid(squareFromLandmarks(points));
    expectSame(
      found.hand!.crop,
      withSimd(photo, (picture) => turnedCrop(picture, square, CROP_PX).copy()),
    );
    expectSame(
      (await byBox.find(photo, "hand"))!.crop,
      withSimd(photo, (picture) => handCropFromBox(picture, hand!.box, CROP_PX, HAND_MARGIN).copy()),
    );
    expect(found.hand!.box).toEqual(hand!.box);
    await Promise.all([faces, hands, finder, byBox, model].map((opened) => opened.close()));
  });

  it.skipIf(folder === undefined)(
    `takes the largest face, and counts the others (${WHY_SKIPPED})`,
    async () => {
      const photo = await onePhoto();
      const finder = await openFinder({ modalities: ["face"] });
      const alone = await finder.find(photo, "face");
      const among = await finder.find(withBystander(photo), "face");
      expect(alone!.among).toBe(1);
      expect(among!.among).toBe(2);
      expect(among!.box.x).toBeGreaterThan(0.8 * photo.width);
      await finder.close();
    },
  );
});
