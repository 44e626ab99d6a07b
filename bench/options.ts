// Options of the benchmarks' command lines.
import { type ParseArgsConfig, parseArgs } from "node:util";
import { AppError, unexpected } from "../src/core/errors.ts";

/**
 * Node's `parseArgs`, positionals allowed, whose errors are of the user's making.
 *
 * @throws AppError `BENCH_OPTION` for an option that is not known, or has no value
 */
export function parseOptions<T extends NonNullable<ParseArgsConfig["options"]>>(
  argv: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (cause) {
    const message = (cause as Error).message.split(". To specify")[0]!;
    throw new AppError("input", "BENCH_OPTION", message, { hint: "npm run bench -- --help" });
  }
}

/** How PyTorch may be set up, where a benchmark has ways of its own. */
const SETUPS: Readonly<Record<string, readonly string[]>> = {
  loader: ["default", "simd", "tensors", "pyvips"],
  inference: ["default", "compile", "bf16", "int8"],
};
const STEP_SETUPS = ["default", "channels_last", "compile", "bf16"];

/**
 * The peer's setups of a benchmark.
 *
 * @param list - of `--setup`
 * @throws AppError `BENCH_SETUP` for one that it does not have
 */
export function setupsOf(name: string, list: string): string[] {
  const known = SETUPS[name] ?? STEP_SETUPS;
  const setups = [...new Set(list.split(","))];
  const unknown = setups.find((setup) => !known.includes(setup));
  if (unknown === undefined) return setups;
  const expected = `some of ${known.join(", ")}`;
  throw unexpected("input", { code: "BENCH_SETUP", expected, name: "--setup", got: unknown });
}
