// ◇ Browser-safe. Figures of further targets (age bucket, race or skin-tone class), overall and by modality; of ages also in years.
import { MODALITIES } from "../../core/words.ts";
import { bootstrapClasses, type ClassIntervals } from "../intervals/class-intervals.ts";
import { REPLICATES } from "../intervals/intervals.ts";
import { type ClassMetrics, evaluateClasses } from "../metrics/classes.ts";
import type { ClassTarget, Prediction } from "../stored/prediction-row.ts";
import { type AgeTable, ageTables } from "./ages.ts";

/** Figures of one further target of all images of a split, or of those of one modality. */
export interface TargetPart {
  readonly name: string;
  readonly metrics: ClassMetrics;
  /** Percentile bootstrap over subjects; null if none was asked for. */
  readonly intervals: ClassIntervals | null;
}

/** Agreement with the record of one further target, overall and by modality. */
export interface TargetSummary {
  readonly target: ClassTarget;
  /** Overall first, then in flag order; only parts with an image recorded as a class that the model knows. */
  readonly parts: readonly TargetPart[];
  /** Of ages, in years, by recorded group. */
  readonly years?: readonly AgeTable[] | undefined;
}

/**
 * Figures of one further target.
 *
 * @param options - as of a summary
 * @returns undefined if there is no image that it could be compared on
 */
export function targetSummary(
  predictions: readonly Prediction[],
  target: ClassTarget,
  options: Readonly<Partial<Record<"replicates" | "seed" | "minSubjects", number | undefined>>>,
): TargetSummary | undefined {
  const { replicates = REPLICATES, seed = 0, minSubjects } = options;
  const of = (name: string, rows: readonly Prediction[]): TargetPart[] => {
    const metrics = evaluateClasses(rows, target, { minSubjects });
    if (metrics === undefined) return [];
    const none = replicates === 0;
    return [
      { name, metrics, intervals: none ? null : bootstrapClasses(rows, target, { replicates, seed })! },
    ];
  };
  const modalities = MODALITIES.flatMap((modality) =>
    of(
      modality,
      predictions.filter((row) => row.modality === modality),
    ),
  );
  const parts = [...of("overall", predictions), ...modalities];
  if (parts.length === 0) return undefined;
  if (target !== "age") return { target, parts };
  return { target, parts, years: ageTables(predictions, { replicates, seed, minSubjects }) };
}
