// What a process of `npm run bench -- gpu` is asked to step, and how its device is set up.
import type { Device } from "../../src/engine/runtime/device.ts";
import type { Work } from "../side.ts";

export interface GpuWork extends Work {
  readonly device: Device;
  /** Of cuda: true for TF32 in convolutions and products, ONNX Runtime's default; false for float32 as it is. */
  readonly tf32: boolean;
}

/** Settings of a device's provider for it. */
export const settingsOf = ({ device, tf32 }: Pick<GpuWork, "device" | "tf32">) =>
  device === "cuda" ? { use_tf32: tf32 ? "1" : "0" } : undefined;
