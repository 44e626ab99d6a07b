// Runs a symbolic graph once on ONNX Runtime's CPU provider: what the engine's tests are made of.
// The lowering chooses the operators that are emitted; all of them run on the CPU here.

import type { Value } from "../src/engine/graph.ts";
import { emitGraph } from "../src/engine/lower/emit.ts";
import { training } from "../src/engine/lower/training.ts";
import { FEATURES, PROVIDERS, type Provider } from "../src/engine/lower/writer.ts";
import { createSession } from "../src/engine/runtime/open-session.ts";
import { probeBlock } from "../src/engine/runtime/probe.ts";
import { type Session, Tensor } from "../src/engine/runtime/session.ts";

export type Arrays = Readonly<Record<string, Float32Array | Uint8Array>>;

export type Lowered = Provider | "nchwc";

const block = await probeBlock();

/** The plain lowering for every provider, and the blocked one where the processor has it. */
/** Providers with the same features get the same graph. */
const DISTINCT = PROVIDERS.filter(
  (provider, i) => PROVIDERS.findIndex((other) => FEATURES[other] === FEATURES[provider]) === i,
);
export const LOWERINGS: readonly Lowered[] = block === undefined ? DISTINCT : [...DISTINCT, "nchwc"];

/** A graph that was emitted and loaded. */
export interface Runner {
  /** Feeds arrays by input name; inputs that the graph does not use are ignored. */
  run(feeds: Arrays, fetches?: readonly string[]): Promise<Record<string, Float32Array>>;
  release(): Promise<void>;
}

/** Emits and loads a graph. ONNX Runtime rewrites it no more than it is asked to: steps of training are run as they are. */
export async function load(
  outputs: Readonly<Record<string, Value>>,
  lowering: Lowered = "cpu",
  optimization: "basic" | "disabled" = "basic",
): Promise<Runner> {
  const emitted = emitGraph(
    lowering === "nchwc"
      ? { outputs, lowering: training(block) }
      : { outputs, lowering: training(), provider: lowering },
  );
  const session: Session = await createSession(emitted.model, { threads: 1, optimization });
  return {
    async run(feeds, fetches) {
      const tensors: Record<string, Tensor> = {};
      for (const { name, dtype, shape } of emitted.inputs) {
        const data = feeds[name];
        if (data === undefined) throw new Error(`no feed for ${name}`);
        tensors[name] = new Tensor(dtype, data as Float32Array, shape);
      }
      const results = await session.run(tensors, fetches);
      return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, t.data as Float32Array]));
    },
    release: () => session.release(),
  };
}

/** Emits, loads, runs once and frees. */
export async function runGraph(
  outputs: Readonly<Record<string, Value>>,
  feeds: Arrays,
  lowering: Lowered = "cpu",
  optimization: "basic" | "disabled" = "basic",
): Promise<Record<string, Float32Array>> {
  const runner = await load(outputs, lowering, optimization);
  try {
    return await runner.run(feeds);
  } finally {
    await runner.release();
  }
}

/** Largest difference, relative to the largest magnitude of `expected` (absolute if all of it is under 1e-6). */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i]! - expected[i]!);
    // NaN would compare as "not worse".
    if (Number.isNaN(d)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, d);
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
  }
  return magnitude < 1e-6 ? worst : worst / magnitude;
}
