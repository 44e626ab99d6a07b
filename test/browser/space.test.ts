// A model's own page behind a plain file server: predicts as Node does, with the headers that let it share memory, by its service
// worker on a host without them, without network, and on one thread where no service worker may run.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { openWeights } from "../../src/predict/infer.ts";
import { predictPhoto } from "../../src/predict/photo.ts";
import type { Predictor } from "../../src/predict/predictor.ts";
import type { Release } from "../../src/server/api.ts";
import { readPage, SERVICE_WORKER } from "../../src/server/page.ts";
import { runCli } from "../cli/run.ts";
import { blob } from "../pictures.ts";
import { TINY, writeTiny } from "../tiny-model.ts";
import { violations } from "./axe.ts";
import { CHROMIUM } from "./browser.ts";
import { launch } from "./chromium.ts";
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
  const weights = await layCheckpoint(run, 11);
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

async function layCheckpoint(run: string, seed: number) {
  await mkdir(join(run, "checkpoints"), { recursive: true });
  return await writeTiny(join(run, "checkpoints/best.safetensors"), seed);
}

/** A name of this machine that browsers do not take for one: an address that is not secure. */
const INSECURE = "host.test";
let context: BrowserContext;

async function open(
  headers: Readonly<Record<string, string>>,
  host?: string,
): Promise<{ page: Page; faults: string[]; server: Server; asked: readonly string[] }> {
  browser ??= await launch({ flags: [`--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`] });
  context = await browser.newContext();
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (line) => void (line.type() === "error" && faults.push(line.text())));
  page.on("pageerror", (error) => void faults.push(error.message));
  const { server, url, asked } = await serveFiles(space(), headers);
  servers.push(server);
  await page.goto(host === undefined ? url : url.replace("127.0.0.1", host));
  await ready(page);
  return { page, faults, server, asked };
}

/** Its only model opens by itself. */
async function ready(page: Page): Promise<void> {
  await page.waitForSelector(".predict-facts");
  await page.getByLabel(/Find the face/).uncheck();
}

