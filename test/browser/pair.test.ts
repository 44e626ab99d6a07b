// One pair in a real browser, with its frame; thresholds and counts by two columns above the grid.
import { link, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GESTURES, writeDrawnLedger } from "../drawn-ledger.ts";
import { violations } from "./axe.ts";
import { CHROMIUM, reload, windows } from "./browser.ts";

const ROWS = 200;
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-browser-"));
  await writeDrawnLedger(join(root, "served/drawn"), { rows: ROWS });
  // Each gesture has each crop as a frame: only that one is shown matters here.
  const faces = join(root, "served/drawn/images/content/aligned_dataset/faces");
  for (const gesture of GESTURES) {
    await mkdir(join(root, "hagrid", gesture), { recursive: true });
    for (const name of await readdir(faces))
      await link(join(faces, name), join(root, "hagrid", gesture, name.slice(2)));
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

const choices = (page: Page) =>
  page.evaluate(() => Object.fromEntries(new URLSearchParams(location.hash.split("?")[1] ?? "")));

describe.skipIf(CHROMIUM === undefined)("one pair", () => {
  const { open } = windows(
    () => [join(root, "served")],
    () => ({ hagrid: join(root, "hagrid") }),
  );

  const opened = async (window = {}) => {
    const { page } = await open("#/pairs", window);
    await page.click(".things a");
    await page.waitForSelector("[data-measure=face_px]", { state: "attached" });
    return page;
  };

  it("opens by Enter with its values, its frame and its neighbours, and Escape goes back to the same place", async () => {
    const page = await opened();
    await page.keyboard.press("Enter");
    const id = (await page.textContent(".pair-title code"))!;
    await expect.poll(() => choices(page)).toEqual({ pair: id });
    await page.waitForSelector("[data-column=face_px]");
    expect(await page.textContent("[data-column=image_id] td")).toBe(id);
    expect(await page.textContent("[data-column=face_px]")).toMatch(/[✓✗] face_size: removed below 28/);
    await page.waitForSelector(".pair-frame .pair-mark-face");
    await page.waitForFunction(
      () => document.querySelectorAll("[aria-label='Frames that look alike'] li").length === 12,
    );
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction((one) => document.querySelector(".pair-title code")?.textContent !== one, id);
    await reload(page);
    await page.waitForSelector(".pair-title code");
    expect(await page.textContent(".pair-title code")).not.toBe(id);
    expect(await page.textContent(".pair [role=status]")).toBe(`2 of ${ROWS}`);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelector(".pair") === null);
    await page.waitForSelector("#pair-1.pairs-cursor"); // the grid is drawn before its place is read
  });

  it("goes to another pair of its subject, and Back comes back", async () => {
    const page = await opened();
    await page.locator(".pairs-tile").first().click();
    const id = (await page.textContent(".pair-title code"))!;
    await page.locator('[aria-label="The subject\'s other pairs"] li button').first().click();
    await page.waitForFunction((one) => document.querySelector(".pair-title code")?.textContent !== one, id);
    await page.goBack();
    await page.waitForFunction((one) => document.querySelector(".pair-title code")?.textContent === one, id);
  });

  it("moves a threshold: what it would take away is counted, shown, and the command is given", async () => {
    const page = await opened();
    await page.keyboard.press("m");
    const field = page.locator("[data-rule=face_size] input[type=number]");
    await field.fill("150");
    await field.press("Enter");
    const taken = Number(await page.textContent("[data-change=taken] strong"));
    expect(taken).toBeGreaterThan(0);
    expect(await page.textContent(".pairs-command code")).toContain("--rule face_size=150");
    await page.locator("[data-change=taken] button").click();
    await page.waitForFunction(
      (n) => document.querySelector(".pairs-total strong")?.textContent === n,
      String(taken),
    );
    expect(await page.locator(".pairs-tile").first().textContent()).toContain("would be taken away");
    await reload(page);
    await page.waitForSelector("[data-change=taken]");
    expect(Number(await page.textContent("[data-change=taken] strong"))).toBe(taken);
    await page.goBack();
    await page.waitForFunction(
      (n) => document.querySelector(".pairs-total strong")?.textContent === n,
      String(ROWS),
    );
  });

  it("counts by two columns, and a cell filters by both", async () => {
    const page = await opened();
    await page.keyboard.press("t");
    const cell = page.locator(".pairs-cell").first();
    const count = (await cell.textContent())!;
    await cell.click();
    await page.waitForFunction(
      (n) => document.querySelector(".pairs-total strong")?.textContent === n,
      count,
    );
    expect(Object.keys(await choices(page))).toEqual(expect.arrayContaining(["gender", "split"]));
  });

  it.each([{ width: 1400 }, { width: 390, dark: true }])("has nothing that axe finds: %o", async (window) => {
    const page = await opened(window);
    await page.keyboard.press("m");
    await page.keyboard.press("t");
    await page.waitForSelector(".pairs-cell");
    expect(await violations(page)).toEqual([]);
    await page.locator(".pairs-grid").press("Enter");
    await page.waitForSelector("[data-column=face_px]");
    expect(await violations(page)).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
  });
});
