// The thread of the page under test: what views do in theirs, for tests and benchmarks.

import { drawnImages, forwardModel, sumOf } from "../../../bench/forward-model.ts";
import type { Work } from "../../../bench/side.ts";
import { stepRunner } from "../../../bench/step-runner.ts";
import { AppError } from "../../../src/core/errors.ts";
import { Tensor } from "../../../src/engine/runtime/session.ts";
import type { DecodeOptions } from "../../../src/pixels/picture-file.ts";
import { decodeImage } from "../../../src/web/decode-image.ts";
import { openPageRuntime, type PageRuntime, type PageRuntimeOptions } from "../../../src/web/ort-web.ts";
import { tinyImages, tinyModel, trainTiny } from "./tiny-network.ts";

/** One thing that is asked. */
export interface Asked {
  readonly ask: number;
  readonly task: keyof typeof TASKS;
  readonly args: readonly unknown[];
}

/** What is answered: what the task gave, or why it failed. */
export interface Said {
  readonly ask: number;
  readonly made?: unknown;
  readonly fault?: {
    readonly kind: string;
    readonly code: string;
    readonly message: string;
    readonly hint: string | undefined;
  };
}

let runtime: PageRuntime | undefined;
/** A device of WebGPU is there as long as a session is, with what it compiled, which takes a software adapter most of its time. */
let kept: { readonly release: () => Promise<void>; readonly buffers: () => number } | undefined;
let runner: { readonly run: () => Promise<number> } | undefined;

const opened = () => {
  if (runtime === undefined) throw new Error("no runtime: ask for `open` first");
  return runtime;
};

/** Counts the device's buffers from now on: those that were made and not destroyed. */
function countBuffers(): () => number {
  type Prototype = Record<string, (...args: readonly unknown[]) => unknown>;
  const { GPUDevice, GPUBuffer } = globalThis as unknown as Record<string, { readonly prototype: Prototype }>;
  let there = 0;
  const counted = ({ prototype }: { readonly prototype: Prototype }, name: string, change: number) => {
    const own = prototype[name]!;
    prototype[name] = function (this: unknown, ...args: readonly unknown[]) {
      there += change;
      return own.apply(this, [...args]);
    };
  };
  counted(GPUDevice!, "createBuffer", 1);
  counted(GPUBuffer!, "destroy", -1);
  return () => there;
}

/** What can be asked. */
export const TASKS = {
  decode: async (bytes: Uint8Array, options: DecodeOptions) => {
    const { width, height, data } = await decodeImage(bytes, options);
    return { width, height, data, shared: !(data.buffer instanceof ArrayBuffer) };
  },
  open: async (options: PageRuntimeOptions) => {
    runtime = await openPageRuntime(options);
    const { provider, threads, reason } = runtime;
    if (provider === "webgpu") {
      const buffers = countBuffers();
      const { release } = await runtime.createSession(tinyModel(provider));
      kept = { release, buffers };
    }
    return { provider, threads, reason };
  },
  /** What the tiny network makes of its images, asked for twice at once; the second time into memory of the caller. */
  tiny: async (options: Parameters<PageRuntime["createSession"]>[1] = {}) => {
    const { provider, createSession } = opened();
    const session = await createSession(tinyModel(provider), options);
    const into = new Tensor("float32", new Float32Array(8), [2, 4]);
    const images = tinyImages();
    const [{ made }] = await Promise.all([session.run({ images }), session.run({ images }, { made: into })]);
    await session.release();
    const late = await session.run({ images }).catch((error: AppError) => error.code);
    return { made: [...(made!.data as Float32Array)], into: [...into.data], late };
  },
  /** What ONNX Runtime says of bytes that are no model. */
  refused: async (bytes: Uint8Array, where: string) => {
    await opened().createSession(bytes, { where });
  },
  /** Two steps of the tiny network: losses, weights and moments after them, and how much of that was read from a device. */
  train: async (accumulate: number) => {
    const { memory, ...rest } = opened().step;
    let reads = 0;
    const read = (tensor: Tensor) => {
      reads++;
      return memory!.read(tensor);
    };
    const made = await trainTiny({ ...rest, memory: memory && { ...memory, read } }, accumulate);
    return { ...made, reads };
  },
  /** How many buffers of the device there are after some steps of the tiny network, in parts. */
  buffers: async (steps: number, after: readonly number[]) => {
    const made: number[] = [];
    await trainTiny(opened().step, 2, {
      steps,
      onStep: (step) => void (after.includes(step) && made.push(kept!.buffers())),
    });
    return made;
  },
  /** Closes the device, and counts the buffers that are left of it. */
  close: async () => {
    await kept!.release();
    return kept!.buffers();
  },
  openForward: async (work: Work) => {
    const session = await opened().createSession(forwardModel(work, { provider: opened().provider }));
    const images = drawnImages(work);
    runner = { run: async () => sumOf(await session.run({ images })) };
    return { openMs: undefined };
  },
  openStep: async (work: Work) => {
    const made = await stepRunner(work, opened().step);
    runner = made;
    return { openMs: made.openMs };
  },
  run: async () => {
    const start = performance.now();
    const result = await runner!.run();
    return { result, ms: performance.now() - start };
  },
} as const;

self.addEventListener("message", async ({ data }: MessageEvent<Asked>) => {
  const { ask, task, args } = data;
  const work = TASKS[task] as (...args: readonly unknown[]) => Promise<unknown>;
  try {
    self.postMessage({ ask, made: await work(...args) } satisfies Said);
  } catch (error) {
    const { kind, code, message, hint } =
      error instanceof AppError
        ? error
        : { kind: "none", code: "NONE", message: String(error), hint: undefined };
    self.postMessage({ ask, fault: { kind, code, message, hint } } satisfies Said);
  }
});
