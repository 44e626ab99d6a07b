// `--kernels`: what refuses it before anything is made, and what a run says of it.
import { unexpected } from "../../core/errors.ts";
import { isSlower, kernelLibrary } from "../../engine/kernels/library.ts";
import { isOwnKernel } from "../../engine/lower/nchwc/own-conv.ts";
import type { Device } from "../../engine/runtime/device.ts";
import { probeBlock } from "../../engine/runtime/probe.ts";
import { modelGraph } from "../../models/facts.ts";
import { parseTag } from "../../models/tags.ts";
import { factsOf, type TrainConfig } from "../config.ts";
import { declaredSpecs } from "./graph.ts";

/** Where the operators serve: ONNX Runtime's blocks with AVX-512. */
const BLOCK = 16;

/**
 * Refuses kernels that this machine does not have, or that this run would not use.
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
  const block = await probeBlock();
  if (block !== BLOCK)
    throw refuse(
      `ONNX Runtime's operators in blocks of ${BLOCK} channels`,
      block === undefined ? "its plain ones alone" : `blocks of ${block}`,
      `train without ${name}`,
    );
  if (parseTag(tag).frozen === 2)
    throw refuse("a backbone that learns (Z0 or Z1)", tag, `train without ${name}`);
  const specs = declaredSpecs(modelGraph(factsOf(config, [])), imageSize);
  if (!specs.some(({ shape }) => isOwnKernel(shape)))
    throw refuse("a network with dense convolutions of kernel 1 or 3", tag, `train without ${name}`);
}

/** What a run with kernels says first, line by line; none without. @param slower - whether they are slower than none on this processor */
export function kernelNotes(
  { kernels }: Pick<TrainConfig, "kernels">,
  slower: boolean = isSlower(),
): readonly string[] {
  if (kernels === undefined) return [];
  const note = `--kernels ${kernels}: reduced precision. Convolutions and their gradients multiply ${kernels} values; sums, weights and the optimizer are float32, validation and predictions too`;
  const intel =
    "This processor is Intel's: on the one that was measured, steps take 1.4 times as long by them as without --kernels";
  return slower ? [note, intel] : [note];
}
