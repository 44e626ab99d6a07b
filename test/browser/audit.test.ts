// The audit in a real browser: judged by keys only, undone, reloaded, blind in another browser, disputed and settled.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { annotationsOf, readAnnotations } from "../../src/audit/log.ts";
import { resolveAudit } from "../../src/audit/resolve.ts";
import { standing } from "../../src/audit/standing.ts";
import { imagePath, planLayout } from "../../src/dataset/layout.ts";
import { writePairs } from "../../src/dataset/store.ts";
import type { Listing } from "../../src/server/api.ts";
import { aPair, layImages } from "../dataset.ts";
import { violations } from "./axe.ts";
import { CHROMIUM, windows } from "./browser.ts";

let root: string;
let log: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-audit-"));
  const pairs = Array.from({ length: 8 }, (_, i) =>
    aPair(`p${i}`, `s${i}`, { gender: i % 2 ? "male" : "female" }),
  );
  const set = join(root, "set");
  await writePairs(set, { train: pairs.slice(0, 4), val: pairs.slice(4, 6), test: pairs.slice(6) });
  await layImages(set, ["H_x.jpg", "F_x.jpg"]); // the folders
  const layout = planLayout(set);
  for (const { handImage, faceImage } of pairs) {
    const drawn = sharp({ create: { width: 64, height: 64, channels: 3, background: "#8899aa" } }).jpeg();
    await drawn.toFile(imagePath(layout, "hand", handImage));
    await drawn.toFile(imagePath(layout, "face", faceImage));
  }
  log = annotationsOf(set);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const judged = async () => standing((await readAnnotations(log)).lines).judgements;

