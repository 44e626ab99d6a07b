// The page's frame and Home in a real browser: navigation, keys, dark and narrow windows, what was found and what is broken.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { violations } from "./axe.ts";
import { askedAlone, CHROMIUM, windows } from "./browser.ts";
import { layRun, layThings } from "./things.ts";

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
    await page.waitForURL("**#/runs"); // the history is written behind what is shown
    await page.goBack();
    await page.waitForSelector('main h1:text-is("Pairs")'); // as the page follows the browser's event
    expect(await page.title()).toBe("Pairs · facehand");
  });

  it("lists its keys on ?, and Escape closes the list", async () => {
    const { page } = await open();
    await page.keyboard.press("?");
    expect(await page.textContent("dialog")).toContain("go to Runs");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
  });

  it.each([{ width: 1400 }, { width: 390, dark: true }])("has nothing that axe finds: %o", async (window) => {
    const { page } = await open("", window);
    expect(await violations(page)).toEqual([]);
  });

  it("asks for nothing when it is left alone", async () => {
    const { page, asked } = await open();
    expect(await askedAlone(page, asked)).toEqual([]);
  });
});

describe.skipIf(CHROMIUM === undefined)("home", () => {
  let full: string;
  beforeAll(async () => {
    full = await mkdtemp(join(tmpdir(), "facehand-home-"));
    await layThings(full);
  });
  afterAll(() => rm(full, { recursive: true, force: true }));
  const { open } = windows(() => [full]);
  const empty = windows(() => [root]);

  it("counts what was found, by what it records about itself", async () => {
    const { page } = await open();
    const text = (await page.textContent("main"))!;
    expect(text).toContain("108 of 108 subjects");
    expect(text).toContain("val 44 (44 subjects)");
    expect(text).toContain("12 of 120 frames");
    expect(text).toContain("6 of 6");
    expect(text).toContain("5 of 6"); // runs of the study, which it counts
    expect(await page.locator(".home-thing h3").allTextContents()).toEqual([
      "pairs",
      "runs/broken",
      "runs/mag",
      "runs/umcc/seed_1",
      "runs/umcc/seed_2",
      "study",
    ]);
  });

  it("says what is broken, why, and what to try", async () => {
    const { page } = await open();
    const trouble = page.locator(".home-thing", { hasText: "runs/broken" }).locator(".trouble");
    expect(await trouble.textContent()).toMatch(
      /Broken \(JSON_SYNTAX\): Expected .* \(this folder\).* Try: /,
    );
  });

  it("searches again on r, and leads into the views", async () => {
    const { page } = await open();
    await layRun(join(full, "runs/new"), { seed: 9, gain: 1, epochs: 2, predicts: false });
    await expect
      .poll(async () => {
        await page.keyboard.press("r");
        return page.locator(".home-thing h3").allTextContents();
      })
      .toContain("runs/new");
    expect(await page.locator(".home-thing", { hasText: "runs/new" }).textContent()).toContain("2 of 6");
    await page.click("text=runs/new");
    await expect.poll(() => page.textContent("main h1")).toBe("runs/new");
    expect(await page.title()).toBe("Runs · runs/new · facehand");
    await page.goBack();
    await expect.poll(() => page.textContent("main h1")).toBe("What is here");
  });

  it.each([{ width: 1400, dark: true }, { width: 390 }])("has nothing that axe finds: %o", async (window) => {
    const { page } = await open("", window);
    await page.waitForSelector(".home-thing");
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });

  it("names commands where there is nothing", async () => {
    const { page } = await empty.open();
    const text = (await page.textContent("main"))!;
    for (const command of ["facehand demo", "data fetch derived-hagrid", "facehand derive --hagrid"])
      expect(text).toContain(command);
  });
});
