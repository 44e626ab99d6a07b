// The page's side of a benchmark: Chromium with the thread that tests use (test/browser/in-page/), built as the page is.
// Its times are those of the thread's own clock; processor time and peak memory are those of the page's process.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { CDPSession } from "playwright-core";
import { unexpected } from "../src/core/errors.ts";
import { CHROMIUM } from "../test/browser/chromium.ts";
import { buildInPage, openInPage } from "../test/browser/in-page.ts";
import { type Opened, serve, type Work } from "./side.ts";
import { VERSIONS } from "./versions.ts";

/**
 * Runs this process as the page's side.
 *
 * @param task - what the thread opens: the step is then its `run`
 * @throws AppError("input", "BENCH_CHROMIUM" | "BENCH_LOWERING")
 */
export async function servePage(task: "openForward" | "openStep"): Promise<void> {
  await serve({ facehand: VERSIONS.facehand, "onnxruntime-web": versionOfWeb() }, async (work) => {
    if (CHROMIUM === undefined)
      throw unexpected("input", {
        code: "BENCH_CHROMIUM",
        expected: "Chromium",
        name: "the page",
        got: "none",
        hint: "test/browser/install.sh",
      });
    if (work.lowering !== "plain")
      throw unexpected("input", {
        ...{ code: "BENCH_LOWERING", expected: "plain", name: "--lowering of a page", got: work.lowering },
        hint: "WebAssembly has no operators in blocks",
      });
    return await openPage(task, work);
  });
}

async function openPage(task: "openForward" | "openStep", work: Work): Promise<Opened> {
  const page = await openInPage(await buildInPage(), { optimizes: true, alone: true });
  const { threads } = await page.ask("open", { provider: "wasm", threads: work.threads });
  if (threads !== work.threads)
    throw unexpected("input", {
      ...{ code: "BENCH_THREADS", expected: `at most ${threads} in a page`, name: "--threads" },
      got: work.threads,
    });
  const { openMs } = await page.ask(task, work);
  const devtools = await page.browser.newBrowserCDPSession();
  return {
    openMs,
    step: async () => {
      const before = await cpuMs(devtools);
      const { result, ms } = await page.ask("run");
      const spent = (await cpuMs(devtools)) - before;
      return { result, ms, cpuMs: spent, peakMb: await peakMb(devtools) };
    },
    versions: { chromium: page.browser.version() },
    close: () => page.close(),
  };
}

/** Processes of pages: there is one page. */
async function renderers(devtools: CDPSession) {
  const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
  return processInfo.filter(({ type }) => type === "renderer");
}

async function cpuMs(devtools: CDPSession): Promise<number> {
  return (await renderers(devtools)).reduce((sum, { cpuTime }) => sum + 1000 * cpuTime, 0);
}

/** The kernel's high-water mark of the page's process; 0 where it is not known. */
async function peakMb(devtools: CDPSession): Promise<number> {
  if (process.platform !== "linux") return 0;
  const peaks = (await renderers(devtools)).map(({ id }) => {
    const status = readFileSync(`/proc/${id}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024;
  });
  return Math.max(...peaks);
}

function versionOfWeb(): string {
  const entry = createRequire(import.meta.url).resolve("onnxruntime-web/webgpu");
  const { version } = JSON.parse(readFileSync(join(dirname(entry), "../package.json"), "utf8"));
  return version as string;
}
