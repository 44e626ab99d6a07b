import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../test/shared.ts";
import { chooseHand } from "../derive/hagrid/pairing.ts";
import { type Box, boxIou, boxToPx } from "../pixels/geometry.ts";
import { decodeImage } from "../pixels/image.ts";
import { flipHorizontal } from "../pixels/pixels.ts";
import { PACKAGED } from "./models.ts";
import { openHandDetector } from "./open.ts";

const frames = shared("data", "hagrid464");
const model = shared("models", "hand_detector", "hand_detector.onnx");
const yunet = shared("models", "yunet", "yunet_n_dynamic.onnx");
const STEP = 10; // every tenth of the 464 frames

interface Annotation {
  readonly bboxes: readonly [number, number, number, number][];
  readonly labels: readonly string[];
}

/** The gesture's box in every tenth frame. */
async function references(): Promise<{ path: string; box: Box<"rel"> }[]> {
  const found: { path: string; box: Box<"rel"> }[] = [];
  for (const split of ["test", "val"]) {
    const folder = join(frames!, "annotations", split);
    for (const name of (await readdir(folder)).sort()) {
      const gesture = name.replace(".json", "");
      const all: Record<string, Annotation> = JSON.parse(await readFile(join(folder, name), "utf8"));
      for (const [id, { bboxes, labels }] of Object.entries(all)) {
        const boxes = bboxes.map(([x, y, width, height]) => ({ x, y, width, height }));
        const own = chooseHand({ boxes, labels, gesture });
        if (own === undefined) continue;
        found.push({ path: join(frames!, "images", gesture, `${id}.jpg`), box: boxes[own]! });
      }
    }
  }
  return found.filter((_, i) => i % STEP === 0);
}

const holds = (outer: Box<"px">, inner: Box<"px">) => {
  const [x, y] = [inner.x + inner.width / 2, inner.y + inner.height / 2];
  return x > outer.x && x < outer.x + outer.width && y > outer.y && y < outer.y + outer.height;
};

/** Share of gesture boxes matched by a detection. */
async function recall(path?: string) {
  const detector = await openHandDetector(path === undefined ? {} : { model: path });
  const all = await references();
  let overlap = 0;
  let centre = 0;
  for (const { path: file, box } of all) {
    const image = await decodeImage(file);
    const own = boxToPx(box, image.width, image.height);
    const hands = await detector.detect(image);
    if (hands.some((hand) => boxIou(hand.box, own) >= 0.5)) overlap++;
    if (hands.some((hand) => holds(own, hand.box))) centre++;
  }
  await detector.close();
  return { count: all.length, overlap: overlap / all.length, centre: centre / all.length };
}

describe("MediaPipe's palm detector", () => {
  it("records what it is, and finds nothing on a plain picture", async () => {
    const detector = await openHandDetector();
    expect(detector.recipe).toEqual({
      name: "mediapipe-palm-lite/1",
      sha256: PACKAGED.palms.sha256,
      inputPx: 192,
    });
    expect(await detector.detect({ width: 50, height: 20, data: new Uint8Array(3000).fill(90) })).toEqual([]);
    await detector.close();
  });

  // Over all 464 frames: .856 by overlap, .914 by centre.
  it.skipIf(frames === undefined)(`finds the gesture hands of real frames (${WHY_SKIPPED})`, async () => {
    const { count, overlap, centre } = await recall();
    expect(count).toBe(47);
    expect(overlap).toBeGreaterThan(0.78);
    expect(centre).toBeGreaterThan(0.85);
  });

  it.skipIf(frames === undefined)(`mirrors its boxes with the photo (${WHY_SKIPPED})`, async () => {
    const detector = await openHandDetector();
    const photo = await decodeImage((await references())[0]!.path);
    const [hand] = await detector.detect(photo);
    const [mirror] = await detector.detect(flipHorizontal(photo));
    const { x, y, width, height } = hand!.box;
    expect(boxIou(mirror!.box, { x: photo.width - x - width, y, width, height })).toBeGreaterThan(0.75);
    await detector.close();
  });
});

describe("a hand model from a path", () => {
  // Over all 464 frames: .916 by overlap, .922 by centre.
  it.skipIf(frames === undefined || model === undefined)(
    `finds the gesture hands of real frames (${WHY_SKIPPED})`,
    async () => {
      const { overlap, centre } = await recall(model);
      expect(overlap).toBeGreaterThan(0.85);
      expect(centre).toBeGreaterThan(0.85);
    },
  );

  it.skipIf(yunet === undefined)(`is refused if it finds other things (${WHY_SKIPPED})`, async () => {
    await expect(openHandDetector({ model: yunet! })).rejects.toMatchObject({
      kind: "data",
      code: "HAND_MODEL",
      message: expect.stringMatching(
        /^Expected a hand detector \(outputs boxes, labels, scores\) for --hand-model/,
      ),
    });
  });

  describe("is refused", () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "facehand-"));
    });
    afterAll(() => rm(folder, { recursive: true }));

    it("if it is not there", async () => {
      await expect(openHandDetector({ model: join(folder, "no.onnx") })).rejects.toMatchObject({
        code: "FILE_MISSING",
        message: expect.stringContaining("Expected the hand model at "),
      });
    });

    it("if it is no model", async () => {
      const path = join(folder, "text.onnx");
      await writeFile(path, "<html>quota exceeded</html>");
      await expect(openHandDetector({ model: path })).rejects.toMatchObject({ code: "MODEL_REFUSED" });
    });
  });
});
