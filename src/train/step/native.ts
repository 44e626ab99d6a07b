// `--kernels`: what refuses it before anything is made, and what a run says of it.
import { unexpected } from "../../core/errors.ts";
import { builtLibrary, kernelLibrary, lacking, lanesOf } from "../../engine/kernels/library.ts";
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
  const { kernels } = config;
  if (kernels === undefined) return;
  const name = `--kernels ${kernels}`;
  const refuse = (expected: string, got: unknown, hint: string) =>
    unexpected("input", { code: "KERNELS", expected, name, got, hint });
  if (device !== "cpu") throw refuse("--device cpu", device, "leave one of the two out");
  kernelLibrary();
  const unused = await unusedBy(config);
  if (unused !== undefined) throw refuse(...unused, `train without ${name}`);
}

/** Why kernels would not be used in a run on the CPU: what they need, and what there is. */
async function unusedBy({
  tag,
  ...config
}: TrainConfig): Promise<readonly [expected: string, got: string] | undefined> {
  const [block, lanes] = [await probeBlock(), lanesOf()];
  if (block !== lanes)
    return [
      `ONNX Runtime's operators in blocks of ${lanes} channels`,
      block === undefined ? "its plain ones alone" : `blocks of ${block}`,
    ];
  if (parseTag(tag).frozen === 2) return ["a backbone that learns (Z0 or Z1)", tag];
  const specs = declaredSpecs(modelGraph(factsOf({ tag, ...config }, [])), config.imageSize);
  return specs.some(({ shape }) => isOwnKernel(shape))
    ? undefined
    : ["a network with dense convolutions of kernel 1 or 3", tag];
}

/** What a run without kernels could do to have them; undefined where this machine or this run has no use for them. */
export async function kernelsWay(config: TrainConfig): Promise<string | undefined> {
  if (config.kernels !== undefined || lacking() !== undefined) return undefined;
  if ((await unusedBy(config)) !== undefined) return undefined;
  const built = builtLibrary() === undefined ? ", once `facehand kernels build` made them" : "";
  return `--kernels native${built}: float32 by operators of this machine, not timed; rounds differently`;
}

/** What a run with kernels says first; nothing without. */
export function kernelNotes({ kernels }: Pick<TrainConfig, "kernels">): readonly string[] {
  if (kernels === undefined) return [];
  return [
    `--kernels ${kernels}: float32, by operators that were compiled here. They sum in another order, convolutions of 3x3 with errors of 1e-6 to 1e-5 of a map, so that a run takes another path, as after any rounding; validation and predictions are as without. A run is resumed by the same operators`,
  ];
}
