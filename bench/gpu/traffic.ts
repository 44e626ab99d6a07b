// Counts what a step's graphs take from this process's memory and write into it: on a device, all else has stayed there.
import type { Tensor } from "../../src/engine/runtime/session.ts";
import type { StepRuntime } from "../../src/train/step/compile.ts";

/** Bytes so far. */
export interface Traffic {
  toDevice: number;
  fromDevice: number;
}

/** The same runtime, and what its sessions have been fed and have given since. */
export function counted(runtime: StepRuntime): { readonly runtime: StepRuntime; readonly traffic: Traffic } {
  const traffic: Traffic = { toDevice: 0, fromDevice: 0 };
  const here = (tensors: readonly Tensor[]) =>
    tensors
      .filter((tensor) => runtime.memory?.has(tensor) !== true)
      .reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0);
  const createSession: StepRuntime["createSession"] = async (model, options) => {
    const session = await runtime.createSession(model, options);
    return {
      ...session,
      run: async (feeds, fetches) => {
        traffic.toDevice += here(Object.values(feeds));
        const made = await session.run(feeds, fetches);
        traffic.fromDevice += here(Object.values(made));
        return made;
      },
    };
  };
  return { runtime: { ...runtime, createSession }, traffic };
}
