// ◇ Browser-safe. Calibration, thresholds by group and abstention as text for a terminal.
import { visible } from "../core/visible.ts";
import {
  type CalibrationPart,
  type SelectiveAnalysis,
  THRESHOLD_RATES,
  type ThresholdAnalysis,
} from "../evaluate/analysis/analysis.ts";
import { withinWords } from "../evaluate/analysis/strata.ts";
import { ANALYSIS_ONLY } from "../evaluate/analysis/thresholds.ts";
import { alignTable, CLASS_MIX, figure, fitLines, TOO_SMALL } from "./figure-text.ts";

/** Calibration by modality as a table. */
export function formatCalibration(parts: readonly CalibrationPart[], split: string): string {
  const rows = parts.map(({ name, nImages, temperature, before, after }) => [
    name,
    String(nImages),
    `${figure(temperature.temperature)}${temperature.atBound ? " (at the limit)" : ""}`,
    ...(["nll", "brier", "ece", "eceAdaptive"] as const).map((metric) =>
      before === null || after === null ? TOO_SMALL : `${figure(before[metric])} > ${figure(after[metric])}`,
    ),
  ]);
  const header = ["temperature from val", "images", "T", "NLL", "Brier", "ECE 15 bins", "ECE adaptive"];
  const own = split === "val" ? ", on which T was fitted: no figure of other images" : "";
  return fitLines(
    `${alignTable([header, ...rows])}\nof split ${split}${own}, before > after sigmoid(logit / T)`,
  );
}

/** What thresholds by group would change, as a table. */
export function formatThresholds(analysis: ThresholdAnalysis, split: string): string {
  const { within, thresholds, plain, common, byGroup } = analysis;
  const chosen = Object.entries(thresholds.byValue).map(([value, t]) => `${visible(value)} ${figure(t)}`);
  const row = (name: string, of: typeof plain) => [
    name,
    ...THRESHOLD_RATES.map((rate) => (of[rate] === null ? TOO_SMALL : figure(of[rate]))),
  ];
  return [
    alignTable([
      [`threshold, ${withinWords(within)}`, "accuracy", "balanced accuracy", "TPR female", "TPR male"],
      row(".5", plain),
      row(`one from val, ${figure(thresholds.common)}`, common),
      row(`one a group of ${thresholds.key}`, byGroup),
    ]),
    `chosen on val${split === "val" ? ", and shown on the same images" : ""}: ${chosen.length === 0 ? "no group is large enough" : chosen.join(", ")} (${ANALYSIS_ONLY})`,
  ]
    .map(fitLines)
    .join("\n");
}

/** Accuracy against coverage as a table. */
export function formatSelective({ within, key, curve, minSubjects }: SelectiveAnalysis): string {
  const left = [...new Set(curve.flatMap(({ rareClass }) => rareClass))];
  const table = alignTable([
    [
      `coverage, ${withinWords(within)}`,
      "|p - .5| from",
      "accuracy",
      `worst group of ${key}`,
      "its accuracy",
      "its coverage",
    ],
    ...curve.map(({ coverage, confidence, accuracy, worst, groups, rareClass }) => [
      figure(coverage),
      figure(confidence),
      accuracy === null ? TOO_SMALL : figure(accuracy),
      worst?.group ?? (rareClass.length > 0 && groups.length > 1 ? CLASS_MIX : "-"),
      figure(worst?.accuracy ?? null),
      figure(worst?.coverage ?? null),
    ]),
  ]);
  if (left.length === 0) return table;
  return fitLines(
    `${table}\n${CLASS_MIX}: not among the groups where under ${minSubjects} subjects of their kept images are recorded as female, or under ${minSubjects} as male: ${left.map(visible).join(", ")}`,
  );
}
