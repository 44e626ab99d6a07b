// The libraries that read and write Parquet, loaded by the first file that needs them: their 70 modules took a tenth of the start
// of commands that read and write none.
import { unexpected } from "../../core/errors.ts";

/**
 * What `load` imports.
 *
 * @throws AppError("data", "HYPARQUET_REFUSED") where the system refuses its files, or they are not there
 * @example await library(() => import("hyparquet-writer"))
 */
export function library<T>(load: () => Promise<T>): Promise<T> {
  return load().catch((cause: unknown) => {
    throw unexpected("data", {
      code: "HYPARQUET_REFUSED",
      expected: "the library hyparquet to load",
      name: "Parquet files",
      got: cause instanceof Error ? cause.message : cause,
      hint: "allow more open files (ulimit -n 4096), or install facehand again",
      cause,
    });
  });
}
