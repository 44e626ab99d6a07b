// From a step's symbolic graph to a session that runs it, on the CPU over the state that it changes.

import type { Value } from "../../engine/graph.ts";
import { emitGraph } from "../../engine/lower/emit.ts";
import type { Device } from "../../engine/runtime/device.ts";
import { createSession } from "../../engine/runtime/open-session.ts";
import { probeBlock } from "../../engine/runtime/probe.ts";
import type { Session, SessionOptions } from "../../engine/runtime/session.ts";
import type { StepConfig } from "./graph.ts";

/** How and where graphs of a step run. */
export interface StepLowering {
  readonly device: Device;
  /** Block size of the NCHWc lowering; the plain one if left out. */
  readonly block: number | undefined;
  readonly threads?: number | undefined;
  /** See StepConfig. */
  readonly profilePrefix?: string | undefined;
}

export interface Compiled {
  readonly session: Session;
  readonly inputs: ReadonlySet<string>;
  /** Outputs that are written over the state that they follow. */
  readonly inPlace: ReadonlySet<string>;
}

/** True for outputs that are new state. */
export const isNext = (output: string): boolean => output.startsWith("next|");
/** The input that an output follows. */
export const stateOf = (output: string): string => output.slice("next|".length);

/** The fast lowering on the CPU where the processor has it, by default. */
export async function chooseLowering({
  device = "cpu",
  lowering,
  threads,
  profilePrefix,
}: StepConfig): Promise<StepLowering> {
  const block = lowering === "plain" || device !== "cpu" ? undefined : await probeBlock();
  return {
    device,
    block,
    threads,
    profilePrefix,
  };
}

/**
 * Compiles a graph whose outputs named `next|<input>` are new state.
 *
 * @param sources - values that come by inputs of these names
 */
export async function compileStep(
  outputs: Readonly<Record<string, Value>>,
  { device, block, threads, profilePrefix }: StepLowering,
  sources: ReadonlyMap<Value, string> = new Map(),
): Promise<Compiled> {
  const followers = Object.keys(outputs).filter(isNext);
  const replace = Object.fromEntries(followers.map((name) => [name, stateOf(name)]));
  const emitted = emitGraph({ outputs, block, provider: device, replace, sources });
  const session = await createStepSession(emitted.model, device, {
    optimization: "disabled", // the graph is as it should be; rewriting it takes half of the time to load
    threads,
    profilePrefix,
  });
  // A device of its own may write its results in any order.
  const inPlace = device === "cpu" ? emitted.inPlace : new Set<string>();
  return { session, inputs: new Set(emitted.inputs.map(({ name }) => name)), inPlace };
}

/** A session for a part of a step. */
export function createStepSession(
  model: Uint8Array,
  device: Device,
  options: SessionOptions,
): Promise<Session> {
  return createSession(model, { ...options, providers: device === "cpu" ? ["cpu"] : [device, "cpu"] });
}
