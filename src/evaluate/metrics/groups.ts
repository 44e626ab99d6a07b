// ◇ Browser-safe. Metrics by recorded group, and how far apart the groups are.
// Terms and definitions of fairlearn's MetricFrame: difference = max - min, ratio = min / max, between groups;
// error max/min and max/geomean as NIST's face reports. Groups are what somebody recorded, not what anyone is.
import { unexpected } from "../../core/errors.ts";
import { compareGroupValues } from "../../core/group-order.ts";
import { groupKeys, strata } from "../analysis/strata.ts";
import { checkGroups } from "../stored/words.ts";
import { type BinaryMetrics, evaluateBinary } from "./metrics.ts";
import {
  checkMinSubjects,
  type Judged,
  type Judgement,
  judge,
  type Scored,
  SMALL_SUBJECTS,
} from "./small.ts";
import { METRICS, type MetricName, metricRow } from "./table.ts";

/** How many people stand behind a set of images; someone recorded both ways counts in both classes. */
export interface SubjectCounts {
  readonly nSubjects: number;
  readonly nSubjectsFemale: number;
  readonly nSubjectsMale: number;
}

/** The figures of one recorded group. */
export interface GroupMetrics extends SubjectCounts, Pick<Judgement, "metrics" | "tooSmall"> {
  /** Value of each key; empty string if not recorded. */
  readonly group: Readonly<Record<string, string>>;
  readonly nImages: number;
  /** Fewer subjects than the limit: too few for a figure. */
  readonly small: boolean;
  /** Takes part in the comparisons, with the metrics that are not too small. */
  readonly compared: boolean;
  /** At least the limit of subjects stand behind each recorded class: a gap of accuracy is not one of the classes. */
  readonly bothClasses: boolean;
}

/** Spread of one metric over the compared groups in which it is defined and not too small. */
export interface Comparison {
  readonly metric: MetricName;
  readonly nGroups: number;
  readonly min: number;
  readonly max: number;
  /** max - min. */
  readonly difference: number;
  /** min / max; null if max is 0. */
  readonly ratio: number | null;
  /** Keys of the group with the lowest value, or the highest for losses. */
  readonly worst: Readonly<Record<string, string>>;
  /** Of accuracy and rates, largest error (1 - value) over the smallest; null for others or if that is 0. */
  readonly errorMaxMin: number | null;
  /** Largest error over the geometric mean of all errors; null for others or if an error is 0. */
  readonly errorMaxGeomean: number | null;
}

/** Metrics of every group, and how far apart they are. */
export interface GroupTable {
  readonly keys: readonly string[];
  /** What all of its images have in common, e.g. `{ modality: "face" }`. */
  readonly within: Readonly<Record<string, string>>;
  /** Figures that rest on fewer subjects are too small. */
  readonly minSubjects: number;
  readonly groups: readonly GroupMetrics[];
  /** All rows together. */
  readonly overall: Judged;
  /** One entry a metric that at least two compared groups have. */
  readonly comparisons: readonly Comparison[];
  /** Groups that are large enough, but with too few subjects of one recorded class: compared in the TPR of the other alone. */
  readonly rareClass: readonly GroupMetrics["group"][];
}

/** How images are divided into groups. */
export interface GroupOptions {
  readonly threshold?: number | undefined;
  /** Figures that rest on fewer subjects are null and not compared; default 20. */
  readonly minSubjects?: number | undefined;
}

/**
 * Tables of one set of keys: one for each modality, and for each source where sources record other values of a key.
 *
 * @param rows - labelled images, at least one
 * @param keys - names of string fields, e.g. `["race", "age"]`; at least one; modality and source are not compared
 *   beside others, but taken apart
 * @throws AppError("input", "NO_KEYS" | "EMPTY" | "BAD_MIN_SUBJECTS" | ...)
 * @example tablesByGroup(rows, ["age"]).map(({ within }) => within.modality) // ["hand", "face"]
 */
export function tablesByGroup<K extends string>(
  rows: readonly (Scored & Readonly<Record<K | "modality" | "source", string>>)[],
  keys: readonly K[],
  options: GroupOptions = {},
): GroupTable[] {
  checkGroups(rows, keys);
  return strata(rows, keys).map(({ within, rows: own }) => ({
    ...metricsByGroup(own, groupKeys(keys) as readonly K[], options),
    within,
  }));
}

/**
 * Metrics for every combination of the keys' values that occurs, ages in order of age, others by name, what is not
 * recorded last. The rows should be of one modality and one vocabulary: `tablesByGroup` sees to that.
 *
 * @param rows - labelled images, at least one
 * @param keys - names of string fields; at least one
 * @throws AppError("input", "NO_KEYS" | "EMPTY" | "BAD_MIN_SUBJECTS" | ...)
 * @example metricsByGroup(faces, ["age"]).comparisons
 */
