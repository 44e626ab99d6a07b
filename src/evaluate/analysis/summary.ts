// ◇ Browser-safe. All figures of one split from its stored predictions: overall, by modality, by recorded group.
// Intervals resample subjects; nothing is rounded here.

import { unexpected } from "../../core/errors.ts";
import { parseSex, SEXES } from "../../core/vocabulary.ts";
import { MODALITIES } from "../../core/words.ts";
import {
  type BootstrapIntervals,
  type BootstrapOptions,
  bootstrapBySubject,
} from "../intervals/bootstrap.ts";
import { bootstrapTables, type GroupTableIntervals } from "../intervals/group-intervals.ts";
import { REPLICATES } from "../intervals/intervals.ts";
import type { BootstrapInterval } from "../intervals/subject-intervals.ts";
import { fitTemperature, type Temperature } from "../metrics/calibration.ts";
import {
  countSubjects,
  evaluateRows,
  type GroupTable,
  type SubjectCounts,
  tablesByGroup,
} from "../metrics/groups.ts";
import { checkMinSubjects, type Judgement, judge, type Scored, SMALL_SUBJECTS } from "../metrics/small.ts";
import { CLASS_TARGETS, type Prediction } from "../stored/prediction-row.ts";
import { type SubjectFacts, subjectFacts } from "../stored/subjects.ts";
import { type TargetSummary, targetSummary } from "./target-summary.ts";

/** Recorded fields that may serve as group keys; predictions of others may have further ones. */
export const GROUP_KEYS = ["gender", "race", "age", "gesture", "modality", "source"] as const;

const DEFAULT_GROUPS: readonly (readonly string[])[] = [["race"], ["age"], ["gesture"], ["race", "age"]];

/** Metrics of all images of a split, or of those of one modality; judged as the groups' are (small.ts). */
export interface Part extends SubjectCounts, Judgement {
  readonly name: string;
  readonly nImages: number;
  /** Percentile bootstrap over subjects; null if none was asked for. */
  readonly intervals: BootstrapIntervals | null;
  /** Share of images for which the model used the image's own modality; null if it takes or gates none. */
  readonly modalityAgreement: number | null;
}

/** Every figure of one set of predictions. */
export interface Summary {
  readonly split: string;
  readonly sources: readonly string[];
  readonly threshold: number;
  /** Figures that rest on fewer subjects are too small. */
  readonly minSubjects: number;
  /** Images without a recorded label; they are in no figure. */
  readonly nUnlabelled: number;
  /** How the subjects of the labelled images were counted. */
  readonly subjects: SubjectFacts;
  readonly overall: Part;
  /** In flag order; only modalities that occur. */
  readonly byModality: readonly Part[];
  /** Tables of each set of keys, within one modality and, where vocabularies differ, within one source. */
  readonly byGroup: readonly GroupTable[];
  /** Intervals of `byGroup`'s figures, table by table; absent if not asked for. */
  readonly groupIntervals?: readonly GroupTableIntervals[] | undefined;
  /** Of models that predict more than the sex; absent for others. */
  readonly targets?: readonly TargetSummary[] | undefined;
}

/** How many images there were, and why some of them are in no figure. */
export interface ImageCounts {
  /** Null for all images, where no split was asked for. */
  readonly split: Prediction["split"] | null;
  /** The split is of the run's own sets alone: beside them there are whole sets of others. */
  readonly besideOthers?: true | undefined;
  readonly given: number;
  readonly used: number;
  /** Reason and number of the images that are not used. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** What could not be made sure of. */
  readonly notes: readonly string[];
}

/** What a summary holds. */
export interface SummaryOptions {
  /** Decided male where p >= threshold; default .5. */
  readonly threshold?: number | undefined;
  /** Figures that rest on fewer subjects are not shown; default 20. */
  readonly minSubjects?: number | undefined;
  /** Bootstrap draws, default 2000; 0 for no intervals. */
  readonly replicates?: number | undefined;
  /** Seed of the bootstrap, default 0. */
  readonly seed?: number | undefined;
  /** Sets of keys (fields of the rows, or `gender`); default race, age, gesture, and race x age. */
  readonly groups?: readonly (readonly string[])[] | undefined;
  /** Intervals for groups too; default no. */
  readonly groupIntervals?: boolean | undefined;
}

type Labelled = Prediction & Scored;

/**
 * Every figure of one split.
 *
 * @param predictions - of one split and one model
 * @throws AppError("input", "MIXED_SPLITS") if they come from several splits
 * @throws AppError("data", "GENDER_TWICE") if groups of gender are asked for and a field gender is not the label
 * @throws AppError("input", "NOT_LABELLED") if no image has a recorded label, "UNKNOWN_GROUP" for a key that no
 *   row has
 * @example summarize(predictions.filter((row) => row.split === "test"))
 */
export function summarize(predictions: readonly Prediction[], options: SummaryOptions = {}): Summary {
  const split = onlySplit(predictions);
  const recorded = labelled(predictions);
  if (options.groups?.flat().includes("gender")) checkGender(recorded);
  const rows = recorded.map(withGender);
  const minSubjects = checkMinSubjects(options.minSubjects ?? SMALL_SUBJECTS);
  const modalities = MODALITIES.filter((name) => rows.some(({ modality }) => modality === name));
  const overall = part("overall", rows, { ...options, whole: true });
  const byGroup = groupTables(rows, options);
  const targets = CLASS_TARGETS.flatMap((target) => targetSummary(predictions, target, options) ?? []);
  return {
    split,
    sources: [...new Set(predictions.map((row) => row.source))].sort(),
    threshold: overall.metrics.threshold,
    minSubjects,
    nUnlabelled: predictions.length - rows.length,
    subjects: subjectFacts(rows),
    overall,
    byModality: modalities.map((modality) => {
      const own = rows.filter((row) => row.modality === modality);
      return part(modality, own, { ...options, whole: modalities.length === 1 });
    }),
    byGroup,
    ...(options.groupIntervals === true && options.replicates !== 0
      ? { groupIntervals: bootstrapTables(rows, byGroup, bootstrapOptions(options)) }
      : {}),
    ...(targets.length === 0 ? {} : { targets }),
  };
}

