// ◇ Browser-safe. Selective prediction: a model that abstains on its least confident images, and what that does to its
// worst group. Source: El-Yaniv and Wiener 2010 (risk and coverage); Jones et al. 2021 (abstaining can widen the gap of
// groups). Confidence is |p - 1/2|; images of one confidence are decided or left out together.

import { unexpected } from "../../core/errors.ts";
import { compareGroupValues } from "../../core/group-order.ts";
import { THRESHOLD } from "../metrics/binary.ts";
import { countSubjects } from "../metrics/groups.ts";
import { type Scored, SMALL_SUBJECTS } from "../metrics/small.ts";

/** Coverages at which the curve is read. */
export const COVERAGES = [1, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5] as const;

/** Agreement among the images that are not abstained from. */
export interface CoveragePoint {
  /** Wanted share of images. */
  readonly wanted: number;
  /** Share decided: the smallest one that reaches `wanted`. */
  readonly coverage: number;
  /** Images with |p - 1/2| of at least this are decided. */
  readonly confidence: number;
  /** Null if the decided images are of too few subjects. */
  readonly accuracy: number | null;
  /**
   * The compared group with the lowest accuracy; null if fewer than two have decided images of enough subjects of both
   * recorded classes.
   */
  readonly worst: GroupCoverage | null;
  /** Groups whose decided images are of too few subjects of one recorded class: no accuracy of a mixed group compares. */
  readonly rareClass: readonly string[];
  /** All groups with decided images of enough subjects: an accuracy rests on those that are left. */
  readonly groups: readonly GroupCoverage[];
}

/** One group's part in a point of the curve. */
export interface GroupCoverage {
  readonly group: string;
  readonly coverage: number;
  readonly accuracy: number;
}

/**
 * Accuracy against coverage, overall and of the worst group.
 *
 * @param rows - labelled images
 * @param groupOf - a row's group, "" if not recorded
 * @param options - `coverages` in (0, 1]; `minSubjects`: groups with fewer are not compared, default 20
 * @throws AppError("input", "EMPTY" | "BAD_COVERAGE")
 * @example selectiveCurve(rows, (row) => row.race).at(-1)?.worst
 */
export function selectiveCurve<R extends Scored>(
  rows: readonly R[],
  groupOf: (row: R) => string,
  options: {
    readonly coverages?: readonly number[] | undefined;
    readonly minSubjects?: number | undefined;
  } = {},
): CoveragePoint[] {
  const { coverages = COVERAGES, minSubjects = SMALL_SUBJECTS } = options;
  if (rows.length === 0) {
    throw unexpected("input", { code: "EMPTY", expected: "at least one image", name: "evaluation", got: 0 });
  }
  const groups = groupSizes(rows, groupOf);
  const sorted = rows
    .map((row) => ({ row, confidence: Math.abs(row.probability - 0.5) }))
    .sort((a, b) => b.confidence - a.confidence);
  return coverages.map((wanted) => {
    if (!(wanted > 0 && wanted <= 1)) {
      throw unexpected("input", {
        code: "BAD_COVERAGE",
        expected: "a number above 0, up to 1",
        name: "a coverage",
        got: wanted,
      });
    }
    const confidence = sorted[Math.ceil(wanted * rows.length) - 1]!.confidence;
    const covered = sorted.filter((item) => item.confidence >= confidence).map(({ row }) => row);
    const rareClass: string[] = [];
    const parts = [...groups].flatMap(([group, size]): GroupCoverage[] => {
      const own = covered.filter((row) => groupOf(row) === group);
      const { nSubjects, nSubjectsFemale, nSubjectsMale } = countSubjects(own);
      if (own.length === 0 || nSubjects < minSubjects) return [];
      if (Math.min(nSubjectsFemale, nSubjectsMale) < minSubjects) rareClass.push(group);
      return [{ group, coverage: own.length / size, accuracy: accuracyOf(own) }];
    });
    const compared = parts.filter(({ group }) => !rareClass.includes(group));
    return {
      wanted,
      coverage: covered.length / rows.length,
      confidence,
      accuracy: countSubjects(covered).nSubjects < minSubjects ? null : accuracyOf(covered),
      worst: compared.length < 2 ? null : compared.reduce((a, b) => (b.accuracy < a.accuracy ? b : a)),
      rareClass,
      groups: parts,
    };
  });
}

/** Images of each recorded group, in the order of tables. */
function groupSizes<R extends Scored>(rows: readonly R[], groupOf: (row: R) => string): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const name of [...new Set(rows.map(groupOf))].sort(compareGroupValues)) {
    if (name !== "") sizes.set(name, rows.filter((row) => groupOf(row) === name).length);
  }
  return sizes;
}

function accuracyOf(rows: readonly Scored[]): number {
  const right = rows.filter(({ probability, target }) => (probability >= THRESHOLD ? 1 : 0) === target);
  return right.length / rows.length;
}
