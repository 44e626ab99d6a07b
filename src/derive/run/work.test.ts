// One frame by itself: what it leaves to the collector.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { blob } from "../../../test/pictures.ts";
import { lend } from "../../core/lend.ts";
import { MODALITIES } from "../../core/words.ts";
import { planLayout } from "../../dataset/layout.ts";
import { handRecipe } from "../../find/hand-source.ts";
import { openHandCutter } from "../../find/open.ts";
import { Pictures } from "../../pixels/fast/pictures.ts";
import { Scratch } from "../../pixels/fast/scratch.ts";
import { encodeJpeg } from "../../pixels/image.ts";
import type { Frame } from "../hagrid/frame.ts";
import type { FaceSource } from "./faces.ts";
import { type Tools, workFrame } from "./work.ts";

const FACE = {
  score: 0.9,
  box: { x: 90, y: 80, width: 120, height: 140 },
  landmarks: { rightEye: { x: 120, y: 130 }, leftEye: { x: 180, y: 128 }, nose: { x: 151, y: 165 } },
};
const detector = { name: "none", sha256: "", inputPx: 192 };
const faces: FaceSource = {
  recipe: detector,
  template: "dlib-eyes-nose",
  find: async () => [FACE],
  close: async () => undefined,
};

it("leaves the collector files and results, no pixels", async () => {
  const root = await mkdtemp(join(tmpdir(), "facehand-frame-"));
  const layout = planLayout(root);
  for (const modality of MODALITIES) await mkdir(layout.images[modality], { recursive: true });
  const file = await encodeJpeg(blob("frame", 400), { quality: 80 });
  await writeFile(join(root, "frame.jpg"), file);
  const hands = await openHandCutter("box", 1);
  const tools: Tools = {
    faces,
    hands,
    layout,
    withDesk: lend([{ pictures: new Pictures(), scratch: new Scratch() }]),
    limits: { minScore: 0.5, minPx: 20 },
    recipe: {
      ...{ version: 1, detector, sizePx: 300, outside: "black", jpeg: { quality: 80, chroma: "4:2:0" } },
      face: { template: faces.template, padding: 0.25, filter: "dlib-pyramid-bilinear" },
      hand: handRecipe(hands),
    },
  };
  const frame: Frame = {
    ...{ imageId: "a", gesture: "palm", split: "train", userId: "u", path: join(root, "frame.jpg") },
    ...{ boxes: [{ x: 0.6, y: 0.5, width: 0.2, height: 0.3 }], labels: ["palm"] },
  };
  try {
    const first = await workFrame(frame, false, tools);
    expect(first.crops).toEqual(["hand", "face"]);
    const sizes = [];
    for (let k = 0; k < 12; k++) {
      const before = process.memoryUsage().arrayBuffers;
      expect(await workFrame(frame, false, tools)).toEqual(first);
      sizes.push(process.memoryUsage().arrayBuffers - before); // less where it was collected in between
    }
    expect(sizes.sort((a, b) => a - b)[6]!).toBeLessThan(100_000 + file.length); // a crop alone is 270,000
  } finally {
    await rm(root, { recursive: true });
  }
});