/** Stops a server as if there were no network. */
async function end(server: Server): Promise<number> {
  const { port } = server.address() as { port: number };
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const crop = () => {
  const { width, height, data } = blob("crop", 64);
  return sharp(data, { raw: { width, height, channels: 3 } });
};

/** How the page came: by a `reload` where it made one. */
const loadedBy = (page: Page) =>
  page.evaluate(() => performance.getEntriesByType("navigation")[0]!.toJSON().type as string);

/** What the page predicts of a file beside what Node does. */
async function expectAsNode(page: Page, name: string, file: Buffer, by: Predictor): Promise<number> {
  const value = await (await answer(page, name, file))
    .locator(".predict-crop > div > p data")
    .getAttribute("value");
  const [wanted] = await predictPhoto(file, { model: by, detect: false });
  expect(Math.abs(Number(value) - wanted!.probability)).toBeLessThan(1e-5);
  return wanted!.probability;
}

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
    expect(await readFile(join(space(), ".nojekyll"), "utf8")).toBe("");
  });

  it("alone has a service worker: what serves datasets has none", async () => {
    const worker = await readFile(join(space(), SERVICE_WORKER), "utf8");
    const { id, files } = JSON.parse(/^self\.release = (.*);$/m.exec(worker)![1]!) as Release;
    expect(id).toMatch(/^[0-9a-f]{24}$/);
    const forHosts = [SERVICE_WORKER, "README.md", "_headers", ".nojekyll"];
    const found = await readdir(space(), { recursive: true, withFileTypes: true });
    const paths = found
      .filter((one) => one.isFile())
      .map((one) => relative(space(), join(one.parentPath, one.name)));
    const listed = Object.keys(files).map((address) => (address === "" ? "index.html" : address));
    expect([...listed, ...forHosts].sort()).toEqual(paths.sort());
    expect([...(await readPage()).keys()].filter((address) => /service/.test(address))).toEqual([]);
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
      await expectAsNode(page, "crop.png", await crop().png().toBuffer(), model);
      expect(await violations(page)).toEqual([]);
      expect(await loadedBy(page)).toBe("navigate"); // and not anew
      expect(faults).toEqual([]);
      await context.close();
    });

    it("does the same by its service worker where the host sends none, and without network", {
      timeout: 120_000,
    }, async () => {
      const { page, faults, server, asked } = await open({});
      expect([await page.evaluate(() => crossOriginIsolated), await loadedBy(page)]).toEqual([
        true,
        "reload",
      ]);
      expect(await page.textContent(".predict-facts")).toMatch(/; \d threads on \d+ logical cores/);
      const png = await crop().png().toBuffer();
      const progressive = await crop().jpeg({ progressive: true }).toBuffer();
      const probability = await expectAsNode(page, "crop.png", png, model);
      await expectAsNode(page, "progressive.jpg", progressive, model);
      await page.waitForSelector(STORED);
      expect(await violations(page)).toEqual([]);
      // Each file once: what the page asked for and what was stored are one request. The page itself: shown twice, then stored.
      const often = asked.filter((path, i) => asked.indexOf(path) !== i && path.includes("/assets/ort-wasm"));
      expect([often, asked.filter((path) => path === "/sub/").length]).toEqual([[], 3]);
      await page.evaluate(() => caches.open("facehand /other/ 1"));

      const port = await end(server);
      await page.reload();
      await ready(page);
      await page.waitForSelector(STORED);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      await expectAsNode(page, "crop.png", png, model);
      await expectAsNode(page, "progressive.jpg", progressive, model);

      // The next release, of another model, at the same address: shown at once, and stored in place of this one.
      const next = await release(13, "Second");
      const now = await serveFiles(next.dir, {}, port);
      faults.length = 0; // that there was no server
      const stores = () => page.evaluate(async () => (await caches.keys()).sort());
      const [other, first] = await stores();
      await page.reload();
      await ready(page);
      expect(await page.textContent(".predict-facts")).toContain("Second");
      await page.waitForSelector(STORED);
      await expect.poll(async () => (await stores()).includes(first!)).toBe(false);
      expect(await stores()).toEqual([other, expect.stringMatching(/^facehand \/sub\/ [0-9a-f]{24}$/)]);
      expect(await expectAsNode(page, "crop.png", png, next.model)).not.toBeCloseTo(probability, 4);
      await end(now.server);
      await page.reload();
      await ready(page);
      await expectAsNode(page, "crop.png", png, next.model);

      // What others have beside the page is theirs; and where another page lies there, nothing of this one remains.
      const left = await serveFiles(next.dir, {}, port);
      servers.push(left.server);
      const policy = (path: string) =>
        page.evaluate(async (to) => (await fetch(to)).headers.get("cross-origin-embedder-policy"), path);
      const found = [
        await policy("api/things.json"),
        await policy("more/index.html"),
        await policy("/index.html"),
      ];
      expect(found).toEqual(["require-corp", null, null]);
      await writeFile(join(next.dir, "index.html"), "<!doctype html><title>Another</title>");
      await rm(join(next.dir, "service-worker.js"));
      await page.reload();
      const workers = () =>
        page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
      await expect
        .poll(async () => [await page.title(), await stores(), await workers()])
        .toEqual(["Another", [other], 0]);
      await next.model.close();
      await context.close();
    });

    it("reads plain JPEGs alone on one thread at an address that is not secure, and says so", async () => {
      const { page, faults } = await open({}, INSECURE);
      const stated = await page.textContent(".predict-facts");
      expect(stated).toContain(
        "one thread, since browsers let a page share memory at a secure address (https) alone",
      );
      expect(stated).toContain("without networkdoes not open: browsers store pages of secure addresses");
      await expectAsNode(page, "crop.jpg", await crop().jpeg().toBuffer(), model);
      const refused = await answer(page, "crop.png", await crop().png().toBuffer());
      expect(await refused.getByRole("alert").textContent()).toMatch(/PAGE_ISOLATION.*secure address/);
      expect(await loadedBy(page)).toBe("navigate");
      expect(faults).toEqual([]);
      await context.close();
    });

    it("never loads itself anew twice: where its service worker has no effect, it says so", async () => {
      const { page, asked } = await open({});
      const devtools = await context.newCDPSession(page);
      await devtools.send("Network.enable");
      await devtools.send("Network.setBypassServiceWorker", { bypass: true });
      const loads = () => asked.filter((path) => path === "/sub/").length;
      await page.waitForSelector(STORED);
      const before = loads();
      const again = page.waitForEvent("framenavigated", () => loads() === before + 2);
      await page.goto(page.url());
      await again;
      await page.waitForSelector(".predict-facts:has-text('one thread')");
      expect(await page.textContent(".predict-facts")).toContain("stated none at this load: load it again");
      expect([loads(), await loadedBy(page)]).toEqual([before + 2, "reload"]);
      await context.close();
    });
  });
});

/** The line that says that the page needs no network. */
const STORED = ".predict-facts :text('opens and predicts: this browser has its files')";

/** A space of another model. */
async function release(seed: number, title: string) {
  const run = join(root, `run-${seed}`);
  await layRun(run, { arch: "mag", seed: 42, gain: 2 });
  const weights = await layCheckpoint(run, seed);
  const dir = join(root, `space-${seed}`);
  const { code } = await runCli("release", "space", run, "--title", title, "--licence", "mit", "--out", dir);
  expect(code).toBe(0);
  return { dir, model: await openWeights(TINY, weights, { batch: 1 }) };
}
