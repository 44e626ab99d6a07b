// Our training step on this machine, as the benchmarks of it run it.
import { openTrainStep } from "../src/train/step/local.ts";
import type { Opened, Work } from "./side.ts";
import { runStep, stepConfig } from "./step-runner.ts";

/**
 * Opens the step of a benchmark; `openMs` is compiling it and loading weights.
 *
 * @param headOnly - freeze the whole backbone
 */
export async function openStep(work: Work, { headOnly = false } = {}): Promise<Opened> {
  const { threads, lowering, kernels } = work;
  const { run, openMs } = await runStep(work, () =>
    openTrainStep({ ...stepConfig(work, headOnly), threads, lowering, kernels }),
  );
  return { openMs, step: run };
}
