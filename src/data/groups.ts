// Names of the recorded groups that reports are broken down by.
// Age buckets are FairFace's nine, as its published predictor prints them; HaGRIDv2's meta used the same.
import { AppError } from "../core/errors.ts";

/** Lowest age of each bucket, whole years; a bucket ends where the next begins. */
const AGE_BUCKETS = [
  [0, "0-2"],
  [3, "3-9"],
  [10, "10-19"],
  [20, "20-29"],
  [30, "30-39"],
  [40, "40-49"],
  [50, "50-59"],
  [60, "60-69"],
  [70, "70+"],
] as const;

export type AgeBucket = (typeof AGE_BUCKETS)[number][1];

/** Names of the buckets, youngest first. */
export const AGE_BUCKET_NAMES: readonly AgeBucket[] = AGE_BUCKETS.map(([, name]) => name);

/**
 * FairFace's age bucket of an age: 0-2, 3-9, then tens of years up to 60-69, then 70+.
 * Fractions belong to the year begun: 29.9 is in 20-29.
 *
 * @param years - age in years, 0 to 130; callers check their input first
 * @throws AppError("internal", "AGE_RANGE") outside that range
 * @example ageBucket(40.51) // "40-49"
 */
export function ageBucket(years: number): AgeBucket {
  if (!(years >= 0 && years <= 130)) throw new AppError("internal", "AGE_RANGE", `Age ${years} is no age`);
  return AGE_BUCKETS.findLast(([low]) => years >= low)![1];
}

/** UTKFace's race codes 0 to 4, by index, named as its authors name them. */
export const UTKFACE_RACES = ["White", "Black", "Asian", "Indian", "Others"] as const;
