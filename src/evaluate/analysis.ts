// What is fitted on validation images and looked at on others: temperatures, thresholds by group, abstention.
// Browser-safe. Invariants: nothing is fitted on the images it is judged by; nothing here changes a checkpoint.
import { unexpected } from "../core/errors.ts";
import { applyTemperature, type Temperature } from "./calibration.ts";
import { evaluateRows, type Scored } from "./groups.ts";
import type { BinaryMetrics, Rates } from "./metrics.ts";
import { rates } from "./metrics.ts";
import { PREDICTION_MODALITIES, type Prediction } from "./prediction-row.ts";
import { type CoveragePoint, selectiveCurve } from "./selective.ts";
import { fitTemperatureOn } from "./summary.ts";
import { evaluateGroupThresholds, fitGroupThresholds, type GroupThresholds } from "./thresholds.ts";

type Labelled = Prediction & Scored;
type CalibrationFigures = Pick<BinaryMetrics, "nll" | "brier" | "ece" | "eceAdaptive">;

/** One modality's temperature, fitted on validation images, and its effect on the evaluated ones. */
export interface CalibrationPart {
  readonly name: string;
  readonly nImages: number;
  readonly temperature: Temperature;
  readonly before: CalibrationFigures;
  readonly after: CalibrationFigures;
}

/** What thresholds by group would change. */
export interface ThresholdAnalysis {
  readonly thresholds: GroupThresholds;
  /** All images decided at .5. */
  readonly plain: Rates;
  /** At the one threshold that validation prefers. */
  readonly common: Rates;
  /** At each group's own. */
  readonly byGroup: Rates;
}

/** A curve of accuracy against coverage, with its worst group. */
export interface SelectiveAnalysis {
  readonly key: string;
  readonly curve: readonly CoveragePoint[];
}

/**
 * Temperature by modality.
 *
 * @param predictions - of all splits
 * @param split - the images to judge on; the temperature comes from `val`
 * @returns modalities with labelled images in both splits, in flag order
 * @throws AppError("input", "NO_VALIDATION") if there are none
 * @example calibrate(rows, "test")[0]?.temperature.temperature
 */
export function calibrate(predictions: readonly Prediction[], split: Prediction["split"]): CalibrationPart[] {
  const rows = labelledRows(predictions);
  const parts = PREDICTION_MODALITIES.flatMap((modality): CalibrationPart[] => {
    const of = (name: string) => rows.filter((row) => row.modality === modality && row.split === name);
    const [validation, judged] = [of("val"), of(split)];
    if (validation.length === 0 || judged.length === 0) return [];
    const temperature = fitTemperatureOn(validation);
    const cooled = judged.map((row) => ({
      ...row,
      probability: applyTemperature(row.logit, temperature.temperature),
    }));
    return [
      {
        name: modality,
        nImages: judged.length,
        temperature,
        before: figuresOf(judged),
        after: figuresOf(cooled),
      },
    ];
  });
  if (parts.length === 0) throw noValidation("calibration", rows, split);
  return parts;
}

function figuresOf(rows: readonly Scored[]): CalibrationFigures {
  const { nll, brier, ece, eceAdaptive } = evaluateRows(rows);
  return { nll, brier, ece, eceAdaptive };
}

/**
 * Thresholds by group from validation images, and the rates that they give on others. Analysis only.
 *
 * @param key - a recorded field, e.g. `race`
 * @throws AppError("input", "NO_VALIDATION" | "ONE_CLASS" | "UNKNOWN_GROUP")
 * @example analyseThresholds(rows, "test", "race").byGroup.balancedAccuracy
 */
export function analyseThresholds(
  predictions: readonly Prediction[],
  split: Prediction["split"],
  key: string,
): ThresholdAnalysis {
  const rows = withKey(labelledRows(predictions), key);
  const of = (name: string) => rows.filter((row) => row.split === name);
  const [validation, judged] = [of("val"), of(split)];
  if (validation.length === 0 || judged.length === 0) throw noValidation("thresholds", rows, split);
  const thresholds = fitGroupThresholds(validation, key);
  return {
    thresholds,
    plain: rates(evaluateRows(judged).confusion),
    common: rates(evaluateRows(judged, { threshold: thresholds.common }).confusion),
    byGroup: evaluateGroupThresholds(judged, thresholds),
  };
}

/**
 * Accuracy against coverage with the worst group of a recorded field.
 *
 * @throws AppError("input", "UNKNOWN_GROUP" | "EMPTY")
 * @example analyseSelective(rows, "test", "race").curve.at(-1)?.worst
 */
export function analyseSelective(
  predictions: readonly Prediction[],
  split: Prediction["split"],
  key: string,
): SelectiveAnalysis {
  const rows = withKey(labelledRows(predictions), key).filter((row) => row.split === split);
  return { key, curve: selectiveCurve(rows, (row) => row[key]!) };
}

function labelledRows(predictions: readonly Prediction[]): Labelled[] {
  return predictions.filter((row): row is Labelled => row.target !== null);
}

type Keyed = Labelled & Readonly<Record<string, string>>;

function withKey(rows: readonly Labelled[], key: string): readonly Keyed[] {
  const keyed = rows as readonly Keyed[];
  if (keyed.length === 0 || typeof keyed[0]![key] === "string") return keyed;
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
    hint: `what is fitted on val is shown on another split: give a run, which has both, or a file of both with a column split that says val or ${split === "val" ? "test" : split}`,
  });
}
