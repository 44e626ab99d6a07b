// ◇ Browser-safe. What a figure rests on: the subjects in its denominator. Under a limit of them (default
// 20) a figure is called too small, in every table, plot, card and JSON alike: its value is null, its name
// stands in `tooSmall`. A whole set is no group: its figures are shown, and marked where
// they rest on few.
import { unexpected } from "../../core/errors.ts";
import { THRESHOLD } from "./binary.ts";
import type { BinaryMetrics } from "./metrics.ts";
import type { Subjects } from "./row.ts";
import { METRICS, type MetricName, metricRow } from "./table.ts";

/** Figures that rest on fewer subjects than this are too small to be shown, unless another limit is asked for. */
export const SMALL_SUBJECTS = 20;

/** What a row needs for metrics; further string fields may serve as group keys. */
export interface Scored {
  readonly subject: string;
  readonly target: 0 | 1;
  readonly probability: number;
}

/** Metrics of which those that rest on too few subjects, or are not defined, are null. */
export type Judged = Readonly<Record<MetricName, number | null>> &
  Pick<BinaryMetrics, "n" | "nFemale" | "nMale" | "threshold"> & {
    /** Null where a rate of it is too small. */
    readonly confusion: BinaryMetrics["confusion"] | null;
  };

/** Figures after the limit is applied. */
export interface Judgement {
  readonly metrics: Judged;
  /** Metrics that these images define, but which rest on fewer subjects than the limit. */
  readonly tooSmall: readonly MetricName[];
  /** Of a whole set: metrics that are shown although they rest on fewer subjects than the limit. */
  readonly few: readonly MetricName[];
}

/** The limit, and whether these images are the whole of what was asked for, not a group of it. */
export interface Limit {
  readonly minSubjects: number;
  readonly whole?: boolean | undefined;
}

/**
 * Judges the metrics of rows by the subjects that each rests on.
 *
 * @param rows - those that `metrics` was computed from
 * @example judge(rows, evaluateRows(rows), { minSubjects: 20 }).metrics.tprFemale // null: 11 female subjects
 */
export function judge(
  rows: readonly Scored[],
  metrics: BinaryMetrics,
  { minSubjects, whole = false }: Limit,
): Judgement {
  const subjects = countDenominators(rows, metrics.threshold);
  const under = METRICS.filter(
    (metric) => metrics[metric] !== null && behind(metric, subjects) < minSubjects,
  );
  const few = whole ? under.filter((metric) => !metricRow(metric).ofOneClass) : [];
  const tooSmall = under.filter((metric) => !few.includes(metric));
  const hidden = new Set(tooSmall);
  const values = METRICS.map((metric) => [metric, hidden.has(metric) ? null : metrics[metric]] as const);
  const { n, nFemale, nMale, threshold, confusion } = metrics;
  const counts = { n, nFemale, nMale, threshold };
  const withheld = ["accuracy", "tprFemale", "tprMale"].some((metric) => hidden.has(metric as MetricName));
  const figures = Object.fromEntries(values) as Record<MetricName, number | null>;
  return { metrics: { ...counts, confusion: withheld ? null : confusion, ...figures }, tooSmall, few };
}

/** Subjects of a metric's denominator; of figures that need both recorded classes, of the rarer one. */
const behind = (metric: MetricName, subjects: Subjects) =>
  Math.min(...metricRow(metric).restsOn.map((denominator) => subjects[denominator]));

function countDenominators(rows: readonly Scored[], threshold = THRESHOLD): Subjects {
  const count = (wanted: (row: Scored, decided: 0 | 1) => boolean) => {
    const found = rows.filter((row) => wanted(row, row.probability >= threshold ? 1 : 0));
    return new Set(found.map(({ subject }) => subject)).size;
  };
  return {
    all: count(() => true),
    female: count(({ target }) => target === 0),
    male: count(({ target }) => target === 1),
    decidedFemale: count((_, decided) => decided === 0),
    decidedMale: count((_, decided) => decided === 1),
    eitherFemale: count(({ target }, decided) => target === 0 || decided === 0),
    eitherMale: count(({ target }, decided) => target === 1 || decided === 1),
  };
}

/**
 * Checks the number of subjects under which a figure is too small.
 *
 * @throws AppError("input", "BAD_MIN_SUBJECTS")
 */
export function checkMinSubjects(minSubjects: number): number {
  if (Number.isSafeInteger(minSubjects) && minSubjects >= 1) return minSubjects;
  throw unexpected("input", {
    code: "BAD_MIN_SUBJECTS",
    expected: "a whole number from 1",
    name: "the least number of subjects",
    got: minSubjects,
  });
}
