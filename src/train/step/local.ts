// The training step on this machine's ONNX Runtime: on the CPU by the fast lowering where the processor has it, or on a device,
// where its state stays from step to step.
import { kernelLibrary } from "../../engine/kernels/library.ts";
import type { Kernels } from "../../engine/lower/nchwc/blocked.ts";
import type { Device } from "../../engine/runtime/device.ts";
import { deviceMemory } from "../../engine/runtime/device-memory.ts";
import { createSession } from "../../engine/runtime/open-session.ts";
import { probeBlock } from "../../engine/runtime/probe.ts";
import type { StepRuntime } from "./compile.ts";
import type { StepConfig } from "./graph.ts";
import { openStepOn, type TrainStep } from "./step.ts";

/** A step, and how and where its graphs run. */
export interface LocalStepConfig extends StepConfig {
  readonly threads?: number | undefined;
  /** Write ONNX Runtime's profile of its graphs, to see where each operator ran. */
  readonly profilePrefix?: string | undefined;
  /** A device that runs here (see chooseDevice); default: the CPU. Others take the plain lowering. */
  readonly device?: Device | undefined;
  /** Settings of the device's provider, as ONNX Runtime names them, e.g. `{ use_tf32: "0" }` of cuda. */
  readonly providerOptions?: Readonly<Record<string, string>> | undefined;
  /** `plain` forgoes the fast NCHWc operators; default: those, where the runtime has them. */
  readonly lowering?: "plain" | "nchwc" | undefined;
  /** Convolutions by operators of our own, on the CPU; they have to be built (see engine/kernels). */
  readonly kernels?: Kernels | undefined;
}

/**
 * Compiles the training step of a model for one batch size and image size.
 *
 * @throws AppError("input", "ALL_FROZEN") if nothing is left to learn; as kernelLibrary
 * @example const step = await openTrainStep(config); step.load(weights); await step.run(batch, schedule)
 */
export async function openTrainStep(config: LocalStepConfig): Promise<TrainStep> {
  return await openStepOn(config, await localStepRuntime(config));
}

/** What runs the graphs of a step on this machine. */
export async function localStepRuntime(
  config: Omit<LocalStepConfig, keyof StepConfig>,
): Promise<StepRuntime> {
  const { threads, profilePrefix, providerOptions, device = "cpu", lowering, kernels } = config;
  const onCpu = device === "cpu";
  const providers = onCpu ? ["cpu"] : [device, "cpu"];
  const operators = kernels === undefined ? undefined : kernelLibrary();
  const how = { threads, providers, providerOptions, profilePrefix, operators };
  return {
    provider: device,
    block: lowering === "plain" || !onCpu ? undefined : await probeBlock(),
    kernels,
    overwrites: onCpu, // a device of its own may write its results in any order
    memory: await deviceMemory(device),
    createSession: (model, options) => createSession(model, { ...options, ...how }),
  };
}
