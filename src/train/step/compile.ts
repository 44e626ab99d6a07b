// ◇ Browser-safe. From a step's symbolic graph to a session that runs it, where it can over the state that it changes.
import type { Value } from "../../engine/graph.ts";
import { emitGraph, type Lowerer } from "../../engine/lower/emit.ts";
import type { Kernels } from "../../engine/lower/nchwc/blocked.ts";
import { training } from "../../engine/lower/training.ts";
import type { Provider } from "../../engine/lower/writer.ts";
import type { DeviceMemory, Session, SessionOptions } from "../../engine/runtime/session.ts";

/** What runs the graphs of a step. */
export interface StepRuntime {
  readonly provider: Provider;
  /** Block size of the NCHWc lowering; the plain one if left out. */
  readonly block?: number | undefined;
  /** Operators of our own, which its sessions know. */
  readonly kernels?: Kernels | undefined;
  /** In place of the lowering for `block`: one that also notes what it does, as a profile needs. */
  readonly lowering?: Lowerer | undefined;
  /** True if outputs may lie where inputs do: results are then written when all has been read. */
  readonly overwrites: boolean;
  /** With `memory`, the outputs named in `onDevice` stay there. */
  readonly createSession: (
    model: Uint8Array,
    options: Pick<SessionOptions, "optimization"> & { readonly onDevice?: readonly string[] | undefined },
  ) => Promise<Session>;
  /** Of a device on which state stays from step to step; left out, state lies in this process's. */
  readonly memory?: DeviceMemory | undefined;
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

/**
 * Compiles a graph whose outputs named `next|<input>` are new state.
 *
 * @param sources - values that come by inputs of these names
 */
export async function compileStep(
  outputs: Readonly<Record<string, Value>>,
  {
    provider,
    block,
    kernels,
    lowering = training(block, kernels),
    overwrites,
    createSession,
    memory,
  }: StepRuntime,
  sources: ReadonlyMap<Value, string> = new Map(),
): Promise<Compiled> {
  const followers = Object.keys(outputs).filter(isNext);
  const replace = Object.fromEntries(followers.map((name) => [name, stateOf(name)]));
  const emitted = emitGraph({ outputs, lowering, provider, replace, sources });
  // The graph is as it should be; rewriting it takes half of the time to load.
  const session = await createSession(emitted.model, {
    optimization: "disabled",
    onDevice: memory === undefined ? undefined : followers,
  });
  const inPlace = overwrites ? emitted.inPlace : new Set<string>();
  return { session, inputs: new Set(emitted.inputs.map(({ name }) => name)), inPlace };
}
