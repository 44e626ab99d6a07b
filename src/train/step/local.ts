// The training step on this machine's ONNX Runtime: on the CPU by the fast lowering where the processor has it, or on a device.
import type { Device } from "../../engine/runtime/device.ts";
import { createSession } from "../../engine/runtime/open-session.ts";
import { probeBlock } from "../../engine/runtime/probe.ts";
import type { StepConfig } from "./graph.ts";
import { openStepOn, type TrainStep } from "./step.ts";

/** A step, and how and where its graphs run. */
export interface LocalStepConfig extends StepConfig {
  readonly threads?: number | undefined;
  /** On another device than the CPU: write ONNX Runtime's profile of its graphs, to see where each operator ran. */
  readonly profilePrefix?: string | undefined;
  /** A device that runs here (see chooseDevice); default: the CPU. Others take the plain lowering. */
  readonly device?: Device | undefined;
  /** `plain` forgoes the fast NCHWc operators; default: those, where the runtime has them. */
  readonly lowering?: "plain" | "nchwc" | undefined;
}

/**
 * Compiles the training step of a model for one batch size and image size.
 *
 * @throws AppError("input", "ALL_FROZEN") if nothing is left to learn
 * @example const step = await openTrainStep(config); step.load(weights); await step.run(batch, schedule)
 */
export async function openTrainStep(config: LocalStepConfig): Promise<TrainStep> {
  const { threads, profilePrefix, device = "cpu", lowering } = config;
  const onCpu = device === "cpu";
  return await openStepOn(config, {
    provider: device,
    block: lowering === "plain" || !onCpu ? undefined : await probeBlock(),
    overwrites: onCpu, // a device of its own may write its results in any order
    createSession: (model, { optimization }) =>
      createSession(model, {
        optimization,
        threads,
        providers: onCpu ? ["cpu"] : [device, "cpu"],
        profilePrefix,
      }),
  });
}