/** A labelled row with its record as a group key. */
type Grouped = Labelled & { readonly gender: string };

const withGender = (row: Labelled): Grouped => ({ ...row, gender: SEXES[row.target] });

/** A table's own column of this name may mean something else than the label, and would be ignored. */
function checkGender(rows: readonly Labelled[]): void {
  for (const row of rows as readonly (Labelled & { readonly gender?: string })[]) {
    const { target, gender: got = "", id: where } = row;
    if (got === "" || parseSex(got) === SEXES[target]) continue;
    const expected = `${SEXES[target]}, as the label is recorded,`;
    const hint = "rename the column gender: it is another record than the label";
    throw unexpected("data", { code: "GENDER_TWICE", expected, name: "column gender", got, where, hint });
  }
}

/** Tables of the sets of keys that at least one row has recorded. */
function groupTables(rows: readonly Grouped[], options: SummaryOptions): GroupTable[] {
  // Predictions of others have string fields beside the usual ones.
  const open = rows as readonly (Grouped & Readonly<Record<string, string>>)[];
  const { groups = DEFAULT_GROUPS } = options;
  for (const key of groups.flat()) {
    if (typeof open[0]![key] === "string") continue;
    const known = Object.keys(open[0]!).filter((name) => typeof open[0]![name] === "string");
    throw unexpected("input", {
      code: "UNKNOWN_GROUP",
      expected: `a recorded field (${known.join(", ")})`,
      name: "a group",
      got: key,
    });
  }
  const { threshold, minSubjects } = options;
  return groups.flatMap((keys) => tablesByGroup(open, keys, { threshold, minSubjects }));
}

function onlySplit(predictions: readonly Prediction[]): string {
  const splits = [...new Set(predictions.map((row) => row.split))];
  if (splits.length === 1) return splits[0]!;
  throw unexpected("input", {
    code: "MIXED_SPLITS",
    expected: "predictions of one split",
    name: "a summary",
    got: splits.join(", ") || undefined,
    hint: "choose one split, e.g. --split test",
  });
}

function labelled(predictions: readonly Prediction[]): Labelled[] {
  const rows = predictions.filter((row): row is Labelled => row.target !== null);
  if (rows.length > 0) return rows;
  throw unexpected("input", {
    code: "NOT_LABELLED",
    expected: "at least one image with a recorded label",
    name: "a summary",
    got: `${predictions.length} without`,
  });
}

function part(
  name: string,
  rows: readonly Labelled[],
  { whole, ...options }: SummaryOptions & { readonly whole: boolean },
): Part {
  const y = rows.map((row) => row.target);
  const p = rows.map((row) => row.probability);
  const subjects = rows.map((row) => row.subject);
  const gated = rows.filter((row) => row.modalityUsed !== null);
  const agree = gated.filter((row) => row.modalityUsed === row.modality);
  const { threshold, minSubjects = SMALL_SUBJECTS } = options;
  const judgement = judge(rows, evaluateRows(rows, { threshold }), { minSubjects, whole });
  const none = options.replicates === 0;
  return {
    name,
    nImages: rows.length,
    ...countSubjects(rows),
    ...judgement,
    intervals: none
      ? null
      : withoutSmall(bootstrapBySubject(y, p, subjects, bootstrapOptions(options)), judgement),
    modalityAgreement: gated.length === 0 ? null : agree.length / gated.length,
  };
}

/** What is too small has no interval either. */
function withoutSmall(intervals: BootstrapIntervals, { tooSmall }: Judgement): BootstrapIntervals {
  const nothing = { estimate: null, low: null, high: null, method: "none" } as const;
  const entries = Object.entries(intervals).map(([metric, interval]: [string, BootstrapInterval]) => [
    metric,
    (tooSmall as readonly string[]).includes(metric) ? { ...interval, ...nothing } : interval,
  ]);
  return Object.fromEntries(entries) as BootstrapIntervals;
}

function bootstrapOptions(options: SummaryOptions): BootstrapOptions {
  const { replicates = REPLICATES, seed = 0, threshold } = options;
  return { replicates, seed, threshold };
}

/**
 * Temperature from validation predictions; unlabelled images are left out.
 *
 * @throws AppError("input", "NOT_VALIDATION") if any row is of another split: test images must not choose anything
 * @example applyTemperature(row.logit, fitTemperatureOn(validation).temperature)
 */
export function fitTemperatureOn(predictions: readonly Prediction[]): Temperature {
  const other = predictions.find((row) => row.split !== "val");
  if (other !== undefined) {
    throw unexpected("input", {
      code: "NOT_VALIDATION",
      expected: "predictions of split val only",
      name: "the temperature fit",
      got: other.split,
      where: other.id,
    });
  }
  const rows = labelled(predictions);
  return fitTemperature(
    rows.map((row) => row.target),
    rows.map((row) => row.logit),
  );
}
