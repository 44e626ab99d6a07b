// `--kernels`: what refuses it before anything is made, and what a run says of it.
import { unexpected } from "../../core/errors.ts";
import { kernelLibrary, lanesOf } from "../../engine/kernels/library.ts";
import { isOwnKernel } from "../../engine/lower/nchwc/own-conv.ts";
import type { Device } from "../../engine/runtime/device.ts";
import { probeBlock } from "../../engine/runtime/probe.ts";
import { modelGraph } from "../../models/facts.ts";
import { parseTag } from "../../models/tags.ts";
import { factsOf, type TrainConfig } from "../config.ts";
import { declaredSpecs } from "./graph.ts";

/**
 * Refuses kernels that this machine does not have, or of which this run would use little.
 *
 * @throws AppError("input", "KERNELS"); as kernelLibrary
 */
export async function checkKernels(config: TrainConfig, device: Device = "cpu"): Promise<void> {
  const { kernels, tag, imageSize } = config;
  if (kernels === undefined) return;
  const name = `--kernels ${kernels}`;
  const refuse = (expected: string, got: unknown, hint: string) =>
    unexpected("input", { code: "KERNELS", expected, name, got, hint });
  if (device !== "cpu") throw refuse("--device cpu", device, "leave one of the two out");
  kernelLibrary();
  const [block, lanes] = [await probeBlock(), lanesOf()];
  if (block !== lanes)
    throw refuse(
      `ONNX Runtime's operators in blocks of ${lanes} channels`,
      block === undefined ? "its plain ones alone" : `blocks of ${block}`,
      `train without ${name}`,
    );
  if (parseTag(tag).frozen === 2)
    throw refuse("a backbone that learns (Z0 or Z1)", tag, `train without ${name}`);
  const specs = declaredSpecs(modelGraph(factsOf(config, [])), imageSize);
  if (!specs.some(({ shape }) => isOwnKernel(shape)))
    throw refuse("a network with dense convolutions of kernel 1 or 3", tag, `train without ${name}`);
}

/** What a run with kernels says first; nothing without. */
export function kernelNotes({ kernels }: Pick<TrainConfig, "kernels">): readonly string[] {
  if (kernels === undefined) return [];
  return [
    `--kernels ${kernels}: float32, by operators that were compiled here. They sum in another order, 3x3 convolutions in Winograd's form, with errors of 1e-6 to 1e-5 of what is computed; validation and predictions are as without. A run is resumed by the same kernels`,
  ];
}
