// ◇ Browser-safe. Metrics of further targets: age bucket, race or skin-tone class. The decision is the class with the
// highest probability. Source: scikit-learn's accuracy_score, balanced_accuracy_score, recall_score.
// Classes are what somebody recorded, not what anyone is; nothing is rounded here.
import { unexpected } from "../../core/errors.ts";
import {
  type ClassProbabilities,
  type ClassTarget,
  classKey,
  type Prediction,
} from "../stored/prediction-row.ts";
import { ratio } from "./binary.ts";
import { SMALL_SUBJECTS } from "./small.ts";

/** Targets whose classes have an order, so that a decision may be near the record. */
const ORDERED: ReadonlySet<ClassTarget> = new Set(["age"]);

/** How often the images of one recorded class are decided as recorded. */
export interface ClassRecall {
  readonly name: string;
  readonly nImages: number;
  readonly nSubjects: number;
  /** Fewer subjects than the limit: too few for a figure. */
  readonly small: boolean;
  /** Null if no image is recorded so, or if that is too small. */
  readonly recall: number | null;
}

/** Agreement of one target's decisions with the record. */
export interface ClassMetrics {
  readonly target: ClassTarget;
  /** Images with a recorded class that the model knows: those of the figures. */
  readonly nImages: number;
  readonly nSubjects: number;
  /** Images without a recorded class; in no figure. */
  readonly nUnlabelled: number;
  /** Images recorded as a class that the model does not know, by class; in no figure. */
  readonly unknown: Readonly<Record<string, number>>;
  readonly accuracy: number;
  /** Mean recall of the classes that are recorded; null if it is only one. */
  readonly balancedAccuracy: number | null;
  /** Share decided as recorded or as a neighbouring class; null for classes without an order. */
  readonly oneOffAccuracy: number | null;
  /** Mean number of classes between decision and record; null likewise. */
  readonly meanAbsoluteError: number | null;
  /** In the model's order. */
  readonly classes: readonly ClassRecall[];
}

/**
 * Agreement of a target's decisions with the record.
 *
 * @param rows - predictions of models with the same classes of this target; rows without the target are left out
 * @param options - `minSubjects`: recalls of classes with fewer are too small; default 20
 * @returns undefined if no row has the target, or none of them a recorded class that the model knows
 * @throws AppError("input", "MIXED_CLASSES") if the rows come from models with other classes
 * @example evaluateClasses(rows, "age")?.oneOffAccuracy
 */
export function evaluateClasses(
  rows: readonly Prediction[],
  target: ClassTarget,
  { minSubjects = SMALL_SUBJECTS }: { readonly minSubjects?: number | undefined } = {},
): ClassMetrics | undefined {
  const { names, decided, unlabelled, unknown } = decideRows(rows, target);
  if (decided.length === 0) return undefined;
  const share = (within: number) => decided.filter((d) => d.distance <= within).length / decided.length;
  const distances = decided.reduce((sum, { distance }) => sum + distance, 0);
  const recalls = names.map((name, k) =>
    recallOf(
      name,
      decided.filter(({ recorded }) => recorded === k),
    ),
  );
  const ordered = ORDERED.has(target);
  return {
    target,
    nImages: decided.length,
    nSubjects: new Set(decided.map(({ subject }) => subject)).size,
    nUnlabelled: unlabelled,
    unknown: countUnknown(unknown),
    accuracy: share(0),
    balancedAccuracy: meanRecall(recalls),
    oneOffAccuracy: ordered ? share(1) : null,
    meanAbsoluteError: ordered ? distances / decided.length : null,
    classes: recalls.map((known): ClassRecall => {
      const small = known.nSubjects < minSubjects;
      return { ...known, small, recall: small ? null : known.recall };
    }),
  };
}

/** One image in the figures of a target. */
export interface Decided {
  readonly subject: string;
  /** Index of the recorded class in the model's order. */
  readonly recorded: number;
  /** Classes between decision and record. */
  readonly distance: number;
}

/**
 * The decision about every image that has a recorded class which the model knows.
 *
 * @returns `names`: the model's classes; `unlabelled`: images without a record; `unknown`: records of other classes
 * @throws AppError("input", "MIXED_CLASSES") as `evaluateClasses`
 */
export function decideRows(rows: readonly Prediction[], target: ClassTarget) {
  const predicted = rows.flatMap((row) => {
    const probabilities = row[classKey(target)];
    return probabilities === undefined ? [] : [{ row, probabilities }];
  });
  const names = classNames(
    predicted.map(({ probabilities }) => probabilities),
    target,
  );
  const labelled = predicted.filter(({ row }) => row[target] !== "");
  const known = labelled.filter(({ row }) => names.includes(row[target]));
  const decided = known.map(({ row, probabilities }): Decided => {
    const [recorded, guess] = [row[target], decideClass(probabilities)].map((name) => names.indexOf(name));
    return { subject: row.subject, recorded: recorded!, distance: Math.abs(guess! - recorded!) };
  });
  const unknown = labelled.map(({ row }) => row[target]).filter((name) => !names.includes(name));
  return { names, decided, unlabelled: predicted.length - labelled.length, unknown };
}

/** The class with the highest probability; of equal ones the first. */
export function decideClass(probabilities: ClassProbabilities): string {
  return Object.entries(probabilities).reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}

function classNames(all: readonly ClassProbabilities[], target: ClassTarget): string[] {
  const lists = new Set(all.map((probabilities) => JSON.stringify(Object.keys(probabilities))));
  if (lists.size <= 1) return Object.keys(all[0] ?? {});
  throw unexpected("input", {
    code: "MIXED_CLASSES",
    expected: "predictions of models with the same classes",
    name: target,
    got: [...lists].slice(0, 2).join(" and "),
  });
}

function recallOf(name: string, decided: readonly Decided[]): Omit<ClassRecall, "small"> {
  return {
    name,
    nImages: decided.length,
    nSubjects: new Set(decided.map(({ subject }) => subject)).size,
    recall: ratio(decided.filter(({ distance }) => distance === 0).length, decided.length),
  };
}

function meanRecall(classes: readonly Pick<ClassRecall, "recall">[]): number | null {
  const recalls = classes.flatMap(({ recall }) => recall ?? []);
  return recalls.length < 2 ? null : recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
}

function countUnknown(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
