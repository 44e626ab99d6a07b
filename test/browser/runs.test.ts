// The view of runs in a real browser: table, curves that grow, figures, mistakes as images, two compared, a study.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPLICATES } from "../../src/evaluate/intervals/intervals.ts";
import { SMALL_SUBJECTS } from "../../src/evaluate/metrics/small.ts";
import { compareFamilies } from "../../src/studies/report/comparison-table.ts";
import { overallTables } from "../../src/studies/report/overall.ts";
import { readResults } from "../../src/studies/report/read-results.ts";
import { summaryLines } from "../../src/studies/report/summary.ts";
import { appendEvent } from "../../src/studies/run/journal.ts";
import { readStudy, taskPaths } from "../../src/studies/study.ts";
import { appendLog } from "../../src/train/run.ts";
import { inventedLog } from "../run-fixture.ts";
import { violations } from "./axe.ts";
import { askedAlone, CHROMIUM, reload, windows } from "./browser.ts";
import { layRun, layThings } from "./things.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-runs-"));
  await layThings(root);
  const { journal } = taskPaths(join(root, "study"), { cell: { id: "mag" }, seed: 123 });
  await appendEvent(journal, "failed", { kind: "data", code: "SOURCE_GONE", message: "in a secret place" });
  await layRun(join(root, "runs/growing"), { seed: 3, gain: 1, epochs: 2, predicts: false });
});
afterAll(() => rm(root, { recursive: true, force: true }));

const row = (page: Page, text: string) => page.locator(".runs-table tbody tr", { hasText: text });
const computed = (page: Page) =>
  expect.poll(() => page.locator(".runs-table tbody").textContent()).not.toContain("computing");
const toRun = async (page: Page, place: string) => {
  await page.locator(`.runs-seeds a[title="${place}"]`).click();
  await expect.poll(() => page.textContent("main h1")).toBe(place);
};

