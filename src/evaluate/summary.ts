// All figures of one split from its stored predictions: overall, by modality, by recorded group. Browser-safe.
// Intervals resample subjects; nothing is rounded here.
import { unexpected } from "../core/errors.ts";
import { type BootstrapIntervals, type BootstrapOptions, bootstrapBySubject } from "./bootstrap.ts";
import { fitTemperature, type Temperature } from "./calibration.ts";
import { bootstrapClasses, type ClassIntervals } from "./class-intervals.ts";
import { type ClassMetrics, evaluateClasses } from "./classes.ts";
import { bootstrapTables, type GroupTableIntervals } from "./group-intervals.ts";
import {
  countSubjects,
  evaluateRows,
  type GroupTable,
  metricsByGroup,
  type Scored,
  type SubjectCounts,
} from "./groups.ts";
import type { BinaryMetrics } from "./metrics.ts";
import { CLASS_TARGETS, type ClassTarget, PREDICTION_MODALITIES, type Prediction } from "./prediction-row.ts";
import { type SubjectFacts, subjectFacts } from "./subjects.ts";

/** Recorded fields that may serve as group keys; predictions of others may have further ones. */
export const GROUP_KEYS = ["gender", "race", "age", "gesture", "modality", "source"] as const;

const DEFAULT_GROUPS: readonly (readonly string[])[] = [
  ["race"],
  ["age"],
  ["gesture"],
  ["race", "age", "modality"],
];

/** Metrics of all images of a split, or of those of one modality. */
export interface Part extends SubjectCounts {
  readonly name: string;
  readonly nImages: number;
  readonly metrics: BinaryMetrics;
  /** Percentile bootstrap over subjects; null if none was asked for. */
  readonly intervals: BootstrapIntervals | null;
  /** Share of images for which the model used the image's own modality; null if it takes or gates none. */
  readonly modalityAgreement: number | null;
}

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
}

/** Every figure of one set of predictions. */
export interface Summary {
  readonly split: string;
  readonly sources: readonly string[];
  readonly threshold: number;
  /** Images without a recorded label; they are in no figure. */
  readonly nUnlabelled: number;
  /** How the subjects of the labelled images were counted. */
  readonly subjects: SubjectFacts;
  readonly overall: Part;
  /** In flag order; only modalities that occur. */
  readonly byModality: readonly Part[];
  /** One table for each set of keys of which at least one value is recorded. */
  readonly byGroup: readonly GroupTable[];
  /** Intervals of `byGroup`'s figures, table by table; absent if not asked for. */
  readonly groupIntervals?: readonly GroupTableIntervals[];
  /** Of models that tell more than the sex; absent for others. */
  readonly targets?: readonly TargetSummary[];
}

/** How many images there were, and why some of them are in no figure. */
export interface ImageCounts {
  /** Null for all images, where no split was asked for. */
  readonly split: Prediction["split"] | null;
  readonly given: number;
  readonly used: number;
  /** Reason and number of the images that are not used. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** What could not be made sure of. */
  readonly notes: readonly string[];
}

export interface SummaryOptions {
  /** Decided male where p >= threshold; default .5. */
  readonly threshold?: number;
  /** Bootstrap draws, default 2000; 0 for no intervals. */
  readonly replicates?: number;
  /** Seed of the bootstrap, default 0. */
  readonly seed?: number;
  /** Sets of keys (fields of the rows, or `gender`); default race, age, gesture, and race x age x modality. */
  readonly groups?: readonly (readonly string[])[];
  /** Intervals for groups too; default no. */
  readonly groupIntervals?: boolean;
}

type Labelled = Prediction & Scored;

/**
 * Every figure of one split.
 *
 * @param predictions - of one split and one model
 * @throws AppError("input", "MIXED_SPLITS") if they come from several splits
 * @throws AppError("input", "NOT_LABELLED") if no image has a recorded label, "UNKNOWN_GROUP" for a key that no
 *   row has
 * @example summarize(predictions.filter((row) => row.split === "test"))
 */
export function summarize(predictions: readonly Prediction[], options: SummaryOptions = {}): Summary {
  const split = onlySplit(predictions);
  const rows = labelled(predictions).map(withGender);
  const overall = part("overall", rows, options);
  const byGroup = groupTables(rows, options);
  const targets = CLASS_TARGETS.flatMap((target) => targetSummary(predictions, target, options) ?? []);
  return {
    split,
    sources: [...new Set(predictions.map((row) => row.source))].sort(),
    threshold: overall.metrics.threshold,
    nUnlabelled: predictions.length - rows.length,
    subjects: subjectFacts(rows),
    overall,
    byModality: PREDICTION_MODALITIES.flatMap((modality) => {
      const own = rows.filter((row) => row.modality === modality);
      return own.length === 0 ? [] : [part(modality, own, options)];
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

const withGender = (row: Labelled): Grouped => ({ ...row, gender: row.target === 1 ? "male" : "female" });

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
  return groups
    .filter((keys) => open.some((row) => keys.every((key) => row[key] !== "")))
    .map((keys) => metricsByGroup(open, keys, pick(options)));
}

function targetSummary(
  predictions: readonly Prediction[],
  target: ClassTarget,
  options: SummaryOptions,
): TargetSummary | undefined {
  const { replicates = 2000, seed = 0 } = options;
  const of = (name: string, rows: readonly Prediction[]): TargetPart[] => {
    const metrics = evaluateClasses(rows, target);
    if (metrics === undefined) return [];
    const none = replicates === 0;
    return [
      { name, metrics, intervals: none ? null : bootstrapClasses(rows, target, { replicates, seed })! },
    ];
  };
  const modalities = PREDICTION_MODALITIES.flatMap((modality) =>
    of(
      modality,
      predictions.filter((row) => row.modality === modality),
    ),
  );
  const parts = [...of("overall", predictions), ...modalities];
  return parts.length === 0 ? undefined : { target, parts };
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

function part(name: string, rows: readonly Labelled[], options: SummaryOptions): Part {
  const y = rows.map((row) => row.target);
  const p = rows.map((row) => row.probability);
  const subjects = rows.map((row) => row.subject);
  const gated = rows.filter((row) => row.modalityUsed !== null);
  const agree = gated.filter((row) => row.modalityUsed === row.modality);
  return {
    name,
    nImages: rows.length,
    ...countSubjects(rows),
    metrics: evaluateRows(rows, pick(options)),
    intervals:
      options.replicates === 0 ? null : bootstrapBySubject(y, p, subjects, bootstrapOptions(options)),
    modalityAgreement: gated.length === 0 ? null : agree.length / gated.length,
  };
}

function bootstrapOptions(options: SummaryOptions): BootstrapOptions {
  const { replicates = 2000, seed = 0 } = options;
  return { replicates, seed, ...pick(options) };
}

function pick({ threshold }: SummaryOptions): { threshold?: number } {
  return threshold === undefined ? {} : { threshold };
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
