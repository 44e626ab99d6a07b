// ◇ Browser-safe. Figures of runs as they come from the thread, kept as long as the page lives.
// Invariants: one thread, which does one thing after another; what was asked for once is not computed twice, unless its file changed.
import { type Signal, signal } from "@preact/signals";
import { AppError } from "../../core/errors.ts";
import { REPLICATES } from "../../evaluate/intervals/intervals.ts";
import { ROUTES, type Thing } from "../../server/api.ts";
import { urlOf } from "../app/source.ts";
import { predictionsOf } from "./configurations.ts";
import type { Answer, Results, Task } from "./worker.ts";

/** Something that is on its way, there, or will not come. */
export interface Coming<T> {
  readonly value?: T | undefined;
  readonly fault?: AppError | undefined;
}

let thread: Worker | undefined;
let last = 0;
const waiting = new Map<number, (answer: Answer) => void>();
const kept = new Map<string, Signal<Coming<unknown>>>();

function started(): Worker {
  if (thread !== undefined) return thread;
  thread = new Worker(new URL("../thread.ts", import.meta.url), { type: "module", name: "runs" });
  thread.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
    waiting.get(data.ask)?.(data);
    waiting.delete(data.ask);
  });
  thread.addEventListener("error", ({ message }) => {
    const fault = { kind: "internal", code: "PAGE", message: `Expected figures, got ${message}` } as const;
    for (const [ask, hear] of waiting) hear({ ask, fault });
    waiting.clear();
  });
  return thread;
}

/**
 * Has something computed, or gives what is computed already.
 *
 * @param key - of the task and of the version of its file
 */
export function asked<K extends keyof Results>(
  key: string,
  task: Task & { readonly do: K },
): Signal<Coming<Results[K]>> {
  const known = kept.get(key);
  if (known !== undefined) return known as Signal<Coming<Results[K]>>;
  const coming = signal<Coming<Results[K]>>({});
  kept.set(key, coming);
  const ask = ++last;
  waiting.set(ask, (answer) => {
    if ("result" in answer) coming.value = { value: answer.result as Results[K] };
    else {
      const { kind, code, message, hint } = answer.fault;
      coming.value = { fault: new AppError(kind, code, message, { hint }) };
    }
  });
  started().postMessage({ ...task, ask });
  return coming;
}

function ofRun<K extends "summary" | "rows">(what: K, run: Thing, split: string) {
  const name = predictionsOf(split);
  const key = [what, run.id, name, run.changed].join(" ");
  const url = urlOf(ROUTES.file(run.id, name));
  return asked<K>(key, { do: what, url, name: `${run.place}/${name}`, replicates: REPLICATES } as Task & {
    readonly do: K;
  });
}

/** Figures of a run's predictions of a split, with intervals over subjects. */
export const summaryOf = (run: Thing, split: string): Signal<Coming<Results["summary"]>> =>
  ofRun("summary", run, split);

/** The same with its rows and its groups. */
export const rowsOf = (run: Thing, split: string): Signal<Coming<Results["rows"]>> =>
  ofRun("rows", run, split);
