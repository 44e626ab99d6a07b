// Predict in a real browser: a run's checkpoint, crops of every kind of file and real photos, with the figures of Node.
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MODALITIES } from "../../src/core/words.ts";
import type { Finder } from "../../src/find/find.ts";
import { openFinder } from "../../src/find/open.ts";
import { exportOnnx } from "../../src/predict/export.ts";
import { openWeights } from "../../src/predict/infer.ts";
import { predictPhoto } from "../../src/predict/photo.ts";
import type { Predictor } from "../../src/predict/predictor.ts";
import { blob } from "../pictures.ts";
import { shared, WHY_SKIPPED } from "../shared.ts";
import { TINY, writeTiny } from "../tiny-model.ts";
import { violations } from "./axe.ts";
import { CHROMIUM, windows } from "./browser.ts";
import { layRun } from "./things.ts";

let root: string;
let model: Predictor;
let onnx: Uint8Array;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-browser-"));
  await layRun(join(root, "served/tiny"), { arch: "mag", seed: 42, gain: 2 });
  await layRun(join(root, "served/unready"), { seed: 42, gain: 2 });
  await mkdir(join(root, "served/tiny/checkpoints"));
  const weights = await writeTiny(join(root, "tiny.safetensors"));
  await copyFile(join(root, "tiny.safetensors"), join(root, "served/tiny/checkpoints/best.safetensors"));
  model = await openWeights(TINY, weights, { batch: 1 });
  onnx = exportOnnx({ facts: TINY, weights }).bytes;
});
afterAll(async () => {
  await model.close();
  await rm(root, { recursive: true, force: true });
});

const crop = () => {
  const { width, height, data } = blob("crop", 80);
  return sharp(data, { raw: { width, height, channels: 3 } });
};
/** Crops as files of every kind that is read. */
const FILES = {
  "baseline.jpg": () => crop().jpeg(),
  "progressive.jpg": () => crop().jpeg({ progressive: true }),
  "cmyk.jpg": () => crop().toColourspace("cmyk").jpeg(),
  "turned.jpg": () => crop().withMetadata({ orientation: 6 }).jpeg(),
  "crop.png": () => crop().png(),
  "crop.webp": () => crop().webp(),
} as const;

const frames = shared("data", "hagrid464", "images", "palm");

