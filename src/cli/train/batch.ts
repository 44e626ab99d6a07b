// `train --batch auto`: the batch that fits the memory, measured once and stored as the number that it is.
import type { Option } from "commander";
import { unexpected } from "../../core/errors.ts";
import { exists } from "../../machine/files.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { chooseBatch, gigabytes } from "../../studies/plan/batch-size.ts";
import { readRunConfig } from "../../train/run.ts";
import { numeric } from "../config-options.ts";
import type { Context } from "../context.ts";

/** Of the memory that is free now, where none is stated. */
const FREE_SHARE = 0.8;

/** The option `--batch`, which may also be `auto`. */
export function withAuto(option: Option): Option {
  option.description += "; auto: as many as fit into --memory";
  return option.argParser((text) => (text === "auto" ? text : numeric("--batch", text)));
}

/** The value of --memory, GB. */
export function memoryGb(text: string): number {
  const value = numeric("--memory", text);
  if (value > 0) return value;
  throw flag("more than 0 GB", "--memory", text);
}

export interface AutoBatch {
  /** Stated by --memory, GB. */
  readonly memory: number | undefined;
  readonly device: string;
  /** Run folders; one that is resumed has its batch already. */
  readonly dirs: readonly string[];
}

/**
 * What `--batch` gave, or the number that `auto` stands for.
 *
 * @throws AppError("input", "FLAG") for --memory without auto, and for auto where memory is not measured
 */
export async function batchOf(
  context: Context,
  config: Readonly<Record<string, unknown>>,
  { memory, device, dirs }: AutoBatch,
): Promise<unknown> {
  if (config["batch"] !== "auto") {
    if (memory !== undefined) throw flag("--batch auto", "--memory", config["batch"]);
    return config["batch"];
  }
  if (device !== "cpu") throw flag("a number: only the CPU's memory is measured", "--batch", "auto");
  for (const dir of dirs) {
    if (!(await exists(runPaths(dir).config))) continue;
    return (await readRunConfig(dir)).batch;
  }
  const bytes = memory === undefined ? process.availableMemory() * FREE_SHARE : memory * 1e9;
  context.report("measuring training steps with two batch sizes");
  const { batch, peakBytes, measured } = await chooseBatch(config, bytes);
  const seen = measured.map((m) => `${gigabytes(m.peakBytes)} GB at ${m.batch}`).join(", ");
  context.report(`batch ${batch}: about ${gigabytes(peakBytes)} of ${gigabytes(bytes)} GB (${seen})`);
  return batch;
}

function flag(expected: string, name: string, got: unknown) {
  return unexpected("input", { code: "FLAG", expected, name, got: got ?? "nothing" });
}
