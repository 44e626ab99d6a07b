// A real browser on the page that a real server sends: Chromium by Playwright, where it is installed.
// Invariants: a fault in the page or in its console fails the test that caused it; nothing but the server is asked.
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { type Served, type ServeOptions, serve } from "../../src/server/serve.ts";
import { CHROMIUM, PLACES } from "./chromium.ts";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];

export { CHROMIUM };

if (CHROMIUM === undefined)
  process.stderr.write(`Skipping tests in a browser: no Chromium (${PLACES.join(", ")}); install chromium\n`);

/** How a window is. */
export interface Window {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly dark?: boolean | undefined;
}

/** A page under test. */
export interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses that were asked for, without their host. */
  readonly asked: readonly string[];
}

/** Windows on one server. */
export interface Windows {
  readonly served: () => Served;
  /** Opens the page with the key, at a fragment. */
  readonly open: (fragment?: string, window?: Window) => Promise<Opened>;
  /** Starts a server on the same port, as after a kill. */
  readonly restart: () => Promise<void>;
}

/**
 * Starts browser and server around the tests of a file.
 *
 * @param roots - folders that are served, known when tests start
 * @param more - further options of the server
 */
export function windows(
  roots: () => readonly string[],
  more: () => Partial<ServeOptions> = () => ({}),
): Windows {
  let browser: Browser;
  let served: Served;
  const contexts: BrowserContext[] = [];
  const start = async (port: number) => {
    served = await serve({ roots: roots(), version: "1.0.0", port, ...more() });
  };
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: FLAGS });
    await start(0);
  });
  afterAll(async () => {
    for (const context of contexts) await context.close();
    await browser?.close();
    await served?.close();
  });
  return {
    served: () => served,
    restart: async () => {
      const { port } = served;
      await served.close();
      await start(port);
    },
    open: async (fragment = "", { width = 1400, height = 900, dark = false } = {}) => {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: dark ? "dark" : "light",
        reducedMotion: "reduce",
      });
      contexts.push(context);
      const page = await context.newPage();
      const asked: string[] = [];
      const faults: string[] = [];
      page.on("request", (request) => void asked.push(request.url().replace(/^http:\/\/[^/]+/, "")));
      page.on("pageerror", (error) => void faults.push(error.message));
      page.on("console", (line) => void (line.type() === "error" && faults.push(line.text())));
      page.once("close", () => expect(faults).toEqual([]));
      await page.goto(served.url);
      if (fragment !== "") await page.goto(new URL(fragment, page.url()).href);
      await page.waitForSelector("main h1");
      return { page, context, asked };
    },
  };
}