describe.skipIf(CHROMIUM === undefined)("predict", () => {
  const { open } = windows(() => [join(root, "served")]);
  const { open: openWhole } = windows(() => [join(root, "served")], undefined, { whole: true }); // with a camera

  /** The page with the run's model open. */
  const ready = async (window = {}, opens = open) => {
    const opened = await opens("#/predict", window);
    const { page } = opened;
    const select = runs(page);
    expect(await select.locator("option").allTextContents()).toEqual([
      "choose …",
      "tiny (test_efficientnet.none_F0_Af_Lb_Z0_gating=soft, seed 42)", // the other has no checkpoint
    ]);
    await select.selectOption({ index: 1 });
    await page.waitForSelector(".predict-facts");
    return opened;
  };

  const runs = (page: Page) => page.getByLabel("A run's best checkpoint");
  const give = (page: Page, name: string, buffer: Buffer) =>
    page.getByLabel(/Choose photos/).setInputFiles([{ name, mimeType: "image/*", buffer }]);
  const answered = async (page: Page, name: string) => {
    const article = page.getByRole("article", { name, exact: true });
    await article.and(page.locator("[aria-busy=false]")).waitFor();
    return article;
  };
  const figures = async (page: Page, name: string) => {
    const values = await (await answered(page, name)).locator(".predict-crop > div > p data").all();
    return Promise.all(values.map(async (value) => Number(await value.getAttribute("value"))));
  };

  it("says what went wrong with a file, and goes on with the next: crops of every kind as Node predicts them, by drop and by paste too", async () => {
    const { page } = await ready();
    await give(page, "text.jpg", Buffer.from("no picture"));
    const article = await answered(page, "text.jpg");
    expect(await article.getByRole("alert").textContent()).toContain("IMAGE_FORMAT");
    await give(page, "plain.png", await crop().blur(20).png().toBuffer());
    expect(await (await answered(page, "plain.png")).getByRole("alert").textContent()).toContain(
      "NO_FACE_OR_HAND",
    );
    await page.getByLabel(/Find the face/).uncheck();
    await page.getByLabel("What is predicted").selectOption("hand");
    for (const [name, make] of Object.entries(FILES)) {
      const bytes = await make().toBuffer();
      await give(page, name, bytes);
      const [wanted] = await predictPhoto(bytes, { model, detect: false, modality: "hand" });
      const got = await figures(page, name);
      expect([name, got.length]).toEqual([name, 1]);
      expect(Math.abs(got[0]! - wanted!.probability)).toBeLessThan(1e-5);
    }
    expect(await page.locator(".predict-crop").first().textContent()).toContain(
      "the hand head decided alone",
    );
    const base64 = (await FILES["crop.png"]().toBuffer()).toString("base64");
    for (const kind of ["drop", "paste"])
      await page.evaluate(
        ([data, event]) => {
          const bytes = Uint8Array.from(atob(data!), (letter) => letter.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], `${event}.png`, { type: "image/png" }));
          const init = { bubbles: true, cancelable: true };
          document.body.dispatchEvent(
            event === "drop"
              ? new DragEvent("drop", { ...init, dataTransfer: transfer })
              : new ClipboardEvent("paste", { ...init, clipboardData: transfer }),
          );
        },
        [base64, kind],
      );
    for (const name of ["drop.png", "paste.png"]) expect(await figures(page, name)).toHaveLength(1);
  });

  it("shows what small changes do: mirrored and moved crops, and the crop itself as before; and is accessible", async () => {
    const { page } = await ready({ dark: true, width: 390, height: 800 });
    await page.getByLabel(/Find the face/).uncheck();
    await give(page, "crop.png", await FILES["crop.png"]().toBuffer());
    const [itself] = await figures(page, "crop.png");
    await page.getByText("What would change it").click();
    await page.waitForSelector(".predict-strip li");
    const strip = await page.locator(".predict-strip data").all();
    const values = await Promise.all(strip.map(async (one) => Number(await one.getAttribute("value"))));
    expect(values).toHaveLength(8);
    expect(values[0]).toBe(itself);
    expect(new Set(values).size).toBeGreaterThan(4);
    const accessible = async () => {
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    };
    await accessible();
    await page.setViewportSize({ width: 1400, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
    await accessible();
  });

  it("opens files, and answers nothing by the model before where the next one does not open", async () => {
    const { page } = await open("#/predict");
    const file = page.getByLabel(/^A checkpoint/);
    const foreign = { name: "foreign.safetensors", mimeType: "", buffer: Buffer.alloc(64) };
    await file.setInputFiles([foreign]);
    await page.waitForSelector(".predict-model [role=alert]");
    await file.setInputFiles([{ name: "model.onnx", mimeType: "", buffer: Buffer.from(onnx) }]);
    await page.waitForSelector(".predict-facts");
    await page.getByLabel(/Find the face/).uncheck();
    const bytes = await FILES["crop.png"]().toBuffer();
    await give(page, "crop.png", bytes);
    const [wanted] = await predictPhoto(bytes, { model, detect: false });
    expect(Math.abs((await figures(page, "crop.png"))[0]! - wanted!.probability)).toBeLessThan(1e-5);

    await runs(page).selectOption({ index: 1 });
    await page.waitForSelector(".predict-facts:has-text('tiny')");
    const files = ["1.png", "2.png", "3.png"].map((name) => ({ name, mimeType: "image/png", buffer: bytes }));
    // The second is read when the next model has been refused.
    await page.evaluate(() => {
      const own = Blob.prototype.arrayBuffer;
      const refused = () => document.querySelector(".predict-model [role=alert]") !== null;
      Blob.prototype.arrayBuffer = async function () {
        while (this instanceof File && this.name === "2.png" && !refused())
          await new Promise(requestAnimationFrame);
        return await own.call(this);
      };
    });
    await page.getByLabel(/Choose photos/).setInputFiles(files);
    await file.setInputFiles([foreign]); // while they are answered one by one
    for (const { name } of files) {
      const article = await answered(page, name);
      const by = await article.locator("h2 small").textContent();
      expect([by, await article.locator(".predict-crop").count()]).toEqual([by, by === "by tiny" ? 1 : 0]);
    }
  });

  it.skipIf(frames === undefined)(
    `finds, cuts and predicts real photos as Node does (${WHY_SKIPPED})`,
    async () => {
      const finder: Finder = await openFinder({ modalities: MODALITIES });
      const { page, asked } = await ready();
      for (const name of (await readdir(frames!)).sort().slice(0, 3)) {
        const bytes = await readFile(join(frames!, name));
        await give(page, name, bytes);
        const wanted = await predictPhoto(bytes, { model, finder });
        const got = await figures(page, name);
        expect(got).toHaveLength(wanted.length);
        got.forEach((value, i) => {
          expect(Math.abs(value - wanted[i]!.probability)).toBeLessThan(1e-5);
        });
        expect(await page.locator(".predict-marks g").count()).toBeGreaterThan(0);
      }
      expect(asked.filter((path) => path.startsWith("/api/detectors/"))).toHaveLength(3); // once for all photos
      await finder.close();
    },
  );

  it("takes a photo by the camera, which is off afterwards", async () => {
    const { page, context } = await ready({}, openWhole);
    await context.grantPermissions(["camera"]);
    await page.getByLabel(/Find the face/).uncheck();
    await page.keyboard.press("c");
    await page.waitForFunction(() => (document.querySelector("video")?.videoWidth ?? 0) > 0);
    await page.keyboard.press("c");
    expect(await figures(page, "camera.png")).toHaveLength(1);
    expect(await page.locator("video").count()).toBe(0);
    await context.clearPermissions();
  });
});
