// What is drawn over a frame in a real browser: the squares that are seen there are the ones that were cut, also where EXIF turns
// the frame and its annotation is of the pixels that are stored.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MODALITIES } from "../../src/core/words.ts";
import { imagePath, planLayout, rawAnnotations, rawFrame } from "../../src/dataset/layout.ts";
import { LEDGER_COLUMNS } from "../../src/dataset/ledger-columns.ts";
import { derive } from "../../src/derive/run/pipeline.ts";
import { cropName } from "../../src/derive/run/work.ts";
import type { TurnedSquare } from "../../src/find/hand-square.ts";
import { readCsv } from "../../src/formats/csv.ts";
import { turnBox, turnPoint } from "../../src/pixels/turns.ts";
import { differenceFrom } from "../cut-again.ts";
import { laySample } from "../sample.ts";
import { violations } from "./axe.ts";
import { CHROMIUM, windows } from "./browser.ts";

let root: string;
const at = (name: string) => join(root, name);
/** A frame that is stored upright, and one that is not. */
const ids = new Map<"plain" | "turned", { readonly id: string; readonly gesture: string }>();

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-frame-"));
  await laySample(at("raw"), { subjects: 14, framesPerSubject: 2, seed: 5 });
  const options = {
    hagridDir: at("raw"),
    gestures: "all" as const,
    seed: 1,
    faceLandmarksFile: at("raw/face_landmarks.json"),
  };
  await derive({ ...options, outDir: at("first") });
  const [plain, turned] = await keptRows(at("first"));
  await lay(turned!);
  await derive({ ...options, outDir: at("served/pairs") });
  ids.set("plain", plain!).set("turned", turned!);
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

async function keptRows(dir: string) {
  const rows = [];
  for await (const { values } of readCsv(join(dir, "ledger.csv"), LEDGER_COLUMNS))
    if (values.status === "kept")
      rows.push({ id: values.image_id, gesture: values.gesture, split: values.source_split as "train" });
  return rows;
}

/** Stores a frame lying on its side, with EXIF's note how to turn it, and its annotation in the pixels as they lie. */
async function lay({ id, gesture, split }: { id: string; gesture: string; split: "train" }): Promise<void> {
  const frame = rawFrame(at("raw"), gesture, id);
  const stored = await sharp(await readFile(frame)).rotate(-90).withMetadata({ orientation: 6 }).jpeg({ quality: 97 }); // biome-ignore format: a chain
  await writeFile(frame, await stored.toBuffer());
  const file = rawAnnotations(at("raw"), split, gesture);
  const records = JSON.parse(await readFile(file, "utf8")) as Record<
    string,
    { bboxes: [number, number, number, number][]; hand_landmarks: [number, number][][] }
  >;
  const own = records[id]!;
  own.bboxes = own.bboxes.map(([x, y, width, height]) => {
    const box = turnBox(8, { x, y, width, height });
    return [box.x, box.y, box.width, box.height];
  });
  own.hand_landmarks = own.hand_landmarks.map((points) =>
    points.map(([x, y]) => {
      const point = turnPoint(8, { x, y });
      return [point.x, point.y];
    }),
  );
  await writeFile(file, JSON.stringify(records));
}

/** A drawn square in px of the frame, from where it lies on the screen beside the frame's own picture. */
const drawnSquare = (page: Page, name: string) =>
  page.evaluate((which): TurnedSquare => {
    const image = document.querySelector<HTMLImageElement>(".pair-frame img")!;
    const { left, top, width, height } = image.getBoundingClientRect();
    const rect = document.querySelector<SVGRectElement>(`.pair-mark-${which} .pair-mark-square`)!;
    const [x, y, side] = [rect.x, rect.y, rect.width].map(({ baseVal }) => baseVal.value);
    const toScreen = rect.getScreenCTM()!;
    const corner = (u: number, v: number) => {
      const on = new DOMPoint(x! + u * side!, y! + v * side!).matrixTransform(toScreen);
      return {
        x: ((on.x - left) / width) * image.naturalWidth,
        y: ((on.y - top) / height) * image.naturalHeight,
      };
    };
    const [a, b, c] = [corner(0, 0), corner(1, 0), corner(1, 1)];
    return {
      centre: { x: (a.x + c.x) / 2, y: (a.y + c.y) / 2 },
      sidePx: Math.hypot(b.x - a.x, b.y - a.y),
      angle: Math.atan2(b.y - a.y, b.x - a.x),
    };
  }, name);

describe.skipIf(CHROMIUM === undefined)("the frame of a pair", () => {
  const { open } = windows(
    () => [at("served")],
    () => ({ hagrid: at("raw") }),
  );

  const opened = async (which: "plain" | "turned", window = {}) => {
    const { page } = await open("#/pairs", window);
    const href = await page.getAttribute(".things a", "href");
    const { id, gesture } = ids.get(which)!;
    await page.evaluate((to) => {
      location.hash = to;
    }, `${href}?pair=${id}`);
    await page.waitForSelector(".pair-mark-square");
    await page.waitForFunction(() => document.querySelector<HTMLImageElement>(".pair-frame img")?.complete);
    return { page, id, gesture };
  };

  it.each(["plain", "turned"] as const)("shows the squares that were cut: %s", async (which) => {
    const { page, id, gesture } = await opened(which);
    expect(await page.textContent("[data-column=image_id] td")).toBe(id);
    if (which === "turned") expect(await page.textContent("[data-column=annotated_in] td")).toBe("stored");
    for (const modality of MODALITIES) {
      const square = await drawnSquare(page, modality);
      const crop = imagePath(planLayout(at("served/pairs")), modality, cropName(modality, id));
      const frame = rawFrame(at("raw"), gesture, id);
      const far = await differenceFrom(frame, square, crop);
      const { centre } = square;
      const beside = { ...square, centre: { x: centre.x + 1, y: centre.y } };
      expect(far).toBeLessThan(1);
      expect(await differenceFrom(frame, beside, crop)).toBeGreaterThan(3 * far);
    }
    expect(await page.locator(".pair-mark-hand circle").count()).toBe(21);
    expect(await page.locator(".pair-mark-face circle").count()).toBe(5);
    expect(await page.textContent(".pair-frame figcaption")).toContain("solid: what the crops show");
  });

  it.each([{ width: 1400 }, { width: 390, dark: true }])("has nothing that axe finds: %o", async (window) => {
    const { page } = await opened("plain", window);
    expect(await violations(page)).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
  });
});
