// Selective prediction: a model that abstains on its least confident images, and what its worst group gets. Browser-safe.
// Source: El-Yaniv and Wiener 2010 (risk and coverage); Jones et al. 2021 (abstaining can widen the gap of groups).
// Confidence is |p - 1/2|; images of one confidence are kept or left out together.
import { unexpected } from "../core/errors.ts";
import { countSubjects, type Scored, SMALL_SUBJECTS } from "./groups.ts";

/** Coverages at which the curve is read. */
export const COVERAGES = [1, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5] as const;

/** Agreement among the images that are not abstained from. */
export interface CoveragePoint {
  /** Wanted share of images. */
  readonly wanted: number;
  /** Share kept: the smallest one that reaches `wanted`. */
  readonly coverage: number;
  /** Images with |p - 1/2| of at least this are kept. */
  readonly confidence: number;
  readonly accuracy: number;
  /** The compared group with the lowest accuracy; null if fewer than two have kept images. */
  readonly worst: GroupCoverage | null;
  /** All compared groups with kept images. */
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
 * @param groupOf - a row's group, "" if not recorded; groups under 20 subjects are not compared
 * @param coverages - in (0, 1]
 * @throws AppError("input", "EMPTY" | "BAD_COVERAGE")
 * @example selectiveCurve(rows, (row) => row.race).at(-1)?.worst
 */
export function selectiveCurve<R extends Scored>(
  rows: readonly R[],
  groupOf: (row: R) => string,
  coverages: readonly number[] = COVERAGES,
): CoveragePoint[] {
  if (rows.length === 0) {
    throw unexpected("input", { code: "EMPTY", expected: "at least one image", name: "evaluation", got: 0 });
  }
  const groups = comparedGroups(rows, groupOf);
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
    const kept = sorted.filter((item) => item.confidence >= confidence).map(({ row }) => row);
    const parts = [...groups].flatMap(([group, size]): GroupCoverage[] => {
      const own = kept.filter((row) => groupOf(row) === group);
      return own.length === 0 ? [] : [{ group, coverage: own.length / size, accuracy: accuracyOf(own) }];
    });
    return {
      wanted,
      coverage: kept.length / rows.length,
      confidence,
      accuracy: accuracyOf(kept),
      worst: parts.length < 2 ? null : parts.reduce((a, b) => (b.accuracy < a.accuracy ? b : a)),
      groups: parts,
    };
  });
}

/** Images of each group that is compared, by name. */
function comparedGroups<R extends Scored>(
  rows: readonly R[],
  groupOf: (row: R) => string,
): Map<string, number> {
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const name = groupOf(row);
    const own = groups.get(name);
    if (own === undefined) groups.set(name, [row]);
    else own.push(row);
  }
  const large = [...groups].filter(
    ([name, own]) => name !== "" && countSubjects(own).nSubjects >= SMALL_SUBJECTS,
  );
  return new Map(
    large.map(([name, own]) => [name, own.length] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function accuracyOf(rows: readonly Scored[]): number {
  const right = rows.filter(({ probability, target }) => (probability >= 0.5 ? 1 : 0) === target);
  return right.length / rows.length;
}
