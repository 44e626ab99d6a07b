// ONNX Runtime in a page, opened by the thread that views use, under the server's policy: what runs, why, and what it computes.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Work } from "../../bench/side.ts";
import { runStep, stepConfig } from "../../bench/step-runner.ts";
import { createSession } from "../../src/engine/runtime/open-session.ts";
import type { StepRuntime } from "../../src/train/step/compile.ts";
import { openTrainStep } from "../../src/train/step/local.ts";
import type { PageRuntimeFacts } from "../../src/web/ort-web.ts";
import { CHROMIUM } from "./browser.ts";
import { SOFTWARE } from "./chromium.ts";
import { tinyImages, tinyModel, trainTiny } from "./in-page/tiny-network.ts";
import { buildInPage, type InPage, openInPage } from "./in-page.ts";

const WORK: Work = { model: "test_efficientnet", batch: 4, sizePx: 32, threads: 2, lowering: "plain" };

const ON_CPU: StepRuntime = {
  ...{ provider: "cpu", overwrites: true },
  createSession: (model, { optimization }) => createSession(model, { optimization, threads: 1 }),
};

async function ofNode(): Promise<number[]> {
  const session = await createSession(tinyModel("cpu"), { threads: 1 });
  const { made } = await session.run({ images: tinyImages() });
  await session.release();
  return [...(made!.data as Float32Array)];
}

const furthest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe.skipIf(CHROMIUM === undefined)("ONNX Runtime in the page", () => {
  let built: string;
  let page: InPage;
  /** What the page's thread says of itself: opened once, whichever of the tests run. */
  let facts: PageRuntimeFacts;
  beforeAll(async () => {
    built = await buildInPage();
    page = await openInPage(built);
    facts = await page.ask("open", { threads: 2 });
  });
  afterAll(async () => {
    await page?.close();
  });

  it("runs on WebAssembly with threads, and says so", async () => {
    expect(facts).toMatchObject({ provider: "wasm", threads: 2 });
    expect(facts.reason).toMatch(
      /^(no adapter of WebGPU|a browser, or an address, without WebGPU); 2 threads on \d+ logical cores$/,
    );
    const wanted = await ofNode();
    expect(new Set(wanted).size).toBe(8);
    for (const options of [
      {},
      { optimization: "disabled", memoryPattern: true, config: { "session.set_denormal_as_zero": "1" } },
    ] as const) {
      const { made, into, late } = await page.ask("tiny", options);
      expect(furthest(made, wanted)).toBeLessThan(1e-5);
      expect(into).toEqual(made);
      expect(late).toBe("RELEASED");
    }
    // The code is loaded again by each thread of its own: one here, beside the worker's.
    expect(page.asked.filter((path) => /ort-wasm.*\.mjs$/.test(path)).length).toBe(2);
    expect(page.asked.filter((path) => /ort-wasm.*\.wasm$/.test(path)).length).toBe(1);
    const answer = page.answers.find(({ path }) => path.endsWith(".wasm"));
    expect(answer).toMatchObject({ type: "application/wasm", cache: "private, max-age=31536000, immutable" });
    expect(page.faults).toEqual([]);
  });

  it("refuses what is no model in the words of Node, and WebGPU where there is none", async () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i);
    const { fault } = await page.tryAsk("refused", bytes, "m.onnx");
    expect(fault).toMatchObject({ kind: "data", code: "MODEL_REFUSED" });
    expect(fault!.message).toContain("Expected a model that ONNX Runtime accepts in m.onnx, got ");
    const none = await page.tryAsk("open", { provider: "webgpu" });
    expect(none.fault).toMatchObject({ kind: "input", code: "DEVICE", hint: "use WebAssembly" });
    expect((await page.ask("tiny")).made).toHaveLength(8);
  });

  it("trains as Node does, by the same step", async () => {
    await page.ask("openStep", WORK);
    const node = await runStep(WORK, () =>
      openTrainStep({ ...stepConfig(WORK), threads: 1, lowering: "plain" }),
    );
    for (let i = 0; i < 3; i++) {
      const { result } = await page.ask("run");
      expect(Math.abs(result / (await node.run()) - 1)).toBeLessThan(1e-4);
    }
    for (const accumulate of [1, 2]) {
      const trained = await page.ask("train", accumulate);
      const wanted = await trainTiny(ON_CPU, accumulate);
      expect(furthest(trained.weights, wanted.weights)).toBeLessThan(1e-4);
      expect(trained.reads).toBe(0);
    }
  });

  it("has one thread on a host without the headers, and the reason", async () => {
    const alone = await openInPage(built, { plain: true });
    const { threads, reason } = await alone.ask("open", { threads: 2 });
    expect(threads).toBe(1);
    expect(reason).toContain("one thread, since this server sends no headers that let a page share memory");
    expect(furthest((await alone.ask("tiny")).made, await ofNode())).toBeLessThan(1e-5);
    expect(alone.faults).toEqual([]);
    await alone.close();
  });

  it("computes on WebGPU what WebAssembly does (needs an adapter of WebGPU)", {
    timeout: 240_000,
  }, async (context) => {
    const gpu = await openInPage(built, SOFTWARE);
    const { made: opened, fault } = await gpu.tryAsk("open", { provider: "webgpu", threads: 1 });
    if (fault !== undefined) {
      await gpu.close();
      return context.skip(`no WebGPU here: ${fault.message}`);
    }
    expect(opened).toMatchObject({ provider: "webgpu" });
    // What a step replaces is freed: more steps take no more buffers. (131 after 5 and after 199, as was tried by hand.) First, while
    // there are none to be used again.
    const buffers = await gpu.ask("buffers", 16, [4, 8, 16]);
    expect(buffers).toEqual([buffers[0], buffers[0], buffers[0]]);
    const { made, into } = await gpu.ask("tiny");
    expect(furthest(made, await ofNode())).toBeLessThan(1e-3);
    expect(made).not.toEqual((await page.ask("tiny")).made); // of another processor: rounded otherwise
    expect(into).toEqual(made);
    // State stays on the device from step to step, and is what it is on the CPU.
    for (const accumulate of [1, 2]) {
      const trained = await gpu.ask("train", accumulate);
      const wanted = await trainTiny(ON_CPU, accumulate);
      expect(trained.reads).toBeGreaterThan(5);
      expect(furthest(trained.losses, wanted.losses)).toBeLessThan(1e-4);
      expect(furthest(trained.weights, wanted.weights)).toBeLessThan(1e-3);
      expect(trained.slots.map(([name]) => name)).toEqual(["exp_avg", "exp_avg_sq", "ema"]);
      for (const [i, [name, values]] of wanted.slots.entries())
        expect(furthest(trained.slots[i]![1], values), name).toBeLessThan(1e-3);
    }
    expect(buffers[0]).toBeGreaterThan(await gpu.ask("close"));
    // Left to choose, a software adapter is not taken.
    expect(await gpu.ask("open", {})).toMatchObject({
      provider: "wasm",
      reason: expect.stringMatching(/software adapter.*swiftshader/),
    });
    expect(gpu.faults).toEqual([]);
    await gpu.close();
  });
});
