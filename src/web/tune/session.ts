// ◇ Browser-safe. The training that the page has under way, and what came of the last: one at a time, in a thread of its own.
// Invariant: what draws is loaded before the thread begins, so that nothing is asked of the server while a head is trained.
import { signal } from "@preact/signals";
import { AppError } from "../../core/errors.ts";
import type { TrainConfig } from "../../train/config.ts";
import type { EpochLog } from "../../train/runlog.ts";
import { faultOf } from "../app/fault.ts";
import type { Order, Said, Task, Tuned } from "./messages.ts";

/** How far a training is. */
export interface Progress {
  readonly phase:
    | "loading"
    | "features"
    | "pictures"
    | "training"
    | "stopping"
    | "stopped"
    | "done"
    | "failed";
  readonly place: string;
  /** What computes, and why. */
  readonly runtime?: string | undefined;
  readonly features?: { readonly made: number; readonly read: number; readonly of: number } | undefined;
  readonly pictures?: { readonly read: number; readonly of: number } | undefined;
  readonly config?: TrainConfig | undefined;
  /** The last step of the epoch under way. */
  readonly step?: { readonly step: number; readonly of: number; readonly loss: number } | undefined;
  readonly epochs: readonly EpochLog[];
  readonly tuned?: Tuned | undefined;
  readonly fault?: AppError | undefined;
}

/** The last training that was asked for; undefined before the first. */
export const progress = signal<Progress | undefined>(undefined);

let thread: Worker | undefined;

function started(): Worker {
  if (thread !== undefined) return thread;
  thread = new Worker(new URL("../thread.ts", import.meta.url), { type: "module", name: "tune" });
  thread.addEventListener("message", ({ data }: MessageEvent<Said>) => {
    const now = progress.peek();
    if (now !== undefined) progress.value = after(now, data);
  });
  thread.addEventListener("error", ({ message }) => fail(new Error(message)));
  return thread;
}

function fail(error: unknown): void {
  progress.value = { place: "", epochs: [], ...progress.peek(), phase: "failed", fault: faultOf(error) };
}

/** What is known after a message. */
export function after(now: Progress, said: Said): Progress {
  if (said.is === "runtime") return { ...now, runtime: said.words };
  if (said.is === "features" || said.is === "pictures") {
    const { is, ...far } = said;
    return { ...now, phase: now.phase === "loading" ? is : now.phase, [is]: far };
  }
  if (said.is === "begun") {
    const phase = now.phase === "stopping" ? now.phase : "training";
    return { ...now, phase, epochs: said.log, config: said.config };
  }
  if (said.is === "step") return { ...now, step: said };
  if (said.is === "epoch") return { ...now, epochs: [...now.epochs, said.epoch], step: undefined };
  if (said.is === "stopped") return { ...now, phase: "stopped", tuned: said.tuned };
  if (said.is === "tuned") return { ...now, phase: "done", epochs: said.tuned.log, tuned: said.tuned };
  const { kind, code, message, hint } = said.fault;
  return { ...now, phase: "failed", fault: new AppError(kind, code, message, { hint }) };
}

/** True while the thread works. */
export const isBusy = (now: Progress | undefined): boolean =>
  now !== undefined && ["loading", "features", "pictures", "training", "stopping"].includes(now.phase);

const send = (task: Task) => started().postMessage(task);

/** Begins a training, or continues the same one. @param make - its order */
export async function begin(place: string, make: () => Promise<Order>): Promise<void> {
  if (isBusy(progress.peek())) return;
  progress.value = { phase: "loading", place, epochs: [] };
  try {
    const [order] = await Promise.all([make(), import("../runs/plots.ts")]);
    const now = progress.peek()!;
    if (now.phase === "stopping") progress.value = { ...now, phase: "stopped" };
    else send({ do: "train", order });
  } catch (error) {
    fail(error);
  }
}

/** Stops it after the step or picture under way; it can continue. */
export function stop(): void {
  const now = progress.peek();
  if (now === undefined || !isBusy(now)) return;
  progress.value = { ...now, phase: "stopping" };
  if (thread !== undefined) send({ do: "stop" });
}