export function metricsByGroup<K extends string>(
  rows: readonly (Scored & Readonly<Record<K, string>>)[],
  keys: readonly K[],
  options: GroupOptions = {},
): GroupTable {
  if (keys.length === 0) {
    throw unexpected("input", { code: "NO_KEYS", expected: "at least one key", name: "groups", got: keys });
  }
  const minSubjects = checkMinSubjects(options.minSubjects ?? SMALL_SUBJECTS);
  const { threshold } = options;
  const overall = judge(rows, evaluateRows(rows, { threshold }), { minSubjects }).metrics;
  const groups = partition(rows, keys).map(({ group, members }): GroupMetrics => {
    const counts = countSubjects(members);
    const small = counts.nSubjects < minSubjects;
    const recorded = Object.values(group).every((value) => value !== "");
    const { metrics, tooSmall } = judge(members, evaluateRows(members, { threshold }), { minSubjects });
    return {
      group,
      nImages: members.length,
      ...counts,
      small,
      compared: recorded && !small,
      bothClasses: Math.min(counts.nSubjectsFemale, counts.nSubjectsMale) >= minSubjects,
      metrics,
      tooSmall,
    };
  });
  const comparisons = compareGroups(groups);
  const rareClass = groups.filter((group) => group.compared && !group.bothClasses);
  return {
    keys,
    within: {},
    minSubjects,
    groups,
    overall,
    comparisons,
    rareClass: rareClass.map(({ group }) => group),
  };
}

/** Whether a metric rests on one recorded class: all that groups of one class can be compared in. */
const ofOneRecordedClass = (metric: MetricName) =>
  ["female", "male"].includes(metricRow(metric).restsOn.join());

/**
 * Whether a group takes part in the comparison of a metric: large enough, defined, and with enough subjects of both
 * recorded classes. The accuracy of a group of women, or of women and one man, beside a group of men is TPR female beside
 * TPR male: a gap of classes, not of groups.
 *
 * @example table.groups.filter((group) => comparedIn(group, "accuracy"))
 */
export function comparedIn({ compared, bothClasses, metrics }: GroupMetrics, metric: MetricName): boolean {
  return compared && metrics[metric] !== null && (bothClasses || ofOneRecordedClass(metric));
}

/** `evaluateBinary` on rows. */
export function evaluateRows(
  rows: readonly Scored[],
  options: { readonly threshold?: number | undefined } = {},
): BinaryMetrics {
  return evaluateBinary(
    Uint8Array.from(rows, (row) => row.target),
    Float64Array.from(rows, (row) => row.probability),
    options,
  );
}

/** Distinct subjects of rows, in all and by recorded class. */
export function countSubjects(rows: readonly Scored[]): SubjectCounts {
  const female = new Set<string>();
  const male = new Set<string>();
  for (const row of rows) (row.target === 1 ? male : female).add(row.subject);
  return {
    nSubjects: new Set([...female, ...male]).size,
    nSubjectsFemale: female.size,
    nSubjectsMale: male.size,
  };
}

function partition<K extends string, R extends Readonly<Record<K, string>>>(
  rows: readonly R[],
  keys: readonly K[],
): { group: Record<string, string>; members: R[] }[] {
  const groups = new Map<string, { values: string[]; members: R[] }>();
  for (const row of rows) {
    const values = keys.map((key) => row[key] as string);
    const name = JSON.stringify(values);
    const found = groups.get(name);
    if (found === undefined) groups.set(name, { values, members: [row] });
    else found.members.push(row);
  }
  checkGroups(rows, keys);
  return [...groups.values()]
    .sort((a, b) => compareTuples(a.values, b.values))
    .map(({ values, members }) => ({
      group: Object.fromEntries(keys.map((key, k) => [key, values[k]!])),
      members,
    }));
}

function compareTuples(a: readonly string[], b: readonly string[]): number {
  const k = a.findIndex((value, i) => value !== b[i]);
  return k < 0 ? 0 : compareGroupValues(a[k]!, b[k]!);
}

function compareGroups(groups: readonly GroupMetrics[]): Comparison[] {
  return METRICS.filter((metric) => metricRow(metric).better !== "nearer 0").flatMap((metric) => {
    const defined = groups.flatMap((group) =>
      comparedIn(group, metric) ? [{ group: group.group, value: group.metrics[metric]! }] : [],
    );
    return defined.length < 2 ? [] : [compareMetric(metric, defined)];
  });
}

/** Accuracy and rates: 1 - value is an error. */
function hasError(metric: MetricName): boolean {
  const { better, interval } = metricRow(metric);
  return better === "higher" && (interval === "rate" || interval === "mean");
}

function compareMetric(
  metric: MetricName,
  defined: readonly { group: Readonly<Record<string, string>>; value: number }[],
): Comparison {
  const lowest = defined.reduce((a, b) => (b.value < a.value ? b : a));
  const highest = defined.reduce((a, b) => (b.value > a.value ? b : a));
  const errors = hasError(metric) ? defined.map(({ value }) => 1 - value) : [];
  const largest = 1 - lowest.value;
  const smallest = 1 - highest.value;
  const comparable = errors.length > 0 && smallest > 0;
  const geomean = Math.exp(errors.reduce((sum, error) => sum + Math.log(error), 0) / errors.length);
  return {
    metric,
    nGroups: defined.length,
    min: lowest.value,
    max: highest.value,
    difference: highest.value - lowest.value,
    ratio: highest.value === 0 ? null : lowest.value / highest.value,
    worst: (metricRow(metric).better === "lower" ? highest : lowest).group,
    errorMaxMin: comparable ? largest / smallest : null,
    errorMaxGeomean: comparable ? largest / geomean : null,
  };
}
