// The server is killed while people judge: nothing that the page showed as saved is lost, and nothing is there twice.
// The page's saving code runs in Node here, against a real `facehand serve`, for a number of kills that a test can wait for
// (`npm run harden -- --only judging` has hundreds); a browser lives through some of its own below.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { annotationsOf, readAnnotations } from "../../src/audit/log.ts";
import { judgeThroughKills, startServer } from "../audit-kills.ts";
import { aPair, layPairs } from "../dataset.ts";
import { CHROMIUM } from "./browser.ts";
import { sharedBrowser } from "./chromium.ts";

/** Kills of the server in one test. */
const KILLS = 8;
const BROWSER_KILLS = 3;

let root: string;
let set: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-audit-kills-"));
  set = join(root, "set");
  const pairs = Array.from({ length: 200 }, (_, i) => aPair(`p${i}`, `s${i}`));
  await layPairs(set, { train: pairs, val: [], test: [] });
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("a server that is killed at random moments", () => {
  it(`loses nothing of the page's saving code, ${KILLS} times`, async () => {
    const { faults, made } = await judgeThroughKills(root, set, KILLS, 1);
    expect(faults).toEqual([]);
    expect(made).toBeGreaterThan(KILLS);
  });

  it.skipIf(CHROMIUM === undefined)(
    `loses nothing that a browser shows as saved, ${BROWSER_KILLS} times`,
    async () => {
      let server = await startServer(root);
      const port = Number(server.url.port);
      const context = await (await sharedBrowser()).newContext();
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      await page.goto(server.url.href);
      await page.waitForSelector("main h1");
      await page.keyboard.press("3");
      await page.waitForSelector("main h1:text-is('Audit')");
      await page.click("main a");
      await page.fill("input[name=who]", "anna");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".audit-queues");
      await page.keyboard.press("a");
      await page.waitForSelector(".audit-pair img");
      let pressed = 0;
      for (let kill = 0; kill < BROWSER_KILLS; kill++) {
        for (let i = 0; i < 6; i++, pressed++) {
          if (i === 2 + kill) void server.kill();
          await page.keyboard.press("m");
        }
        if (server.child.exitCode === null && server.child.signalCode === null) await server.kill();
        const shown = Number(await page.getAttribute("[data-saved]", "data-saved"));
        const log = await readAnnotations(annotationsOf(set)).catch(() => ({ lines: [] }));
        expect(log.lines.length).toBeGreaterThanOrEqual(shown);
        server = await startServer(root, port);
        const opened = await context.newPage(); // as the person does: the printed address
        await opened.goto(server.url.href);
        await opened.close();
        await page.keyboard.press("r");
        await page.waitForSelector('[data-waiting="0"]');
      }
      const { lines } = await readAnnotations(annotationsOf(set));
      expect(lines).toHaveLength(pressed);
      expect(new Set(lines.map(({ id }) => id)).size).toBe(pressed);
      await context.close();
      await server.kill();
    },
  );
});
