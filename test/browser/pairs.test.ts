// The view of pairs in a real browser: filters, counts, orders, selection, thresholds, as a person uses them by mouse and keys.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeDrawnLedger } from "../drawn-ledger.ts";
import { violations } from "./axe.ts";
import { askedAlone, CHROMIUM, reload, windows } from "./browser.ts";

const ROWS = 400;
let root: string;
let kept: number;
let ids: readonly string[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-browser-"));
  ({ kept, ids } = await writeDrawnLedger(join(root, "drawn"), { rows: ROWS }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const total = (page: Page) => page.locator(".pairs-total strong").textContent();
const fragment = (page: Page) =>
  page.evaluate(() => decodeURIComponent(location.hash.replace(/^[^?]*\??/, "")));

describe.skipIf(CHROMIUM === undefined)("the view of pairs", () => {
  const { open } = windows(() => [root]);

  /** Opens the dataset as a person does: from the list of them. */
  const opened = async (window = {}) => {
    const { page, asked } = await open("#/pairs", window);
    await page.click(".things a");
    await page.waitForSelector("[data-measure=face_px]", { state: "attached" });
    return { page, asked };
  };
  const value = (page: Page, facet: string, word: string) =>
    page.locator(`[data-facet=${facet}] label`, { hasText: new RegExp(`^${word}\\d`) });
  const countOf = async (page: Page, facet: string, word: string) =>
    Number((await value(page, facet, word).locator(".pairs-count").textContent())!.replace(",", ""));

  it("filters by a facet whose own counts stay; Back and reload restore what is chosen", async () => {
    const { page } = await opened();
    expect(await total(page)).toBe(String(ROWS));
    const removed = await countOf(page, "status", "removed");
    expect(await countOf(page, "status", "kept")).toBe(kept);
    expect(removed).toBe(ROWS - kept);
    await value(page, "status", "removed").click();
    await page.waitForFunction(
      (n) => document.querySelector(".pairs-total strong")?.textContent === n,
      String(removed),
    );
    expect(await countOf(page, "status", "kept")).toBe(kept);
    expect(await fragment(page)).toBe("status=removed");
    expect(await page.locator(".pairs-tile").first().textContent()).toMatch(/removed: [a-z ]+/);
    await reload(page);
    await page.waitForSelector(".pairs-total");
    expect(await total(page)).toBe(String(removed));
    await page.goBack();
    await page.waitForFunction(
      (n) => document.querySelector(".pairs-total strong")?.textContent === n,
      String(ROWS),
    );
  });

  it("counts reasons of removed frames only, and splits and genders of kept ones: no value of theirs is missing", async () => {
    const { page } = await opened();
    const sumOf = async (facet: string) => {
      const shown = page.locator(`[data-facet=${facet}] label:not([hidden])`);
      expect((await shown.allTextContents()).join()).not.toContain("not recorded");
      const counts = await shown.locator(".pairs-count").allTextContents();
      return counts.reduce((sum, text) => sum + Number(text.replace(",", "")), 0);
    };
    expect(await sumOf("reason")).toBe(ROWS - kept);
    expect([await sumOf("split"), await sumOf("gender")]).toEqual([kept, kept]);
    expect(await page.locator("[data-facet=reason] legend").textContent()).toContain("(removed frames)");
    await page.locator(".pairs-grid").focus();
    await page.keyboard.press("t");
    const cells = await page.locator(".pairs-panel .pairs-cell").allTextContents();
    expect(cells.reduce((sum, text) => sum + Number(text), 0)).toBe(kept);
    expect(await page.locator(".pairs-panel").textContent()).toContain("Split: kept frames only.");
    expect(await page.locator("[data-facet=age] label", { hasText: "not recorded" }).isVisible()).toBe(true);
  });

  it("shows an interval of a measure by fields and by brushing, sorted both ways", async () => {
    const { page } = await opened();
    await page.locator("[data-measure=face_px] summary").click();
    await page.getByRole("spinbutton", { name: /from$/ }).fill("200");
    await page.keyboard.press("Enter");
    await expect.poll(() => fragment(page)).toBe("face_px=200..");
    await page.selectOption(".pairs-bar select >> nth=0", "face_px");
    await expect
      .poll(async () => Number(await page.locator(".pairs-tile b").first().textContent()))
      .toBeGreaterThanOrEqual(200);
    const least = Number(await page.locator(".pairs-tile b").first().textContent());
    await page.keyboard.press("Escape");
    await page.locator(".pairs-grid").focus();
    await page.keyboard.press("r");
    await expect
      .poll(async () => Number(await page.locator(".pairs-tile b").first().textContent()))
      .toBeGreaterThan(least);
    const bars = (await page.locator(".pairs-bars").boundingBox())!;
    await page.mouse.move(bars.x + 0.25 * bars.width, bars.y + 10);
    await page.mouse.down();
    await page.mouse.move(bars.x + 0.5 * bars.width, bars.y + 10);
    await page.mouse.up();
    await expect.poll(() => fragment(page)).toMatch(/face_px=1\d\d\S*\.\.2\d\d/);
  });

  it("selects by keys, shows only what is selected, and a link has it", async () => {
    const { page } = await opened();
    await page.locator(".pairs-grid").focus();
    await page.keyboard.press("x");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Shift+ArrowRight");
    await expect.poll(() => page.locator(".pairs-picked strong").textContent()).toBe("4");
    await page.keyboard.press("o");
    await page.waitForFunction(() => document.querySelector(".pairs-total strong")?.textContent === "4");
    await reload(page);
    await page.waitForSelector(".pairs-total");
    expect(await total(page)).toBe("4");
    await page.keyboard.press("c");
    await page.waitForFunction(
      (n) => document.querySelector(".pairs-total strong")?.textContent === n,
      String(ROWS),
    );
  });

  it("stands where it stood after a reload and after Back, and at its head when rows are others", async () => {
    const { page } = await opened();
    const grid = page.locator(".pairs-grid");
    const cursor = page.locator(".pairs-cursor");
    await grid.focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press("PageDown");
    await page.keyboard.press("ArrowRight");
    const [active, top] = [await cursor.getAttribute("id"), await grid.evaluate((box) => box.scrollTop)];
    expect(top).toBeGreaterThan(500);
    // It is written whenever the grid has stood still, on a slow machine between two keys too.
    const on = ids[Number(active!.replace("pair-", ""))]!;
    await expect.poll(() => fragment(page)).toMatch(new RegExp(`^at=\\S+&on=${on}$`));
    await reload(page);
    await cursor.waitFor();
    expect(await cursor.getAttribute("id")).toBe(active);
    expect(Math.abs((await grid.evaluate((box) => box.scrollTop)) - top)).toBeLessThan(170);
    await page.selectOption(".pairs-bar select >> nth=0", "face_px");
    await expect.poll(() => fragment(page)).toBe("sort=face_px");
    expect(await grid.evaluate((box) => box.scrollTop)).toBe(0);
    await page.goBack();
    await expect.poll(() => cursor.getAttribute("id")).toBe(active);
    await expect.poll(() => grid.evaluate((box) => box.scrollTop)).toBeGreaterThan(500);
  });

  it("hands what is filtered to the audit as a queue", async () => {
    const { page } = await opened();
    await value(page, "gender", "male").click();
    await page.selectOption(".pairs-bar select >> nth=0", "face_px");
    await expect.poll(() => fragment(page)).toBe("gender=male&sort=face_px");
    await page.locator(".pairs-grid").focus();
    await page.keyboard.press("j");
    await page.waitForFunction(() => location.hash.startsWith("#/audit/"));
    expect(await fragment(page)).toBe("gender=male&queue=filter&sort=face_px");
    await page.goBack();
    await page.waitForSelector(".pairs-total");
    await expect.poll(() => fragment(page)).toBe("gender=male&sort=face_px");
  });

  it("searches by a part of an id, and groups by subject", async () => {
    const { page } = await opened();
    await page.keyboard.press("g");
    await page.waitForSelector(".pairs-group");
    const subject = (await page.locator(".pairs-group").first().textContent())!.replace(
      /^Subject (\w+).*/,
      "$1",
    );
    const shown = Number(
      (await page.locator(".pairs-group").first().textContent())!.replace(/.*· (\d+) shown/, "$1"),
    );
    await page.keyboard.press("/");
    await page.keyboard.type(subject);
    await page.waitForFunction(
      (n) => document.querySelector(".pairs-total strong")?.textContent === n,
      String(shown),
    );
  });

  it.each([{ width: 1400 }, { width: 390, dark: true }])("has nothing that axe finds: %o", async (window) => {
    const { page } = await opened(window);
    if (window.width === 390) await page.click(".pairs-narrow");
    await page.locator("[data-measure=face_px] summary").click();
    expect(await violations(page)).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
  });

  it("asks for nothing when it is left alone", async () => {
    const { page, asked } = await opened();
    expect(await askedAlone(page, asked)).toEqual([]);
  });
});
