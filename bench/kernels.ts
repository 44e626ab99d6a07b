// `--kernels` of benchmarks: which of them take it, and what refuses it before anything is measured.
import { type AppError, unexpected } from "../src/core/errors.ts";
import { KERNELS } from "../src/engine/lower/nchwc/blocked.ts";
import { parseTrainConfig } from "../src/train/config.ts";
import { checkKernels } from "../src/train/step/native.ts";
import type { Work } from "./side.ts";

/** The benchmarks whose step they are part of. */
const TAKES = ["train-step", "step-profile"];

/** The refusal of all others. */
export function noKernels(name: string): AppError {
  const [code, expected] = ["BENCH_KERNELS", TAKES.join(" or ")];
  const hint = `npm run bench -- ${TAKES[0]} --kernels ${KERNELS[0]}`;
  return unexpected("input", { code, expected, name: "--kernels", got: name, hint });
}

/**
 * Adds the kernels that are asked for to a benchmark's work.
 *
 * @param asked - of the command line
 * @throws AppError("input", "BENCH_KERNELS"); as checkKernels, for what this machine or this network does not have
 */
export async function withKernels(name: string, work: Work, asked: string): Promise<Work> {
  if (!TAKES.includes(name)) throw noKernels(name);
  const kernels = KERNELS.find((known) => known === asked);
  const refuse = (expected: string, of: string, got: string) =>
    unexpected("input", { code: "BENCH_KERNELS", expected, name: of, got });
  if (kernels === undefined) throw refuse(KERNELS.join(" or "), "--kernels", asked);
  const { lowering, model, sizePx } = work;
  if (lowering !== "nchwc") throw refuse("nchwc", `--lowering with --kernels ${kernels}`, lowering);
  const what = { arch: "umcc", tag: `${model}.none_F0_Af_Lb_Z0`, data: ["utkface:none"], imageSize: sizePx };
  await checkKernels(parseTrainConfig({ ...what, kernels }));
  return { ...work, kernels };
}
