// The page as static files behind a plain file server, which knows no token, no route and no range: datasets are seen, nothing is written.
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAnnotations } from "../../src/audit/log.ts";
import { standing } from "../../src/audit/standing.ts";
import { checkDataset } from "../../src/dataset/check/check.ts";
import { ACTS, LAW_PLACES } from "../../src/dataset/law.ts";
import { writeStaticPage } from "../../src/server/static-page.ts";
import { drawPairs } from "../drawn.ts";
import { violations } from "./axe.ts";
import { CHROMIUM } from "./browser.ts";
import { sharedBrowser } from "./chromium.ts";
import { serveFiles } from "./file-server.ts";

const INFO = {
  name: "Drawn pairs",
  version: "1.0.0",
  date: "2026-11-29",
  licence: "drawn",
  creator: "Nobody",
  url: "https://example.org/p",
} as const;

let root: string;
let server: Server;
let host: string;
let browser: Browser;

describe.skipIf(CHROMIUM === undefined)("the page as static files", () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "facehand-static-"));
    await drawPairs(join(root, "set"), { train: 3, val: 2, test: 2 });
    const checked = await checkDataset(join(root, "set"));
    await writeStaticPage(checked, INFO, join(root, "bare"), { version: "1.0.0" });
    await writeStaticPage(checked, INFO, join(root, "shown"), { version: "1.0.0", withPictures: true });
    ({ server, url: host } = await serveFiles(root));
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    server?.close();
    await rm(root, { recursive: true, force: true });
  });

  /** Opens one of the two under a folder of the host; a fault in its console fails the test. */
  async function open(which: "bare" | "shown"): Promise<{ page: Page; faults: string[]; asked: string[] }> {
    const page = await browser.newPage();
    const [faults, asked]: [string[], string[]] = [[], []];
    page.on("console", (line) => void (line.type() === "error" && faults.push(line.text())));
    page.on("pageerror", (error) => void faults.push(error.message));
    page.on(
      "request",
      (request) => void asked.push(`${request.method()} ${new URL(request.url()).pathname}`),
    );
    await page.goto(`${host}${which}/`);
    await page.waitForSelector(".home-thing");
    return { page, faults, asked };
  }

  it("states what it has, and reads its tables", async () => {
    const { page, faults, asked } = await open("bare");
    expect(await page.textContent(".home-thing")).toContain("Drawn pairs 1.0.0");
    expect(await page.locator("button:has-text('Look again')").count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    expect(await page.textContent(".law summary")).toBe(LAW_PLACES);
    expect(await page.isVisible(".law p")).toBe(false);
    await page.click(".law summary");
    const links = await page
      .locator(".law a")
      .evaluateAll((all) => all.map((one) => one.getAttribute("href")));
    expect(links).toEqual(Object.values(ACTS).map(({ url }) => url));
    expect(await page.isVisible(".law p")).toBe(true);
    expect(await violations(page)).toEqual([]);
    await page.click(".home-thing h3 a");
    await expect.poll(() => page.textContent("main")).toMatch(/\b7\b/);
    expect(asked.filter((one) => !one.startsWith("GET /sub/bare/"))).toEqual([]);
    expect(asked.filter((one) => one.includes("/pictures/"))).toEqual([]);
    expect(faults).toEqual([]);
    await page.close();
  });

  it("shows images where they are published", async () => {
    const { page, faults } = await open("shown");
    await page.click(".home-thing h3 a");
    await page.waitForSelector("main img");
    await expect
      .poll(() =>
        page
          .locator("main img")
          .first()
          .evaluate((one) => (one as HTMLImageElement).naturalWidth),
      )
      .toBe(32);
    expect(faults).toEqual([]);
    await page.close();
  });

  it("keeps judgements in the browser, over a reload, and gives them as a log; nothing goes to a server", async () => {
    const { page, asked, faults } = await open("shown");
    await page.click("text=Judge its labels");
    await page.fill("input[name=who]", "anna");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".audit-queues");
    expect(await page.locator(".audit-queues button").allTextContents()).not.toContain("Disputes i");
    await page.keyboard.press("a");
    await page.waitForSelector(".audit-pair img");
    const kept = (n: number) => page.waitForSelector(`[data-saved="0"][data-waiting="${n}"]`);
    for (const [i, key] of ["c", "f", "u"].entries()) {
      await page.keyboard.press(key);
      await kept(i + 1);
    }
    await page.keyboard.press("z"); // the last one is taken back
    await kept(4);
    await page.reload();
    await page.waitForSelector('.audit-progress :text-is("2 done")');
    expect(await page.textContent(".audit-saved")).toContain("4 judgements in this browser only");
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("j")]);
    expect(download.suggestedFilename()).toBe("Drawn pairs 1.0.0.annotations.jsonl");
    const path = join(root, "annotations.jsonl");
    await download.saveAs(path);
    const { judgements, annotators } = standing((await readAnnotations(path)).lines);
    expect(annotators).toEqual(["anna"]);
    expect(judgements).toMatchObject([
      { queue: "control", choice: "confirm", seen: { label: true, pictures: ["hand", "face"] } },
      { queue: "control" },
    ]);
    expect(asked.filter((one) => !one.startsWith("GET /sub/shown/"))).toEqual([]);
    expect(faults).toEqual([]);
    await page.close();
  });

  it("offers nothing to judge where there are no images", async () => {
    const { page, asked } = await open("bare");
    await page.click("text=Judge its labels");
    await page.waitForSelector("main p:text('there is nothing to judge its labels by')");
    expect(asked.filter((one) => one.includes("/pictures/"))).toEqual([]);
    await page.close();
  });
});
