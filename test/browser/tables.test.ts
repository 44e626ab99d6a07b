// Datasets by their tables, in a real browser: a ledger as CSV, and the tables of pairs alone; both are seen and judged by the same views.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { annotationsOf, readAnnotations } from "../../src/audit/log.ts";
import { standing } from "../../src/audit/standing.ts";
import { imagePath, planLayout } from "../../src/dataset/layout.ts";
import { writePairs } from "../../src/dataset/store.ts";
import { encodeJpeg } from "../../src/pixels/image.ts";
import { aPair, layImages } from "../dataset.ts";
import { writeDrawnLedger } from "../drawn-ledger.ts";
import { CHROMIUM, windows } from "./browser.ts";

const ROWS = 200;
let root: string;
let kept: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-tables-"));
  ({ kept } = await writeDrawnLedger(join(root, "csv"), { rows: ROWS, asCsv: true }));
  const split = join(root, "split");
  const pairs = {
    train: [
      aPair("a", "s1", { gender: "male", age: "" }),
      aPair("b", "s1", { gender: "female" }),
      aPair("c", "s2"),
    ],
    val: [aPair("d", "s3", { gender: "female" })],
    test: [aPair("e", "s4"), aPair("f", "s4")],
  };
  await writePairs(split, pairs);
  await layImages(split, []); // the folders
  const grey = await encodeJpeg({ data: new Uint8Array(16 * 16 * 3).fill(128), width: 16, height: 16 });
  for (const { handImage, faceImage } of Object.values(pairs).flat()) {
    await writeFile(imagePath(planLayout(split), "hand", handImage), grey);
    await writeFile(imagePath(planLayout(split), "face", faceImage), grey);
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

const judged = async (set: string) =>
  standing((await readAnnotations(annotationsOf(join(root, set)))).lines).judgements;

describe.skipIf(CHROMIUM === undefined)("a dataset", () => {
  const { open } = windows(() => [root]);

  /** Opens one of the two in a view. */
  async function opened(view: "pairs" | "audit", set: "csv" | "split") {
    const { page } = await open(`#/${view}`, { stored: { "facehand.who": "anna" } });
    await page.click(`main li a:text-is("${set}")`);
    return page;
  }
  const total = (page: Page) => page.locator(".pairs-total").textContent();
  const counted = async (page: Page, facet: string) =>
    Object.fromEntries(
      await page
        .locator(`[data-facet=${facet}] label:not([hidden])`)
        .evaluateAll((labels) =>
          labels.map((label) => [
            label.querySelector(".pairs-word")!.textContent,
            Number(label.querySelector(".pairs-count")!.textContent),
          ]),
        ),
    );

  it("with its ledger as CSV has everything that Parquet gives: counts, measures, orders, thresholds, one pair", async () => {
    const page = await opened("pairs", "csv");
    await page.waitForSelector("[data-measure=face_px]", { state: "attached" });
    expect(await total(page)).toContain(`${ROWS} of ${ROWS} frames`);
    expect(await counted(page, "status")).toEqual({ kept, removed: ROWS - kept });
    await page.selectOption(".pairs-bar select >> nth=0", "face_px");
    const first = page.locator(".pairs-tile b").first();
    await expect.poll(async () => Number(await first.textContent())).toBeGreaterThanOrEqual(24);
    await page.locator(".pairs-grid").focus();
    await page.keyboard.press("m");
    await page.waitForSelector("[data-rule=face_size]");
    await page.locator(".pairs-grid").focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-column=face_px]");
    expect(await page.textContent("[data-column=face_px]")).toMatch(/face_size: removed below 28/);
  });

  it("with its ledger as CSV is judged by its kept rows, of a conflicting subject all at once", async () => {
    const page = await opened("audit", "csv");
    await page.waitForSelector(".audit-queues");
    await page.keyboard.press("e");
    await page.waitForSelector(".audit-known");
    expect(await page.textContent(".audit-known")).toContain("75 % of the subject's frames agree");
    const [, pairs] = /All of one subject: (\d+) pairs/.exec((await page.textContent(".audit-pictures"))!)!;
    expect(Number(pairs)).toBeGreaterThan(1);
    await page.keyboard.press("c");
    await page.waitForSelector('[data-saved="1"][data-waiting="0"]');
    expect(await judged("csv")).toMatchObject([
      { queue: "conflicts", choice: "confirm", user_id: expect.stringMatching(/^0+$/) },
    ]);
    expect((await judged("csv"))[0]).not.toHaveProperty("image_id");
    await page.keyboard.press("q");
    await page.fill("input[max]", String(ROWS));
    await page.locator("h1").click();
    await page.keyboard.press("a");
    await page.waitForSelector(`.audit-progress :text("1 of ${kept}")`);
  });

  it("of tables of pairs alone is seen without what only a ledger has", async () => {
    const page = await opened("pairs", "split");
    await page.waitForSelector("[data-facet=votes]", { state: "attached" });
    expect(await total(page)).toContain("6 of 6 pairs · 4 subjects");
    expect(await counted(page, "split")).toEqual({ train: 3, val: 1, test: 2 });
    expect(await counted(page, "gender")).toEqual({ female: 2, male: 4 });
    expect(await counted(page, "age")).toEqual({ "20-29": 5, "not recorded": 1 });
    expect(await counted(page, "votes")).toEqual({ agree: 4, differ: 2 });
    expect(await page.locator("[data-facet=reason], .pairs-measure, button:text('Thresholds')").count()).toBe(
      0,
    );
    expect(await page.locator("[data-facet=split] legend").textContent()).not.toContain("frames");
  });

  it("of tables of pairs alone has a subject with two genders in the queue of conflicts, which a person settles", async () => {
    const page = await opened("audit", "split");
    await page.waitForSelector(".audit-queues");
    await page.keyboard.press("e");
    await page.waitForSelector(".audit-known");
    expect(await page.textContent(".audit-known")).toContain("recorded as female and as male");
    expect(await page.textContent(".audit-progress")).toContain("1 of 1");
    await page.keyboard.press("f");
    await page.waitForSelector(".audit-finished");
    await page.waitForSelector('[data-saved="1"][data-waiting="0"]');
    const [line] = await judged("split");
    expect(line).toMatchObject({
      ...{ queue: "conflicts", user_id: "s1", choice: "relabel", to: { gender: "female" } },
      recorded: { race: "tan" }, // of gender and age there is no one value
    });
    expect(line!.recorded).not.toHaveProperty("gender");
  });
});
