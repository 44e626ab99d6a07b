// ◇ Browser-safe. Thresholds by recorded group: chosen on validation images, applied frozen to others. Analysis only:
// a threshold by group needs the group of a person at prediction time, and treats equal scores differently.
// Invariant: deterministic: of several best thresholds the one nearest .5, and of two such the smaller one.
import { unexpected } from "../../core/errors.ts";
import { compareGroupValues } from "../../core/group-order.ts";
import { THRESHOLD } from "../metrics/binary.ts";
import { countSubjects, evaluateRows } from "../metrics/groups.ts";
import { type Rates, rates } from "../metrics/metrics.ts";
import { type Scored, SMALL_SUBJECTS } from "../metrics/small.ts";

/** Printed wherever such figures are shown. */
export const ANALYSIS_ONLY = "analysis only: not for use on people";

type Row<K extends string> = Scored & { readonly split: string } & Readonly<Record<K, string>>;

/** Thresholds by value of one recorded key. */
export interface GroupThresholds<K extends string = string> {
  readonly analysisOnly: true;
  readonly key: K;
  /** Of all validation images; used for groups without one of their own. */
  readonly common: number;
  /** Only groups with enough subjects of both classes: a threshold is chosen by both of their rates. */
  readonly byValue: Readonly<Record<string, number>>;
}

/**
 * The threshold of each group with the highest balanced accuracy on validation images.
 *
 * @param rows - labelled validation predictions
 * @param key - a recorded field, e.g. `race`
 * @param minSubjects - groups with fewer subjects of either class have no threshold of their own
 * @throws AppError("input", "NOT_VALIDATION") for a row of another split, "ONE_CLASS" unless both classes occur
 * @example fitGroupThresholds(validation, "race").byValue
 */
export function fitGroupThresholds<K extends string>(
  rows: readonly Row<K>[],
  key: K,
  minSubjects: number = SMALL_SUBJECTS,
): GroupThresholds<K> {
  const other = rows.find((row) => row.split !== "val");
  if (other !== undefined) {
    throw unexpected("input", {
      code: "NOT_VALIDATION",
      expected: "predictions of split val only",
      name: "the choice of thresholds",
      got: other.split,
    });
  }
  const common = bestThreshold(rows);
  if (common === undefined) {
    throw unexpected("input", {
      code: "ONE_CLASS",
      expected: "images recorded as female and as male",
      name: "the choice of thresholds",
      got: "one class",
    });
  }
  const values = [...new Set(rows.map((row) => row[key] as string))].sort(compareGroupValues);
  const byValue = values.flatMap((value) => {
    const own = rows.filter((row) => row[key] === value);
    const { nSubjectsFemale, nSubjectsMale } = countSubjects(own);
    const small = Math.min(nSubjectsFemale, nSubjectsMale) < minSubjects;
    const threshold = value === "" || small ? undefined : bestThreshold(own);
    return threshold === undefined ? [] : [[value, threshold] as const];
  });
  return { analysisOnly: true, key, common, byValue: Object.fromEntries(byValue) };
}

/**
 * Rates of rows that are decided by their group's threshold.
 *
 * @returns metrics of the decisions alone: those of scores (areas, losses, calibration) would mean nothing
 */
export function evaluateGroupThresholds<K extends string>(
  rows: readonly Row<K>[],
  thresholds: GroupThresholds<K>,
): Rates {
  const decided = rows.map((row) => {
    const threshold = thresholds.byValue[row[thresholds.key] as string] ?? thresholds.common;
    return { ...row, probability: row.probability >= threshold ? 1 : 0 };
  });
  return rates(evaluateRows(decided).confusion);
}

/** Middle between neighbouring probabilities with the highest balanced accuracy; undefined for one class. */
function bestThreshold(rows: readonly Scored[]): number | undefined {
  const sorted = [...rows].sort((a, b) => a.probability - b.probability);
  const males = rows.filter(({ target }) => target === 1).length;
  const females = rows.length - males;
  if (males === 0 || females === 0) return undefined;
  let best = { value: Number.NEGATIVE_INFINITY, threshold: THRESHOLD };
  let [malesBelow, femalesBelow] = [0, 0];
  for (let i = 0; i <= sorted.length; i++) {
    const below = i === 0 ? 0 : sorted[i - 1]!.probability;
    const above = i === sorted.length ? 1 : sorted[i]!.probability;
    if (above > below) {
      const value = ((males - malesBelow) / males + femalesBelow / females) / 2;
      const threshold = within(below, above);
      if (value > best.value + 1e-12 || (value > best.value - 1e-12 && nearer(threshold, best.threshold))) {
        best = { value, threshold };
      }
    }
    if (sorted[i]?.target === 1) malesBelow++;
    else femalesBelow++;
  }
  return best.threshold;
}

/** .5 if it separates the two, their middle otherwise: decided male from the threshold on. */
function within(below: number, above: number): number {
  return below < THRESHOLD && THRESHOLD <= above ? THRESHOLD : (below + above) / 2;
}

function nearer(a: number, b: number): boolean {
  const [x, y] = [Math.abs(a - THRESHOLD), Math.abs(b - THRESHOLD)];
  return x < y || (x === y && a < b);
}
