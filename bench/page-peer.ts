// `npm run bench -- page-peer --python PATH`: Renumics Spotlight opens and filters the drawn ledger of 15,064 frames, in the same Chromium
// as `page`. What is timed: opening until the first cells of its table are in the document; a filter, from its button until the count of rows
// has changed. Pictures show in its inspector for selected rows only, so they are not part of its times. Memory is the heap of its page.
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { AppError, unexpected } from "../src/core/errors.ts";
import { CHROMIUM } from "../test/browser/chromium.ts";
import { checkout, idleShare, machine } from "./machine.ts";
import { parseOptions } from "./options.ts";
import { drawn, SIZES } from "./page.ts";
import { findPython } from "./peer.ts";
import { quantile, spread } from "./statistics.ts";

const RESULTS = fileURLToPath(new URL("results.jsonl", import.meta.url));
const SCRIPT = fileURLToPath(new URL("peer/spotlight.py", import.meta.url));
/** Words of the column `gesture`, one for each time it is opened. */
const WORDS = ["one", "fist", "palm", "call", "stop"];

const OPTIONS = {
  python: { type: "string" },
  repeats: { type: "string", default: "5" },
  "no-record": { type: "boolean", default: false },
} as const;

/** Measures, and records a row. */
export async function pagePeer(argv: readonly string[]): Promise<void> {
  const { values } = parseOptions(argv, OPTIONS);
  const python = findPython(values.python, undefined, "pandas, renumics.spotlight");
  if ("missing" in python || CHROMIUM === undefined) {
    const got = "missing" in python ? python.missing : "no Chromium";
    throw unexpected("input", {
      code: "PEER",
      expected: "Python with Spotlight, and Chromium",
      name: "the peer",
      got,
    });
  }
  const [size] = SIZES;
  const child = spawn(python.path, [SCRIPT, await drawn(size)], { stdio: ["pipe", "pipe", "inherit"] });
  const [, url, version] = (await ready(child.stdout)).split(" ") as [string, string, string];
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const idleBefore = await idleShare();
  const [openMs, filterMs, memoryMb]: [number[], number[], number[]] = [[], [], []];
  try {
    for (let i = 0; i < Number(values.repeats); i++) {
      const found = await visit(browser, url, WORDS[i % WORDS.length]!);
      openMs.push(found.openMs);
      filterMs.push(found.filterMs);
      memoryMb.push(found.memoryMb);
    }
  } finally {
    await browser.close();
    child.stdin.end();
  }
  const times = (list: readonly number[]) => ({
    ...spread(list),
    p95: Number(quantile(list, 0.95).toFixed(1)),
  });
  const row = {
    benchmark: "page-peer",
    rows: size.rows,
    repeats: Number(values.repeats),
    openMs: times(openMs),
    filterMs: times(filterMs),
    memoryMb: times(memoryMb),
    versions: { spotlight: version, chromium: browser.version() },
    ...checkout(),
    machine: { ...machine(), idleBefore, idleAfter: await idleShare() },
    time: new Date().toISOString(),
  };
  console.log(JSON.stringify(row));
  if (!values["no-record"]) appendFileSync(RESULTS, `${JSON.stringify(row)}\n`);
}

/** Its line of the address and version, after what the library says. */
async function ready(stdout: Readable): Promise<string> {
  for await (const line of createInterface({ input: stdout })) if (line.startsWith("READY ")) return line;
  throw new AppError("remote", "PEER", "Expected Spotlight to serve, got its end");
}

/** Opens it in a profile of its own, filters by a word, and asks for the memory. */
async function visit(browser: Browser, url: string, word: string) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  await context.addInitScript("globalThis.__name = (f) => f"); // tsx marks functions so
  const tab = await context.newPage();
  const begun = performance.now();
  await tab.goto(url);
  await tab.waitForFunction(
    () =>
      document.querySelector("[data-test-tag=datagrid], [data-tour=datagrid]")?.textContent?.includes("palm"),
    null,
    {
      polling: "raf",
      timeout: 120_000,
    },
  );
  const openMs = performance.now() - begun;
  const filterMs = await filter(tab, word);
  const session = await context.newCDPSession(tab);
  await session.send("HeapProfiler.collectGarbage");
  await session.send("Performance.enable");
  const { metrics } = await session.send("Performance.getMetrics");
  const memoryMb = metrics.find(({ name }) => name === "JSHeapUsedSize")!.value / 2 ** 20;
  await context.close();
  return { openMs, filterMs, memoryMb };
}

/** Sets one filter. */
async function filter(tab: Page, word: string): Promise<number> {
  const bar = tab.locator("[data-tour=filterBar]");
  await bar.locator("button").first().click();
  await tab.keyboard.type("gesture");
  await tab.keyboard.press("Enter");
  await bar.locator("input").nth(1).focus();
  await tab.keyboard.press("Enter"); // its first comparison: equality
  await bar.locator("input[placeholder=reference]").fill(word);
  return tab.evaluate(untilFiltered);
}

/** In the page: from the button that applies the filter to another count of rows. */
function untilFiltered(): Promise<number> {
  const count = document.querySelector(
    "[data-test-tag=datagrid-filtered-count], [data-tour=datagrid-filtered-count]",
  )!;
  const before = count.textContent;
  const apply = [...document.querySelectorAll<HTMLElement>("[data-tour=filterBar] button")].find(
    (button) => !button.hasAttribute("disabled"),
  );
  return new Promise((resolve) => {
    const begun = performance.now();
    const watch = () =>
      count.textContent === before ? requestAnimationFrame(watch) : resolve(performance.now() - begun);
    apply!.click();
    watch();
  });
}
