// `npm run bench -- page`: how fast the page shows, filters, sorts and scrolls drawn ledgers of 15,064 and of 550,000 frames, in Chromium.
// What is timed: opening until tiles are in the document; a click on a filter, and a choice of an order, until the document has what
// follows of it (all counts and histograms are open); the longest time that a cell in sight has no decoded picture while the grid is
// scrolled fast; memory of the tab as Chromium measures it, after all of that. Of the large ledger only the first rows have pictures.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { PROGRAM } from "../src/cli/version.ts";
import { CHROMIUM } from "../test/browser/chromium.ts";
import { writeDrawnLedger } from "../test/drawn-ledger.ts";
import { checkout, idleShare, machine } from "./machine.ts";
import { parseOptions } from "./options.ts";
import { quantile, spread } from "./statistics.ts";
import { VERSIONS } from "./versions.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Drawn ledgers are kept: the large one takes a minute to write. */
const CACHE = join(ROOT, "node_modules/.cache/facehand-bench");
export const SIZES = [
  { rows: 15_064, pictures: 15_064 },
  { rows: 550_000, pictures: 3000 },
] as const;
const OPTIONS = {
  /** Times that everything is done. */
  repeats: { type: "string", default: "10" },
  "no-record": { type: "boolean", default: false },
} as const;
/** Filters that are set one more at a time, then taken away: words of facets that do not depend on each other. */
const FILTERS = [
  ["gesture", "one"],
  ["age", "20-29"],
  ["race", "Black"],
  ["hand_from", "annotation"],
  ["gender", "female"],
] as const;
const ORDERS = [
  ["sort", "face_px"],
  ["sort", "face_sharpness"],
  ["sort", "ita"],
  ["sort", "face_score"],
  ["sort", "hand_turn"],
] as const;
/** A facet and its word, or `sort` and the column. */
type Action = readonly [facet: string, value: string];
const SCROLL_MS = 2000;

interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** Measures, and records a row for each size. */
export async function page(args: readonly string[]): Promise<void> {
  if (CHROMIUM === undefined) return console.log("No Chromium: install it to measure the page.");
  const { values, positionals } = parseOptions(args, OPTIONS);
  const repeats = Number(values.repeats);
  const flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: flags });
  try {
    for (const size of SIZES.filter(
      ({ rows }) => positionals.length === 0 || positionals.includes(String(rows)),
    )) {
      const served = await serve(await drawn(size));
      try {
        await measure(browser, served, { rows: size.rows, repeats, dry: values["no-record"] });
      } finally {
        await served.close();
      }
    }
  } finally {
    await browser.close();
  }
}

/** The command line as people start it, on a port of its own. */
async function serve(dir: string): Promise<Served> {
  const child = spawn(process.execPath, [PROGRAM, "serve", dir, "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [url] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  return {
    url: url.trim(),
    close: async () => {
      child.kill("SIGTERM");
      await once(child, "close");
    },
  };
}

export async function drawn({ rows, pictures }: (typeof SIZES)[number]): Promise<string> {
  const dir = join(CACHE, `ledger-${rows}-${pictures}-2`);
  if (existsSync(join(dir, "manifest.json"))) return dir;
  rmSync(dir, { recursive: true, force: true });
  console.log(`Drawing a ledger of ${rows} frames ...`);
  await writeDrawnLedger(dir, { rows, pictures });
  return dir;
}

interface Asked {
  readonly rows: number;
  readonly repeats: number;
  readonly dry: boolean;
}

async function measure(browser: Browser, served: Served, { rows, repeats, dry }: Asked): Promise<void> {
  const idleBefore = await idleShare();
  const taken: Taken = {
    openMs: [],
    filterMs: [],
    sortMs: [],
    filterCpuMs: [],
    sortCpuMs: [],
    blankMs: [],
    memoryMb: [],
  };
  for (let i = 0; i < repeats; i++) await measureOnce(browser, served, taken, i === repeats - 1);
  const row = {
    benchmark: "page",
    rows,
    repeats,
    ...(Object.fromEntries(
      Object.entries(taken).map(([name, values]) => [
        name,
        { ...spread(values), p95: Number(quantile(values, 0.95).toFixed(1)) },
      ]),
    ) as Record<keyof Taken, ReturnType<typeof spread> & { readonly p95: number }>),
    versions: { node: process.versions.node, facehand: VERSIONS.facehand, chromium: browser.version() },
    ...checkout(),
    machine: { ...machine(), idleBefore, idleAfter: await idleShare() },
    time: new Date().toISOString(),
  };
  const line = JSON.stringify(row);
  console.log(
    `${rows} rows: opened ${row.openMs.median} ms, filter p95 ${row.filterMs.p95} ms (median ${row.filterMs.median} ms, processor ${row.filterCpuMs.median} ms), sort ${row.sortMs.median} ms (p95 ${row.sortMs.p95}, processor ${row.sortCpuMs.median} ms), longest blank ${row.blankMs.median} ms, memory ${row.memoryMb.median} MB`,
  );
  if (Math.min(row.machine.idleBefore, row.machine.idleAfter) < 0.9)
    console.log(
      `The machine was busy (idle ${idleBefore}, ${row.machine.idleAfter}): do not trust this run.`,
    );
  console.log(line);
  if (!dry) appendFileSync(join(ROOT, "bench/results.jsonl"), `${line}\n`);
}

/** What was measured, in the order of measuring. */
interface Taken {
  readonly openMs: number[];
  readonly filterMs: number[];
  readonly sortMs: number[];
  readonly filterCpuMs: number[];
  readonly sortCpuMs: number[];
  readonly blankMs: number[];
  readonly memoryMb: number[];
}

/**
 * Opens a new window, and does everything in it once.
 *
 * @param isLast - whether memory is measured too: Chromium waits up to a minute for a collection before it tells
 */
async function measureOnce(browser: Browser, served: Served, taken: Taken, isLast: boolean): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  await context.addInitScript("globalThis.__name = (f) => f"); // tsx marks functions so
  const first = await context.newPage();
  await first.goto(served.url); // the cookie
  const { things } = (await first.evaluate(() => fetch("./api/things.json").then((r) => r.json()))) as {
    things: readonly { readonly id: string }[];
  };
  await first.close();
  const tab = await context.newPage();
  await tab.goto(`${new URL(served.url).origin}/#/pairs/${things[0]!.id}`);
  taken.openMs.push(await whenUsable(tab));
  await openHistograms(tab);
  const cpu = await processorTime(tab);
  const begun = await cpu();
  const filtered = await tab.evaluate(actionTimes, [...FILTERS, ...FILTERS]);
  taken.filterCpuMs.push(((await cpu()) - begun) / filtered.length);
  taken.filterMs.push(...filtered);
  const between = await cpu();
  const sorted = await tab.evaluate(actionTimes, ORDERS);
  taken.sortCpuMs.push(((await cpu()) - between) / sorted.length);
  taken.sortMs.push(...sorted);
  await tab.selectOption(".pairs-bar select >> nth=0", "");
  taken.blankMs.push(await tab.evaluate(longestBlank, SCROLL_MS));
  if (isLast) taken.memoryMb.push(await tab.evaluate(memoryOfTab));
  await context.close();
}

