// ◇ Browser-safe. What is fitted on validation images and evaluated on others: temperatures, thresholds by group,
// abstention. Invariants: nothing is fitted on the images it is judged by; nothing here changes a checkpoint.

import { unexpected } from "../../core/errors.ts";
import { MODALITIES } from "../../core/words.ts";
import { applyTemperature, type Temperature } from "../metrics/calibration.ts";
import { countSubjects, evaluateRows } from "../metrics/groups.ts";
import type { BinaryMetrics, Rates } from "../metrics/metrics.ts";
import { judge, type Scored, SMALL_SUBJECTS } from "../metrics/small.ts";
import { GROUP_METRICS } from "../metrics/table.ts";
import type { Prediction } from "../stored/prediction-row.ts";
import { checkGroups } from "../stored/words.ts";
import { type CoveragePoint, selectiveCurve } from "./selective.ts";
import { strata } from "./strata.ts";
import { fitTemperatureOn } from "./summary.ts";
import { evaluateGroupThresholds, fitGroupThresholds, type GroupThresholds } from "./thresholds.ts";

type Labelled = Prediction & Scored;
type CalibrationFigures = Pick<BinaryMetrics, "nll" | "brier" | "ece" | "eceAdaptive">;

/** One modality's temperature, fitted on validation images, and its effect on the evaluated ones. */
export interface CalibrationPart {
  readonly name: string;
  readonly nImages: number;
  readonly nSubjects: number;
  readonly temperature: Temperature;
  /** Null if the images are of fewer subjects than the limit. */
  readonly before: CalibrationFigures | null;
  readonly after: CalibrationFigures | null;
}

/** What thresholds by group would change, within one modality (strata.ts). */
export interface ThresholdAnalysis {
  readonly within: Readonly<Record<string, string>>;
  readonly thresholds: GroupThresholds;
  /** All images decided at .5. */
  readonly plain: ThresholdRates;
  /** At the one threshold that validation prefers. */
  readonly common: ThresholdRates;
  /** At each group's own. */
  readonly byGroup: ThresholdRates;
}

/** Rates that thresholds change; null where they rest on too few subjects. */
export type ThresholdRates = Readonly<Record<(typeof THRESHOLD_RATES)[number], number | null>>;
export const THRESHOLD_RATES = GROUP_METRICS;

/** A curve of accuracy against coverage, with its worst group, within one modality. */
export interface SelectiveAnalysis {
  readonly within: Readonly<Record<string, string>>;
  readonly minSubjects: number;
  readonly key: string;
  readonly curve: readonly CoveragePoint[];
}

/**
 * Temperature by modality.
 *
 * @param predictions - of all splits
 * @param split - the images to judge on; the temperature comes from `val`
 * @returns modalities with labelled images in both splits, in flag order
 * @throws AppError("input", "NO_VALIDATION") if there are none, AppError("data", "SPLIT_LEAK") for a person in both splits
 * @example calibrate(rows, "test")[0]?.temperature.temperature
 */
export function calibrate(
  predictions: readonly Prediction[],
  split: Prediction["split"],
  minSubjects: number = SMALL_SUBJECTS,
): CalibrationPart[] {
  const rows = labelledRows(predictions);
  checkApart(rows, split);
  const parts = MODALITIES.flatMap((modality): CalibrationPart[] => {
    const of = (name: string) => rows.filter((row) => row.modality === modality && row.split === name);
    const [validation, judged] = [of("val"), of(split)];
    if (validation.length === 0 || judged.length === 0) return [];
    const temperature = fitTemperatureOn(validation);
    const cooled = judged.map((row) => ({
      ...row,
      probability: applyTemperature(row.logit, temperature.temperature),
    }));
    const { nSubjects } = countSubjects(judged);
    const figures = nSubjects < minSubjects ? () => null : figuresOf;
    const part = { name: modality, nImages: judged.length, nSubjects, temperature };
    return [{ ...part, before: figures(judged), after: figures(cooled) }];
  });
  if (parts.length === 0) throw noValidation("calibration", rows, split);
  return parts;
}

function figuresOf(rows: readonly Scored[]): CalibrationFigures {
  const { nll, brier, ece, eceAdaptive } = evaluateRows(rows);
  return { nll, brier, ece, eceAdaptive };
}

/**
 * Thresholds by group from validation images, and the rates that they give on others, within each modality. Analysis only.
 *
 * @param key - a recorded field, e.g. `race`
 * @throws AppError("input", "NO_VALIDATION" | "ONE_CLASS" | "UNKNOWN_GROUP"), AppError("data", "SPLIT_LEAK")
 * @example analyseThresholds(rows, "test", "race")[0]?.byGroup.balancedAccuracy
 */
