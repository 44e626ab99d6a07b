import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blob } from "../../test/pictures.ts";
import { shared, WHY_SKIPPED } from "../../test/shared.ts";
import { TINY, writeTiny } from "../../test/tiny-model.ts";
import type { Finder } from "../find/find.ts";
import { PACKAGED_MODELS } from "../find/models.ts";
import { openFinder as openLocalFinder } from "../find/open.ts";
import { readPackaged } from "../find/packaged.ts";
import { decodeImage, encodeJpeg, encodePng } from "../pixels/image.ts";
import { type FinderFiles, openFinder, openPredictor, predictPhoto } from "./index.ts";
import { openWeights } from "./infer.ts";
import { predictPhoto as predictLocally } from "./photo.ts";
import type { Predictor } from "./predictor.ts";
import { type PreparedCrop, prepareCrops } from "./prepare.ts";

let dir = "";
let models: FinderFiles = {};
let finder: Finder;
let model: Predictor;
let local: Predictor;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "browser-photo-"));
  const weights = await writeTiny(join(dir, "tiny.safetensors"));
  const files = await Promise.all(
    PACKAGED_MODELS.map(async (name) => [name, (await readPackaged(name)).bytes]),
  );
  models = Object.fromEntries(files) as FinderFiles;
  finder = await openFinder({ ort, models });
  model = await openPredictor({
    checkpoint: new Uint8Array(await readFile(join(dir, "tiny.safetensors"))),
    ort,
  });
  local = await openWeights(TINY, weights, { batch: 1 });
});
afterAll(async () => {
  await Promise.all([finder.close(), model.close(), local.close()]);
  await rm(dir, { recursive: true });
});

const folder = shared("data", "hagrid464", "images", "palm");

describe("predictPhoto in a page", () => {
  it.skipIf(folder === undefined)(
    `cuts the same bytes out of real frames as Node does, and predicts the same (${WHY_SKIPPED})`,
    async () => {
      const onDisk = await openLocalFinder({ modalities: ["hand", "face"] });
      const paths = (await readdir(folder!)).sort().slice(0, 6);
      let crops = 0;
      for (const path of paths) {
        const bytes = new Uint8Array(await readFile(join(folder!, path)));
        const pixels = await decodeImage(bytes);
        for (const modality of ["hand", "face"] as const) {
          const [here, there] = [await finder.find(pixels, modality), await onDisk.find(pixels, modality)];
          expect(here?.square).toEqual(there?.square);
          if (here === undefined || there === undefined) continue;
          expect(Buffer.from(here.crop.data).equals(there.crop.data as Uint8Array)).toBe(true);
          crops++;
        }
        const answers = await predictPhoto(bytes, { model, finder, name: path });
        const wanted = await predictLocally(bytes, { model: local, finder: onDisk });
        expect(answers).toHaveLength(wanted.length);
        answers.forEach(({ probability, found }, i) => {
          expect(probability).toBeCloseTo(wanted[i]!.probability, 5);
          expect(found).toBe(wanted[i]!.found);
        });
      }
      expect(crops).toBeGreaterThan(paths.length);
      await onDisk.close();
    },
  );

  it("predicts a crop as it is, of a plain JPEG by itself and of other files by the decoder that is given", async () => {
    const pixels = blob("crop", 64);
    const jpeg = await encodeJpeg(pixels);
    const [answer] = await predictPhoto(jpeg, { model, detect: false, modality: "hand" });
    const [wanted] = await predictLocally(jpeg, { model: local, detect: false, modality: "hand" });
    expect(answer!.probability).toBeCloseTo(wanted!.probability, 5);
    expect(answer!.uncropped).toBeUndefined();
    const png = await encodePng(pixels);
    const [same] = await predictPhoto(png, { model, detect: false, modality: "hand", decode: decodeImage });
    const [lossless] = await predictLocally(png, { model: local, detect: false, modality: "hand" });
    expect(same!.probability).toBeCloseTo(lossless!.probability, 5);
    await expect(predictPhoto(png, { model, detect: false, name: "a.png" })).rejects.toMatchObject({
      code: "IMAGE_FORMAT",
      message: expect.stringMatching(/^Expected a JPEG of one scan.*a\.png/),
    });
  });

  it("takes pixels that are known, and does not decode their file", async () => {
    const never = async () => {
      throw new Error("It was decoded");
    };
    const search = async () => finder;
    const pixels = await decodeImage(await encodeJpeg(blob("crop", 32)));
    const asking = {
      facts: TINY,
      modality: "hand",
      detect: false,
      report: () => undefined,
      decode: never,
    } as const;
    const given = await prepareCrops(search, "crop.jpg", new Uint8Array(3), { ...asking, pixels });
    expect(given).toMatchObject([{ image: "crop.jpg" }]);
    expect([...(given as PreparedCrop[])[0]!.pixels]).toEqual([...pixels.data]);
    const photo = { ...asking, detect: true, pixels };
    expect(await prepareCrops(search, "crop.jpg", new Uint8Array(3), photo)).toMatchObject({
      code: "NO_HAND",
    });
  });

  it("says that an oblong crop seems to be a photo, also without a finder", async () => {
    const wide = { width: 96, height: 64, data: new Uint8Array(3 * 96 * 64).fill(80) };
    const [answer] = await predictPhoto(await encodeJpeg(wide), { model, detect: false, modality: "hand" });
    expect(answer!.uncropped).toBe("its sides are 96 and 64 px, where crops are square");
  });

  it("finds nothing in a plain picture, and says so", async () => {
    const plain = await encodeJpeg({ width: 200, height: 120, data: new Uint8Array(72_000).fill(90) });
    await expect(predictPhoto(plain, { model, finder })).rejects.toMatchObject({ code: "NO_FACE_OR_HAND" });
  });

  it("refuses a search without a finder, a finder without models, and another model's file", async () => {
    await expect(predictPhoto(new Uint8Array(9), { model })).rejects.toThrow(
      /^Expected what openFinder gives for finder, got "nothing"/,
    );
    await expect(openFinder({ ort, models: { palms: models.palms! } })).rejects.toThrow(
      /^Expected faces, or palms and landmarks for models, got "palms"/,
    );
    await expect(openFinder({ ort, models: { faces: models.palms! } })).rejects.toMatchObject({
      code: "FACE_MODEL",
    });
  });
});
