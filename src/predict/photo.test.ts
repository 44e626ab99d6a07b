// One photo to its predictions: what is found is cut, predicted and reported; detectors stand in for real ones, which
// test/cli/predict.test.ts has on real photos.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blob } from "../../test/pictures.ts";
import { TINY, writeTiny } from "../../test/tiny-model.ts";
import type { Modality } from "../core/words.ts";
import type { Finder } from "../find/find.ts";
import { Pictures } from "../pixels/fast/pictures.ts";
import { encodePng } from "../pixels/image.ts";
import { resizeBilinear } from "../pixels/pixels.ts";
import { exportOnnx } from "./export.ts";
import { openWeights } from "./infer.ts";
import { openLocalPredictor } from "./local.ts";
import { predictPhoto } from "./photo.ts";
import type { Predictor } from "./predictor.ts";

const CROPS = { hand: blob("hand", 60), face: blob("face", 60) };
const BOX = { x: 3, y: 4, width: 20, height: 24 };

/** Finds these, and counts how often it was closed. */
function finderOf(...found: readonly Modality[]) {
  const counts = { closed: 0 };
  const finder: Finder = {
    pictures: new Pictures(),
    find: async (_photo, modality) =>
      found.includes(modality)
        ? {
            crop: CROPS[modality],
            box: BOX,
            square: { centre: { x: 13, y: 16 }, sidePx: 24, angle: 0 },
            score: 1,
            among: modality === "hand" ? 2 : 1,
          }
        : undefined,
    close: async () => {
      counts.closed++;
    },
  };
  return { finder, counts };
}

let dir = "";
let model: Predictor;
let photo: Uint8Array;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-photo-"));
  await writeTiny(join(dir, "m.safetensors"));
  model = await openLocalPredictor(join(dir, "m.safetensors"), { threads: 1 });
  photo = await encodePng(blob("photo", 90));
  await writeFile(join(dir, "p.png"), photo);
});
afterAll(async () => {
  await model.close();
  await rm(dir, { recursive: true });
});

describe("openLocalPredictor", () => {
  it("opens a checkpoint and an exported file, which say the same as the weights themselves", async () => {
    const weights = await writeTiny(join(dir, "again.safetensors"));
    await writeFile(join(dir, "m.onnx"), exportOnnx({ facts: TINY, weights }).bytes);
    const all = [await openWeights(TINY, weights, { batch: 1, threads: 1 }), model];
    all.push(await openLocalPredictor(join(dir, "m.onnx"), { threads: 1 }));
    const predicted = await Promise.all(all.map((one) => one.predict([CROPS.hand], "auto")));
    for (const [one] of predicted) expect(one!.logit).toBeCloseTo(predicted[0]![0]!.logit, 5);
    await Promise.all([all[0]!.close(), all[2]!.close()]);
  });

  it("refuses what is not there", async () => {
    await expect(openLocalPredictor(join(dir, "none"))).rejects.toThrow(
      /^Expected a checkpoint or run folder/,
    );
  });
});

describe("predictPhoto", () => {
  it("predicts each crop that is found, and reports where it lay", async () => {
    const { finder, counts } = finderOf("hand", "face");
    const notes: string[] = [];
    const report = (text: string) => notes.push(text);
    const path = join(dir, "p.png");
    const rows = await predictPhoto(path, { model, finder, report });
    const wanted = await model.predict([CROPS.hand, CROPS.face], "auto");
    expect(rows.map(({ found, box, image }) => ({ found, box, image }))).toEqual([
      { found: "hand", box: BOX, image: path },
      { found: "face", box: BOX, image: path },
    ]);
    expect(rows.map(({ probability }) => probability)).toEqual(wanted.map(({ probability }) => probability));
    expect(wanted[0]!.probability).not.toBe(wanted[1]!.probability);
    expect(notes).toEqual([`${path}: 2 hands found, the largest is used`]);
    expect(counts.closed).toBe(0); // it is the caller's
  });

  it("takes bytes, and one modality, whose head then answers", async () => {
    const [row, ...rest] = await predictPhoto(photo, {
      model,
      modality: "face",
      finder: finderOf("face").finder,
    });
    const [wanted] = await model.predict([CROPS.face], "face");
    expect(rest).toEqual([]);
    expect(row).toMatchObject({
      image: "the photo",
      head: "face",
      probability: wanted!.probability,
      decision: wanted!.probability >= 0.5 ? "male" : "female",
    });
  });

  it("reports that nothing is found, or that the bytes are no image", async () => {
    const { finder } = finderOf();
    await expect(predictPhoto(photo, { model, finder })).rejects.toMatchObject({
      kind: "data",
      code: "NO_FACE_OR_HAND",
      message: "Expected a hand or face in the photo, got none that can be used in its 90 x 90 px",
    });
    await expect(predictPhoto(photo, { model, finder, modality: "hand" })).rejects.toThrow(
      /^Expected a hand in the photo, got none/,
    );
    await expect(predictPhoto(new TextEncoder().encode("text"), { model, finder })).rejects.toMatchObject({
      code: "IMAGE_FORMAT",
    });
  });

  it("takes a crop as it is", async () => {
    const [row] = await predictPhoto(photo, { model, detect: false });
    const { sizePx } = TINY.pixels;
    const small = resizeBilinear(blob("photo", 90), sizePx, sizePx);
    const [wanted] = await model.predictPixels(small.data as Uint8Array, ["auto"]);
    expect(row).toMatchObject({ image: "the photo", probability: wanted!.probability });
    expect(row).not.toHaveProperty("found");
  });
});
