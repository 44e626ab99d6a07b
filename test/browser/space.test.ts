// A model's own page behind a plain file server: predicts as Node does, with the headers that let it share memory and without them.
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { openWeights } from "../../src/predict/infer.ts";
import { predictPhoto } from "../../src/predict/photo.ts";
import type { Predictor } from "../../src/predict/predictor.ts";
import { runCli } from "../cli/run.ts";
import { blob } from "../pictures.ts";
import { TINY, writeTiny } from "../tiny-model.ts";
import { violations } from "./axe.ts";
import { CHROMIUM } from "./browser.ts";
import { serveFiles } from "./file-server.ts";
import { layRun } from "./things.ts";

let root: string;
let model: Predictor;
let head: { readonly custom_headers: Readonly<Record<string, string>> } & Readonly<Record<string, unknown>>;
let browser: Browser;
const servers: Server[] = [];
const space = () => join(root, "space");

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-space-"));
  const run = join(root, "secret-folder");
  await layRun(run, { arch: "mag", seed: 42, gain: 2 });
  await mkdir(join(run, "checkpoints"));
  const weights = await writeTiny(join(run, "checkpoints/best.safetensors"));
  model = await openWeights(TINY, weights, { batch: 1 });
  const flags = ["--title", "Hands: and faces", "--licence", "cc-by-sa-4.0", "--out", space()];
  const { stdout, code } = await runCli("release", "space", run, ...flags, "--json");
  expect(code).toBe(0);
  const { files } = JSON.parse(stdout) as { readonly files: number };
  const found = (await readdir(space(), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  expect(found).toHaveLength(files);
  head = parse((await readFile(join(space(), "README.md"), "utf8")).split("---\n")[1]!);
});
afterAll(async () => {
  await browser?.close();
  for (const server of servers) server.close();
  await model.close();
  await rm(root, { recursive: true, force: true });
});

async function open(headers: Readonly<Record<string, string>>): Promise<{ page: Page; faults: string[] }> {
  browser ??= await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox", "--disable-gpu"] });
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on("console", (line) => void (line.type() === "error" && faults.push(line.text())));
  page.on("pageerror", (error) => void faults.push(error.message));
  const { server, url } = await serveFiles(space(), headers);
  servers.push(server);
  await page.goto(url);
  await page.waitForSelector(".predict-facts"); // its only model opens by itself
  await page.getByLabel(/Find the face/).uncheck();
  return { page, faults };
}

const crop = () => {
  const { width, height, data } = blob("crop", 64);
  return sharp(data, { raw: { width, height, channels: 3 } });
};

async function answer(page: Page, name: string, buffer: Buffer) {
  await page.getByLabel(/Choose photos/).setInputFiles([{ name, mimeType: "image/*", buffer }]);
  const article = page.getByRole("article", { name, exact: true });
  await article.and(page.locator("[aria-busy=false]")).waitFor();
  return article;
}

describe("release space", () => {
  it("states what hosts need to know, and the label's note", async () => {
    expect(head).toMatchObject({ title: "Hands: and faces", sdk: "static", license: "cc-by-sa-4.0" });
    const readme = await readFile(join(space(), "README.md"), "utf8");
    expect(readme).toContain("apparent");
    expect(await readFile(join(space(), "MODEL_CARD.md"), "utf8")).toContain("# Model card");
    expect(await readFile(join(space(), "_headers"), "utf8")).toContain(
      "Cross-Origin-Opener-Policy: same-origin",
    );
  });

  it("publishes no prediction, no id and no folder's name", async () => {
    const things = await readFile(join(space(), "api/things.json"), "utf8");
    const names = await readdir(space(), { recursive: true });
    expect(`${things} ${names.join(" ")}`).not.toMatch(/secret-folder|parquet|user\d|data\/pairs/);
  });

  it("refuses a run that is not finished", async () => {
    const run = join(root, "unfinished");
    await layRun(run, { seed: 42, gain: 2, predicts: false });
    const flags = ["--title", "x", "--licence", "mit", "--out", join(root, "none")];
    const { code, stderr } = await runCli("release", "space", run, ...flags);
    expect([code, stderr]).toEqual([3, expect.stringContaining("Expected")]);
    expect(await stat(join(root, "none")).catch(() => undefined)).toBeUndefined();
  });

  describe.skipIf(CHROMIUM === undefined)("in a browser", () => {
    it("predicts a PNG as Node does, where the host sends the headers that README.md states", async () => {
      const { page, faults } = await open(head.custom_headers);
      expect(await page.locator("nav a").allTextContents()).toEqual(["Predict"]);
      const png = await crop().png().toBuffer();
      const value = await (await answer(page, "crop.png", png))
        .locator(".predict-crop > div > p data")
        .getAttribute("value");
      const [wanted] = await predictPhoto(png, { model, detect: false });
      expect(Math.abs(Number(value) - wanted!.probability)).toBeLessThan(1e-5);
      expect(await violations(page)).toEqual([]);
      expect(faults).toEqual([]);
      await page.close();
    });

    it("reads plain JPEGs alone without the headers, on one thread, and says so", async () => {
      const { page, faults } = await open({});
      expect(await page.textContent(".predict-facts")).toContain(
        "one thread, since this server sends no headers",
      );
      const jpeg = await crop().jpeg().toBuffer();
      const value = await (await answer(page, "crop.jpg", jpeg))
        .locator(".predict-crop > div > p data")
        .getAttribute("value");
      const [wanted] = await predictPhoto(jpeg, { model, detect: false });
      expect(Math.abs(Number(value) - wanted!.probability)).toBeLessThan(1e-5);
      const refused = await answer(page, "crop.png", await crop().png().toBuffer());
      expect(await refused.getByRole("alert").textContent()).toContain("PAGE_ISOLATION");
      expect(faults).toEqual([]);
      await page.close();
    });
  });
});