describe.skipIf(CHROMIUM === undefined)("the audit", () => {
  const { open } = windows(() => [root]);

  /** Pairs and log are there. */
  const READY = ".audit-queues, .audit-progress, main h1:text-is('Agreement')";

  let id = "";
  beforeAll(async () => {
    const { page, close } = await open();
    const listing = await page.evaluate(
      async () => (await (await fetch("/api/things.json")).json()) as Listing,
    );
    id = listing.things[0]!.id;
    await close();
  });

  /** A person's page at the dataset's audit, in a browser of their own. */
  async function sit(name: string, query = "", window = {}) {
    const opened = await open(`#/audit/${id}${query}`, { ...window, stored: { "facehand.who": name } });
    await opened.page.waitForSelector(READY);
    return opened;
  }
  const savedIs = (page: Page, saved: number) =>
    page.waitForSelector(`[data-saved="${saved}"][data-waiting="0"]`);
  const doneIs = (page: Page, done: number) =>
    page.waitForSelector(`.audit-progress :text-is("${done} done")`);
  /** Presses keys, each when the one before was taken. */
  async function type(page: Page, keys: string) {
    for (const [i, key] of [...keys].entries()) {
      await page.keyboard.press(key);
      await savedIs(page, i + 1);
    }
  }

  it("asks once who judges, and offers queues", async () => {
    const { page } = await open();
    await page.keyboard.press("3");
    await page.click("main a");
    await page.fill("input[name=who]", "none");
    await page.keyboard.press("Enter");
    await page.waitForSelector('[role="alert"]'); // no name
    await page.fill("input[name=who]", "anna");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".audit-queues");
    await page.reload();
    await page.waitForSelector(".audit-queues");
    expect(await page.evaluate(() => localStorage.getItem("facehand.who"))).toBe("anna");
  });

  it("is done by keys alone, undone and done again, and is the same after a reload", async () => {
    const { page } = await sit("anna", "?size=6");
    await page.keyboard.press("a");
    await page.waitForSelector(".audit-pair img");
    expect(page.url()).toContain(`#/audit/${id}?queue=control&size=6`);
    await type(page, "cfmu");
    await page.keyboard.press("x");
    await page.waitForSelector("dialog");
    await page.keyboard.press("e");
    await savedIs(page, 5);
    await page.keyboard.press("n");
    await page.keyboard.type("a note of c and x");
    await page.keyboard.press("Enter");
    await page.keyboard.press("m");
    await savedIs(page, 6);
    await page.waitForSelector(".audit-finished");
    await page.keyboard.press("z");
    await savedIs(page, 7);
    await doneIs(page, 5);
    await page.keyboard.press("z");
    await savedIs(page, 8);
    await doneIs(page, 4);
    await page.keyboard.press("y");
    await savedIs(page, 9);
    await doneIs(page, 5);
    await page.reload();
    await doneIs(page, 5);
    await page.keyboard.press("y"); // also what was undone before the reload
    await savedIs(page, 1);
    await doneIs(page, 6);
    const lines = await judged();
    expect(lines.map(({ choice }) => choice)).toEqual(expect.arrayContaining(["unsure", "remove"]));
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toMatchObject({ note: "a note of c and x", queue: "control" });
    expect(lines[4]).toMatchObject({ reason: "blurred or too dark" });
    expect(lines.every(({ seen, ms }) => seen.label && ms > 0)).toBe(true);
    await page.goBack();
    await page.waitForSelector(".audit-queues");
  });

  it("is blind for a second person: label and answers are neither asked for nor shown", async () => {
    const { page, asked } = await sit("ben", "?queue=second-pass");
    await page.waitForSelector(".audit-pair img");
    const seen = await page.textContent("main");
    expect(seen).toContain("1 of 6");
    expect(seen).not.toMatch(/As recorded|Recorded:|anna|You said/);
    for (let i = 1; i <= 6; i++) {
      await page.keyboard.press("f");
      await savedIs(page, i);
    }
    await page.waitForSelector(".audit-finished");
    expect(
      asked.filter((path) => /\.csv|ledger|predictions|annotations$/.test(path) && !path.includes("POST")),
    ).toEqual(
      Array.from({ length: 6 }, () => expect.stringMatching(/\/annotations$/)), // what it saves
    );
    expect(asked.some((path) => path.includes("blind=ben"))).toBe(true);
    const own = (await judged()).filter(({ annotator }) => annotator === "ben");
    expect(
      own.every(({ seen, choice, recorded }) => !seen.label && choice === "relabel" && recorded.gender),
    ).toBeTruthy();
  });

  it("shows each what the other did meanwhile, and overwrites nothing", async () => {
    const anna = await sit("anna", "?queue=control&size=8");
    const cleo = await sit("cleo", "?queue=second-pass");
    await cleo.page.waitForSelector('.audit-progress :text("of 6")');
    await anna.page.waitForSelector(".audit-pair img");
    await anna.page.keyboard.press("c");
    await cleo.page.waitForSelector('.audit-progress :text("of 7")');
    await Promise.all([anna.page.keyboard.press("c"), cleo.page.keyboard.press("m")]);
    await Promise.all([savedIs(anna.page, 2), savedIs(cleo.page, 1)]);
    await cleo.page.waitForSelector('.audit-progress :text("of 8")');
    expect(await judged()).toHaveLength(15);
  });

  it("shows the differing answers to whoever settles them", async () => {
    const { page } = await sit("dora", "?queue=disputes");
    await page.waitForSelector(".audit-said");
    expect(await page.textContent(".audit-said")).toMatch(/A1:.*A2: female/);
    const [, all] = /1 of (\d)/.exec((await page.textContent(".audit-progress"))!)!;
    for (let i = 1; i <= Number(all); i++) {
      await page.keyboard.press("f");
      await savedIs(page, i);
    }
    await page.waitForSelector(".audit-finished");
    const lines = standing((await readAnnotations(log)).lines);
    expect(lines.judgements.filter(({ settles, seen }) => settles && seen.judgements)).toHaveLength(
      Number(all),
    );
    expect(resolveAudit(lines).decisions.length).toBeGreaterThan(0);
  });

  it("shows agreement as the command line does, with n and subjects", async () => {
    const { page } = await sit("dora", "?panel=agreement");
    await page.waitForSelector("main h1:text-is('Agreement')");
    const text = await page.textContent("main");
    expect(text).toMatch(/judgements of 8 pairs and subjects by 4 annotators/);
    expect(text).toMatch(/rows rest on fewer than 20 subjects: too small for a figure/);
    expect(text).toMatch(/pairs of the random control sample \(\d subjects/);
  });

  // What is dark or narrow is a style alone (web/style.css): half of them are opened wide and light, half narrow and dark, and all are
  // then seen in every other way.
  it.each([
    { query: "", opened: { width: 1400 } },
    { query: "?queue=control&size=8&seed=1", opened: { width: 390, dark: true } },
    { query: "?queue=disputes", opened: { width: 390, dark: true } },
    { query: "?panel=agreement", opened: { width: 1400 } },
  ])("has nothing that axe finds, light and dark, wide and narrow: %o", async ({ query, opened }) => {
    const { page } = await sit("eve", query, opened);
    await page.waitForSelector(".audit-queues, .audit-screen, table, .soft");
    for (const width of [opened.width, 1790 - opened.width])
      for (const dark of [opened.width === 390, opened.width !== 390]) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
        expect([width, dark, await violations(page)]).toEqual([width, dark, []]);
        const wide = await page.evaluate(
          () => document.querySelector("main")!.scrollWidth - document.querySelector("main")!.clientWidth,
        );
        expect([width, dark, wide]).toEqual([width, dark, 0]);
      }
  });
});