/** Processor time of the page's own thread since it began, drawing included, ms: what other work on the machine does not add to. */
async function processorTime(tab: Page): Promise<() => Promise<number>> {
  const session = await tab.context().newCDPSession(tab);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return 1000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN);
  };
}

/** Milliseconds from the start of the navigation until tiles are there. */
async function whenUsable(tab: Page): Promise<number> {
  const handle = await tab.waitForFunction(() =>
    document.querySelector(".pairs-tile") === null ? undefined : performance.now(),
  );
  return Number(await handle.jsonValue());
}

async function openHistograms(tab: Page): Promise<void> {
  await tab.waitForSelector("[data-measure=twin_bits], [data-measure=ita]", { state: "attached" });
  await tab.evaluate(() => {
    for (const details of document.querySelectorAll<HTMLDetailsElement>(".pairs-measure"))
      details.open = true;
  });
  await tab.waitForFunction(() => document.querySelectorAll(".pairs-bars").length >= 15);
}

/** In the page: times from a click on a facet, or from a choice of an order, until the document has what follows of it. */
async function actionTimes(actions: readonly Action[]): Promise<number[]> {
  const total = () => document.querySelector(".pairs-total strong")?.textContent;
  const firstTile = () => document.querySelector(".pairs-tile")?.id;
  const times: number[] = [];
  for (const [facet, value] of actions) {
    const labels = document.querySelectorAll<HTMLLabelElement>(`[data-facet=${facet}] label`);
    const box = [...labels]
      .find((label) => label.querySelector(".pairs-word")?.textContent === value)
      ?.querySelector("input");
    const select = document.querySelector<HTMLSelectElement>(".pairs-bar select")!;
    const act = () => {
      if (facet !== "sort") return box!.click();
      select.value = value;
      select.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const read = facet === "sort" ? firstTile : total;
    await new Promise((resolve) => setTimeout(resolve, 120));
    const before = read();
    // It watches before anything is done: what is changed at once is seen too.
    const seen = new Promise<number>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`nothing new after ${facet}=${value}`)), 10_000);
      const watcher = new MutationObserver(() => {
        if (read() === before) return;
        clearTimeout(late);
        watcher.disconnect();
        resolve(performance.now());
      });
      watcher.observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
        attributes: true,
      });
    });
    const start = performance.now();
    act();
    times.push((await seen) - start);
  }
  return times;
}

/** In the page: scrolls fast, and gives the longest time that a cell in sight did not have the picture that it is to have. */
async function longestBlank(forMs: number): Promise<number> {
  const grid = document.querySelector<HTMLElement>(".pairs-grid")!;
  const since = new Map<string, number>();
  let longest = 0;
  const begin = performance.now();
  await new Promise<void>((resolve) => {
    const frame = (now: number) => {
      grid.scrollTop += grid.clientHeight / 12;
      const { top, bottom } = grid.getBoundingClientRect();
      const seen = new Set<string>();
      for (const half of grid.querySelectorAll(".pairs-half")) {
        const box = half.getBoundingClientRect();
        const [image, none] = half.children as unknown as [HTMLImageElement, HTMLElement];
        const isThere = !image.hidden && image.complete && image.naturalWidth > 0;
        if (box.bottom <= top || box.top >= bottom || !none.hidden || isThere) continue;
        const cell = `${half.closest(".pairs-tile")!.id} ${image.alt}`;
        seen.add(cell);
        const from = since.get(cell) ?? now;
        since.set(cell, from);
        longest = Math.max(longest, now - from);
      }
      for (const cell of since.keys()) if (!seen.has(cell)) since.delete(cell);
      if (now - begin < forMs) requestAnimationFrame(frame);
      else resolve();
    };
    requestAnimationFrame(frame);
  });
  return longest;
}

/** In the page: memory of the tab and its threads, MB. */
async function memoryOfTab(): Promise<number> {
  const { measureUserAgentSpecificMemory } = performance as Performance & {
    measureUserAgentSpecificMemory?: () => Promise<{ readonly bytes: number }>;
  };
  if (measureUserAgentSpecificMemory === undefined) return Number.NaN;
  const { bytes } = await measureUserAgentSpecificMemory.call(performance);
  return bytes / 2 ** 20;
}
