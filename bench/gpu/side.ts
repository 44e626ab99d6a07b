// Our side of `npm run bench -- gpu`: training steps on a device, drawn as those of train-step.
// Protocol: bench/side.ts, asked for a GpuWork; beside its time a step has the bytes that it copied to the device and back.
import { peakBytes } from "../../src/machine/peak-memory.ts";
import { localStepRuntime } from "../../src/train/step/local.ts";
import { openStepOn } from "../../src/train/step/step.ts";
import { type Measured, serve } from "../side.ts";
import { runStep, stepConfig } from "../step-runner.ts";
import { VERSIONS } from "../versions.ts";
import { type GpuWork, settingsOf } from "./settings.ts";
import { counted, type Traffic } from "./traffic.ts";

/** A step, and what it copied. */
export type GpuMeasured = Measured & Readonly<Traffic>;

await serve(VERSIONS, async (asked) => {
  const work = asked as GpuWork;
  const { device, threads } = work;
  const how = { device, threads, providerOptions: settingsOf(work), lowering: "plain" } as const;
  const { runtime, traffic } = counted(await localStepRuntime(how));
  const { run, openMs } = await runStep(work, () => openStepOn(stepConfig(work), runtime));
  const step = async (): Promise<GpuMeasured> => {
    const before = { ...traffic };
    const start = performance.now();
    const result = await run();
    return {
      ms: performance.now() - start,
      peakMb: peakBytes() / 2 ** 20,
      result,
      toDevice: traffic.toDevice - before.toDevice,
      fromDevice: traffic.fromDevice - before.fromDevice,
    };
  };
  return { openMs, step };
});