export function analyseThresholds(
  predictions: readonly Prediction[],
  split: Prediction["split"],
  key: string,
  minSubjects: number = SMALL_SUBJECTS,
): ThresholdAnalysis[] {
  const rows = withKey(labelledRows(predictions), key);
  const of = (name: string) => rows.filter((row) => row.split === name);
  const [validation, judged] = [of("val"), of(split)];
  if (validation.length === 0 || judged.length === 0) throw noValidation("thresholds", rows, split);
  checkApart(rows, split);
  return strata(judged, [key]).flatMap(({ within, rows: own }): ThresholdAnalysis[] => {
    const fitted = validation.filter((row) =>
      Object.entries(within).every(([field, value]) => row[field] === value),
    );
    if (fitted.length === 0) return [];
    const thresholds = fitGroupThresholds(fitted, key, minSubjects);
    const plain = evaluateRows(own);
    const { tooSmall } = judge(own, plain, { minSubjects });
    const shown = (of: Rates) =>
      Object.fromEntries(
        THRESHOLD_RATES.map((rate) => [rate, tooSmall.includes(rate) ? null : of[rate]]),
      ) as ThresholdRates;
    const common = evaluateRows(own, { threshold: thresholds.common });
    const byGroup = evaluateGroupThresholds(own, thresholds);
    return [{ within, thresholds, plain: shown(plain), common: shown(common), byGroup: shown(byGroup) }];
  });
}

/**
 * Accuracy against coverage with the worst group of a recorded field, within each modality.
 *
 * @throws AppError("input", "UNKNOWN_GROUP" | "EMPTY")
 * @example analyseSelective(rows, "test", "race")[0]?.curve.at(-1)?.worst
 */
export function analyseSelective(
  predictions: readonly Prediction[],
  split: Prediction["split"],
  key: string,
  minSubjects: number = SMALL_SUBJECTS,
): SelectiveAnalysis[] {
  const rows = withKey(labelledRows(predictions), key).filter((row) => row.split === split);
  return strata(rows, [key]).map(({ within, rows: own }) => ({
    within,
    minSubjects,
    key,
    curve: selectiveCurve(own, (row) => row[key]!, { minSubjects }),
  }));
}

/** Who decided what is fitted is not who it is judged by; runs deal people so, tables of others may not. */
function checkApart(rows: readonly Labelled[], split: Prediction["split"]): void {
  const fitted = new Set(rows.filter((row) => row.split === "val").map(({ subject }) => subject));
  const judged = new Set(rows.filter((row) => row.split === split).map(({ subject }) => subject));
  const both = split === "val" ? [] : [...judged].filter((subject) => fitted.has(subject));
  if (both.length === 0) return;
  throw unexpected("data", {
    code: "SPLIT_LEAK",
    expected: "every subject in one split",
    name: "what is fitted on val",
    got: `${both.length} of ${judged.size} subjects of ${split} in val too, ${both[0]} first`,
    hint: "deal the splits by subject, or leave out --calibrate and --thresholds",
  });
}

function labelledRows(predictions: readonly Prediction[]): Labelled[] {
  return predictions.filter((row): row is Labelled => row.target !== null);
}

type Keyed = Labelled & Readonly<Record<string, string>>;

function withKey(rows: readonly Labelled[], key: string): readonly Keyed[] {
  const keyed = rows as readonly Keyed[];
  if (keyed.length === 0) return keyed;
  if (typeof keyed[0]![key] === "string") {
    checkGroups(keyed, [key]);
    return keyed;
  }
  const known = Object.keys(keyed[0]!).filter((name) => typeof keyed[0]![name] === "string");
  throw unexpected("input", {
    code: "UNKNOWN_GROUP",
    expected: `a recorded field (${known.join(", ")})`,
    name: "a group",
    got: key,
  });
}

function noValidation(what: string, rows: readonly Labelled[], split: Prediction["split"]) {
  const count = (name: string) => rows.filter((row) => row.split === name).length;
  const got = [...new Set(["val", split])].map((name) => `${count(name)} of ${name}`).join(", ");
  return unexpected("input", {
    code: "NO_VALIDATION",
    expected: "labelled images of split val and of the evaluated split",
    name: what,
    got,
    hint: `what is fitted on val is shown on another split: give a run, which has both, or a file of both with a column split of val or ${split === "val" ? "test" : split}`,
  });
}