describe.skipIf(CHROMIUM === undefined)("runs", () => {
  const { open } = windows(() => [root]);

  it("are a table: seeds of one configuration are one row, with their mean, and sorting stays in the address", async () => {
    const { page } = await open("#/runs");
    await computed(page);
    const mag = row(page, "seed 1").filter({ hasText: "MAG" }).filter({ hasText: "120" }).first();
    expect(await mag.textContent()).toMatch(
      /MAGtest_efficientnet16 of 6120600\.\d{3} \[0\.\d{3}, \d\.\d{3}\]/,
    );
    expect(await row(page, "seed 2").first().textContent()).toMatch(/26 of 6120600\.\d{3} ± 0\.\d{3}/);
    expect(await row(page, "seed 3").textContent()).toContain("2 of 6no predictions of test");
    const names = await page.locator(".runs-table tbody th strong").allTextContents();
    expect(new Set(names).size).toBe(await page.locator(".runs-table tbody tr").count());
    expect((await page.locator(".legend li").allTextContents()).join()).not.toContain("test_efficientnet");
    await page.click("thead button:has-text('all')");
    await page.waitForSelector("th[aria-sort=descending]");
    const figures = async () =>
      (await page.locator(".runs-table tbody tr td:nth-child(9)").allTextContents()).map(Number.parseFloat);
    const order = await figures();
    expect(order).toEqual(order.toSorted((a, b) => b - a));
    await reload(page);
    await page.waitForSelector("th[aria-sort=descending]");
    await page.selectOption("select >> nth=0", "val");
    await computed(page);
    expect(await page.locator("caption").textContent()).toContain("balanced accuracy on val");
    await page.goBack();
    await page.waitForSelector("caption:has-text('balanced accuracy on test')");
  });

  it("grow before the eyes, line by line, until they are done", async () => {
    const { page } = await open("#/runs");
    await toRun(page, "runs/growing");
    const state = page.locator("main p[aria-live]");
    await expect.poll(() => state.textContent()).toBe("Epoch 2 of 6; training goes on, or was stopped.");
    const log = inventedLog(6);
    await appendLog(join(root, "runs/growing"), log[2]!);
    await expect.poll(() => state.textContent()).toContain("Epoch 3 of 6;");
    for (const epoch of log.slice(3)) await appendLog(join(root, "runs/growing"), epoch);
    await expect.poll(() => state.textContent()).toBe("Epoch 6 of 6.");
    expect(await page.locator(".facehand-figure").count()).toBe(2);
  });

  it("show figures with images and subjects, and mistakes as images that lead to their pairs", async () => {
    const { page } = await open("#/runs");
    await toRun(page, "runs/mag");
    await page.waitForSelector(".runs-crops img");
    const captions = await page.locator("figcaption").allTextContents();
    expect(captions.length).toBeGreaterThan(4);
    for (const caption of captions) expect(caption).toMatch(/\d+ images of \d+ subjects/);
    const text = (await page.textContent("main"))!;
    expect(text).toContain("hand: 60 images");
    const total = Number(/(\d+) images of \d+ subjects in test were not decided/.exec(text)![1]);
    expect(await page.locator(".runs-crops li").count()).toBe(Math.min(24, total));
    await page.selectOption("label:has-text('modality') select", "face");
    await expect.poll(() => page.locator(".runs-crops").textContent()).not.toContain("hand, recorded");
    const image = page.locator(".runs-crops img").first();
    await image.scrollIntoViewIfNeeded(); // those below the window are not asked for
    await expect.poll(() => image.evaluate((one) => (one as HTMLImageElement).naturalWidth)).toBe(32);
    await image.click();
    expect(new URL(page.url()).hash).toMatch(/^#\/pairs\/[0-9a-f]{24}\?pair=test\d+$/);
    await page.goBack();
    await page.waitForSelector(".runs-crops img");
    await expect.poll(() => page.locator("label:has-text('modality') select").inputValue()).toBe("face");
  });

  it("are compared by two: over subjects, and image by image", async () => {
    const { page } = await open("#/runs");
    await computed(page);
    await page.keyboard.press("Tab");
    const boxes = [
      page.locator('.runs-table tr:has(a[title="runs/mag"]) input'),
      page.locator('.runs-table tr:has(a[title="runs/umcc/seed_1"]) input'),
    ];
    for (const box of boxes) {
      await box.focus();
      await page.keyboard.press("Space");
      await expect.poll(() => box.isChecked()).toBe(true);
    }
    await page.waitForSelector("text=A minus B");
    await expect
      .poll(() => page.textContent("main"))
      .toMatch(
        /balanced accuracy on test, 120 images of 60 subjects, 1 seed of each: A 0\.\d{3}, B 0\.\d{3}; A minus B -?0\.\d{3} \[-?0\.\d{3}, 0\.\d{3}\], p [01]\.\d{3} by exchange/,
      );
    const counts = (await page.locator("button:has-text('as recorded')").allTextContents()).map((text) =>
      Number(/: (\d+)$/.exec(text)![1]),
    );
    expect(counts.reduce((a, b) => a + b, 0)).toBe(120);
    await page.click("button:has-text('neither as recorded')");
    await expect.poll(() => page.locator(".runs-crops li").count()).toBe(Math.min(24, counts[3]!));
    const legends = await page.locator(".legend").first().locator("li").allTextContents();
    expect(legends.some((text) => text.includes("2 seeds"))).toBe(true);
    await reload(page);
    await page.waitForSelector("button[aria-pressed=true]:has-text('neither')");
  });

  it("of a study are counted, and are its journal and its table", async () => {
    const { page } = await open();
    await page.click(".home-thing a:text-is('study')");
    await expect.poll(() => page.textContent("main h1")).toBe("Study ablation");
    expect(await page.textContent("main")).toContain("5 of 6 runs have predicted");
    await computed(page);
    expect(await page.locator(".runs-table tbody tr").count()).toBe(3);
    const journal = page.locator("section[aria-label=Journal] tbody");
    await journal.locator("tr").first().waitFor();
    expect(await journal.locator("tr").allTextContents()).toEqual([
      expect.stringMatching(/^umcc F0/),
      expect.stringMatching(/^umcc F1/),
      expect.stringMatching(/^mag F0 soft.*failed: SOURCE_GONE epoch 0 of \d+/),
    ]);
    expect(await page.textContent("main")).not.toContain("in a secret place");
    await journal.locator("a").first().click();
    await expect.poll(() => page.textContent("main h1")).toBe("study/runs/f0/seed_42");
  });

  it("of a study have the summary and the tables of its report, with links to the runs", async () => {
    const dir = join(root, "study");
    const results = await readResults(dir, await readStudy(dir));
    const judging = { replicates: REPLICATES, seed: 0, minSubjects: SMALL_SUBJECTS };
    const families = compareFamilies(results, judging);
    const { page } = await open();
    await page.click(".home-thing a:text-is('study')");
    await page.waitForSelector("[data-table=comparisons]");
    const lines = await page.locator("h2:text-is('Summary') + ul li").allTextContents();
    expect(lines).toEqual(summaryLines(results, families, judging));
    const tables = overallTables(results, families, SMALL_SUBJECTS);
    expect(await page.locator("[data-table]").count()).toBe(tables.length);
    for (const { id, header, rows } of tables) {
      const table = page.locator(`[data-table="${id}"]`);
      const texts = async (rowsOf: string) =>
        await table
          .locator(rowsOf)
          .evaluateAll((found) => found.map((row) => Array.from(row.children, (cell) => cell.textContent)));
      expect((await texts("thead tr"))[0]!.slice(0, header.length)).toEqual(header);
      const shown = (await texts("tbody tr")).map((cells) => cells.slice(0, header.length));
      expect(shown).toEqual(rows.map(({ cells }) => cells.map(({ text }) => text)));
    }
    await page.locator("[data-table=comparisons] .runs-seeds a").first().click();
    await expect.poll(() => page.textContent("main h1")).toMatch(/^study\/runs\/f0\/seed_/);
  });

  it("ask for nothing when the page is left alone", async () => {
    const { page, asked } = await open("#/runs");
    await toRun(page, "runs/mag");
    await page.waitForSelector(".runs-crops img");
    expect(await askedAlone(page, asked)).toEqual([]);
  });

  it.each([{ width: 1400, dark: true }, { width: 390 }])(
    "have nothing that axe finds: %o",
    async (window) => {
      const { page } = await open("#/runs", window);
      await computed(page);
      await page.waitForSelector(".facehand-figure");
      expect(await violations(page)).toEqual([]);
      await toRun(page, "runs/mag");
      await page.waitForSelector(".runs-crops img");
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      await page.goto(page.url().replace(/#.*/, "#/"));
      await page.click(".home-thing a:text-is('study')");
      await page.waitForSelector("[data-table=comparisons]");
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    },
  );
});
