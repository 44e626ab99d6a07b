// One side of a benchmark: a child process that makes one step whenever it is asked to, and reports how long it took.
// Protocol, one JSON line each: first `Ready`; then for every line "step" on standard input a `Measured`; ends at EOF.
// A process a side, so that memory peaks do not mix; bench/peer/*.py speak the same protocol.
import { createInterface } from "node:readline";
import type { Kernels } from "../src/engine/lower/nchwc/blocked.ts";
import { peakBytes } from "../src/machine/peak-memory.ts";

/** What both sides are asked to do. */
export interface Work {
  readonly model: string;
  readonly batch: number;
  readonly sizePx: number;
  readonly threads: number;
  /** Ours only: how the graph becomes ONNX; `nchwc` falls back to `plain` where the processor lacks it. */
  readonly lowering: Lowering;
  /** Ours only: what operators of our own do, in float32 too; left out where ONNX Runtime's do all. */
  readonly kernels?: Kernels | undefined;
}

export const LOWERINGS = ["plain", "nchwc"] as const;
export type Lowering = (typeof LOWERINGS)[number];

export interface Ready {
  readonly ready: true;
  /** What has to be done once before the first step, such as compiling the graph, ms; where a side measures it. */
  readonly openMs?: number | undefined;
  readonly versions: Readonly<Record<string, string>>;
}

export interface Measured {
  readonly ms: number;
  /** Processor time of all threads; where a side reports it. A busy machine stretches it less than `ms`. */
  readonly cpuMs?: number;
  /** Largest resident memory of the process so far, less `baseMb`. */
  readonly peakMb: number;
  /** A number that depends on all of the work, such as the loss. */
  readonly result: number;
}

/** Makes one step and returns a number that depends on all of its work, or what it measured of it elsewhere. */
export type Step = () => Promise<number | Measured>;

/** A step, and how long it took to prepare it. */
export interface Opened {
  readonly step: Step;
  readonly openMs?: number | undefined;
  /** Memory that is not the step's, such as the runtime's own: taken from the peak; default 0. */
  readonly baseMb?: number;
  /** Of what does the work, where that is known only now. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Takes away what all steps made. */
  readonly close?: () => Promise<void>;
}

/**
 * Runs this process as a side.
 *
 * @param open - prepares everything that is not measured
 */
export async function serve(
  versions: Readonly<Record<string, string>>,
  open: (work: Work) => Promise<Step | Opened>,
): Promise<void> {
  const made = await open(JSON.parse(process.argv[2]!) as Work);
  const opened: Opened = typeof made === "function" ? { step: made } : made;
  const { step, baseMb = 0, close, versions: own, ...more } = opened;
  say({ ready: true, ...more, versions: { node: process.versions.node, ...versions, ...own } });
  for await (const _line of createInterface({ input: process.stdin })) {
    const start = performance.now();
    const cpu = process.cpuUsage();
    const result = await step();
    if (typeof result !== "number") {
      say(result);
      continue;
    }
    const { user, system } = process.cpuUsage(cpu);
    const cpuMs = (user + system) / 1000;
    const ms = performance.now() - start;
    say({ ms, cpuMs, peakMb: peakBytes() / 2 ** 20 - baseMb, result });
  }
  await close?.();
}

function say(message: Ready | Measured): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
