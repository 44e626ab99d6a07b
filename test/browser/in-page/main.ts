// The page under test: starts its thread, and hands on what tests and benchmarks ask of it.
import type { Asked, Said, TASKS } from "./worker.ts";

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
const waiting = new Map<number, (said: Said) => void>();
worker.addEventListener("message", ({ data }: MessageEvent<Said>) => {
  waiting.get(data.ask)?.(data);
  waiting.delete(data.ask);
});
worker.addEventListener("error", ({ message }) => {
  throw new Error(`The thread failed: ${message}`);
});

let last = 0;

/** What the thread answers, or its fault as data. */
async function ask<K extends keyof typeof TASKS>(
  task: K,
  ...args: Parameters<(typeof TASKS)[K]>
): Promise<Said> {
  const asked: Asked = { ask: ++last, task, args };
  return await new Promise((resolve) => {
    waiting.set(asked.ask, resolve);
    worker.postMessage(asked);
  });
}

Object.assign(globalThis, { ask });
