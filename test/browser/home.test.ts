// The page's frame in a real browser: navigation, keys, dark and narrow windows, what goes wrong.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { violations } from "./axe.ts";
import { CHROMIUM, windows } from "./browser.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-browser-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe.skipIf(CHROMIUM === undefined)("the page", () => {
  const { open } = windows(() => [root]);

  it("goes from view to view by keys, and Back comes back", async () => {
    const { page } = await open();
    await page.keyboard.press("2");
    expect(await page.textContent("main h1")).toBe("Pairs");
    await page.keyboard.press("4");
    expect(await page.textContent("main h1")).toBe("Runs");
    await page.goBack();
    expect(await page.textContent("main h1")).toBe("Pairs");
    expect(await page.title()).toBe("Pairs · facehand");
  });

  it("lists its keys on ?, and Escape closes the list", async () => {
    const { page } = await open();
    await page.keyboard.press("?");
    expect(await page.textContent("dialog")).toContain("go to Runs");
    await page.keyboard.press("Escape");
    expect(await page.locator("dialog").count()).toBe(0);
  });

  it.each([{ width: 1400 }, { width: 390, dark: true }])("has nothing that axe finds: %o", async (window) => {
    const { page } = await open("", window);
    expect(await violations(page)).toEqual([]);
  });

  it("asks for nothing when it is left alone", async () => {
    const { page, asked } = await open();
    await page.waitForLoadState("networkidle");
    const before = asked.length;
    await page.waitForTimeout(300);
    expect(asked.slice(before)).toEqual([]);
  });
});
