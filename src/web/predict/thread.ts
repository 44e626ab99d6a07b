// ◇ Browser-safe. What the page asks of the thread that predicts. Invariant: one thread, which lives as long as the page.
import { AppError } from "../../core/errors.ts";
import { PACKAGED_MODELS, type PackagedModel } from "../../find/models.ts";
import { ROUTES } from "../../server/api.ts";
import { whyAlone } from "../app/service.ts";
import { urlOf } from "../app/source.ts";
import type { Answer, ModelPlace, Results, Task } from "./worker.ts";

let thread: Worker | undefined;
let last = 0;
const waiting = new Map<number, (answer: Answer) => void>();

function started(): Worker {
  if (thread !== undefined) return thread;
  thread = new Worker(new URL("../thread.ts", import.meta.url), { type: "module", name: "predict" });
  thread.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
    waiting.get(data.ask)?.(data);
    waiting.delete(data.ask);
  });
  thread.addEventListener("error", ({ message }) => {
    const fault = {
      kind: "internal",
      code: "PAGE",
      message: `Expected predictions, got ${message}`,
    } as const;
    for (const [ask, hear] of waiting) hear({ ask, fault });
    waiting.clear();
    thread = undefined; // the next question begins anew
  });
  return thread;
}

function asked<K extends keyof Results>(
  task: Task & { readonly do: K },
  transfer: Transferable[] = [],
): Promise<Results[K]> {
  const ask = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(ask, (answer) => {
      if ("result" in answer) resolve(answer.result as Results[K]);
      else {
        const { kind, code, message, hint } = answer.fault;
        reject(new AppError(kind, code, message, { hint }));
      }
    });
    started().postMessage({ ...task, ask }, transfer);
  });
}

/** Opens a model; the one before is closed. */
export function openModel(model: ModelPlace): Promise<Results["open"]> {
  const detectors = Object.fromEntries(
    PACKAGED_MODELS.map((name) => [name, urlOf(ROUTES.detector(name))]),
  ) as Record<PackagedModel, string>;
  return asked({ do: "open", model, detectors, alone: whyAlone() });
}

/** Finds, cuts and predicts. */
export const predictPhoto = (task: Omit<Task & { readonly do: "photo" }, "do">): Promise<Results["photo"]> =>
  asked({ do: "photo", ...task }, [task.bytes.buffer]);

/** What small changes of a crop do to its probability. */
export const predictChanges = (
  crop: (Task & { readonly do: "changes" })["crop"],
): Promise<Results["changes"]> => asked({ do: "changes", crop });
