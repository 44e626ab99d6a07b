// A real browser on the page that a real server sends: Chromium by Playwright, where it is installed.
// Invariants: a fault in the page or in its console fails the test that caused it; nothing but the server is asked.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { type Served, type ServeOptions, serve } from "../../src/server/serve.ts";
import { CHROMIUM, type LaunchOptions, PLACES, sharedBrowser } from "./chromium.ts";

export { CHROMIUM };

if (CHROMIUM === undefined)
  process.stderr.write(`Skipping tests in a browser: no Chromium (${PLACES.join(", ")}); install chromium\n`);

/** How a window is. */
export interface Window {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly dark?: boolean | undefined;
  /** What the page finds in the browser's storage. */
  readonly stored?: Readonly<Record<string, string>> | undefined;
}

/** A page under test. */
export interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses that were asked for, without their host. */
  readonly asked: readonly string[];
  /** Closes the page before the test ends: the next one that is opened need not start a profile of its own. */
  readonly close: () => Promise<void>;
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
 * Starts a server, and a browser if none runs, around the tests of a file. A test's pages are closed when it ends; their profiles are
 * emptied and given to the pages of later tests, as a new one takes more processor time than most tests do.
 *
 * @param roots - folders that are served, known when tests start
 * @param more - further options of the server
 * @param how - the browser is started
 */
export function windows(
  roots: () => readonly string[],
  more: () => Partial<ServeOptions> = () => ({}),
  how: LaunchOptions = {},
): Windows {
  let served: Served;
  let browser: Browser;
  const profiles: BrowserContext[] = []; // that no page uses
  const opened = new Set<Opened>();
  const start = async (port: number) => {
    served = await serve({ roots: roots(), version: "1.0.0", port, ...more() });
  };
  beforeAll(async () => {
    browser = await sharedBrowser(how);
    await start(0);
  });
  afterEach(async () => {
    for (const one of opened) await one.close();
  });
  afterAll(async () => {
    for (const context of profiles) await context.close();
    await served?.close();
  });
  /** A page of its own profile, which holds what is asked for and nothing of a page before it. */
  const newPage = async (stored: Readonly<Record<string, string>>) => {
    const before = profiles.pop();
    const context = before ?? (await browser.newContext());
    const page = await context.newPage();
    if (before === undefined && Object.keys(stored).length === 0) return page;
    await context.clearCookies();
    // Of the same origin, without the page's code; the server, which has no such file, is not asked, nor for an icon of it.
    const body = '<link rel="icon" href="data:,">';
    await page.route("**/empty.html", (route) => route.fulfill({ contentType: "text/html", body }));
    await page.goto(new URL("/empty.html", served.url).href);
    await page.unroute("**/empty.html");
    await page.evaluate((items) => {
      localStorage.clear();
      for (const [key, value] of Object.entries(items)) localStorage.setItem(key, value);
    }, stored);
    return page;
  };
  return {
    served: () => served,
    restart: async () => {
      const { port } = served;
      await served.close();
      await start(port);
    },
    open: async (fragment = "", { width = 1400, height = 900, dark = false, stored = {} } = {}) => {
      const page = await newPage(stored);
      const context = page.context();
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: dark ? "dark" : "light", reducedMotion: "reduce" });
      const asked: string[] = [];
      const faults: string[] = [];
      page.on("request", (request) => void asked.push(request.url().replace(/^http:\/\/[^/]+/, "")));
      page.on("pageerror", (error) => void faults.push(error.message));
      page.on(
        "console",
        (line) => void (line.type() === "error" && faults.push(`${line.text()} ${line.location().url}`)),
      );
      const one: Opened = {
        ...{ page, context, asked },
        close: async () => {
          opened.delete(one);
          const found = [...faults]; // what it asks for as it closes fails, which is no fault
          for (const each of context.pages()) await each.close();
          profiles.push(context);
          expect(found).toEqual([]);
        },
      };
      opened.add(one);
      await page.goto(served.url + fragment); // the server leads on to itself, and the fragment stays
      await page.waitForSelector("main h1");
      return one;
    },
  };
}

/** Reloads the page once its address is written, which is done behind what is shown, in a task of its own. */
export async function reload(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((done) => setTimeout(done)));
  await page.reload();
}

const STILL_MS = 300;

/**
 * What a page asks for while nobody does anything: nothing, once it is loaded. That nothing comes is no event that could be
 * waited for: hence a time, which may only miss a request, never fail without one.
 *
 * @param asked - grows with each request of the page
 */
export async function askedAlone(page: Page, asked: readonly string[]): Promise<string[]> {
  await page.waitForLoadState("networkidle");
  const before = asked.length;
  await page.waitForTimeout(STILL_MS);
  return asked.slice(before);
}
