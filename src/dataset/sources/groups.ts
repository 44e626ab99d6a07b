// ◇ Browser-safe. Names of the recorded groups that reports are broken down by.
// Age buckets are FairFace's nine, as its published predictor prints them; HaGRIDv2's meta used the same.
import { AppError, unexpected } from "../../core/errors.ts";

/** Lowest age of each of FairFace's buckets, whole years; a bucket ends where the next begins. */
export const AGE_EDGES = [0, 3, 10, 20, 30, 40, 50, 60, 70] as const;

/** Names of the buckets, youngest first. */
export const AGE_BUCKET_NAMES: readonly string[] = AGE_EDGES.map((low) => ageBucket(low));

/**
 * The bucket of an age. FairFace's: 0-2, 3-9, then tens of years up to 60-69, then 70+.
 * Fractions belong to the year begun: 29.9 is in 20-29.
 *
 * @param years - age in years, 0 to 130; callers check their input first
 * @param edges - lowest age of each bucket, see `checkAgeEdges`
 * @throws AppError("internal", "AGE_RANGE") outside that range
 * @example ageBucket(40.51) // "40-49"
 */
export function ageBucket(years: number, edges: readonly number[] = AGE_EDGES): string {
  if (!(years >= 0 && years <= 130)) throw new AppError("internal", "AGE_RANGE", `Age ${years} is no age`);
  const i = edges.findLastIndex((low) => years >= low);
  const next = edges[i + 1];
  if (next === undefined) return `${edges[i]}+`;
  return next === edges[i]! + 1 ? `${edges[i]}` : `${edges[i]}-${next - 1}`;
}

/**
 * Refuses edges that do not put every age into one bucket.
 *
 * @param edges - lowest age of each bucket, whole years; 0 first, then rising, up to 130
 * @throws AppError("input", "AGE_EDGES")
 * @example checkAgeEdges([0, 18, 65])
 */
export function checkAgeEdges(edges: readonly number[]): void {
  const rising = edges.every((edge, i) => Number.isInteger(edge) && (i === 0 || edge > edges[i - 1]!));
  if (edges[0] === 0 && rising && edges.at(-1)! <= 130) return;
  const expected = "whole years that begin with 0 and rise, up to 130,";
  throw unexpected("input", { code: "AGE_EDGES", expected, name: "--age-edges", got: edges.join(",") });
}
