// Options of the benchmarks' command lines.
import { type ParseArgsConfig, parseArgs } from "node:util";
import { AppError } from "../src/core/errors.ts";

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
