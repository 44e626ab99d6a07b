// ◇ Browser-safe. Summary of one figure over training seeds.
import { unexpected } from "../../core/errors.ts";

/** Mean and sample standard deviation of one figure over training seeds. */
export interface SeedSummary {
  readonly n: number;
  readonly mean: number;
  /** Sample standard deviation, ddof = 1; null for a single seed. */
  readonly std: number | null;
}

/**
 * Mean and sample standard deviation (ddof 1) of unrounded values, one a seed.
 *
 * @param values - finite, at least one
 * @throws AppError("input", "BAD_SEED_VALUES")
 * @example seedSummary([0.91, 0.9085, 0.9137])
 */
export function seedSummary(values: readonly number[]): SeedSummary {
  if (values.length === 0 || !values.every(Number.isFinite)) {
    throw unexpected("input", {
      code: "BAD_SEED_VALUES",
      expected: "at least one value, all finite",
      name: "the summary over seeds",
      got: values.map(String).join(" ") || undefined,
    });
  }
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, std: n < 2 ? null : Math.sqrt(squares / (n - 1)) };
}

/** Mean and sample standard deviation of one figure over seeds; null if it is undefined for one of them. */
export function overSeeds(values: readonly (number | null)[]): SeedSummary | null {
  const known = values.filter((value) => value !== null);
  return known.length === values.length && known.length > 0 ? seedSummary(known) : null;
}
