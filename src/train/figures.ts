// ◇ Browser-safe. The figures of an epoch: of all validation images, of each modality, and of further targets.
import { MODALITIES } from "../core/words.ts";
import { evaluateClasses } from "../evaluate/metrics/classes.ts";
import { evaluateBinary } from "../evaluate/metrics/metrics.ts";
import type { Prediction } from "../evaluate/stored/prediction-row.ts";
import type { ModelFacts } from "../models/facts.ts";
import type { TargetFacts } from "../models/targets.ts";
import type { EpochLog, PartLog, TargetLog } from "./runlog.ts";

/** What the log states of predictions of the validation images. */
export function validationFigures(
  rows: readonly Prediction[],
  { targets }: Pick<ModelFacts, "targets">,
): EpochLog["val"] {
  const [hand, face] = MODALITIES.map((m) => rows.filter(({ modality }) => modality === m));
  const figures = { all: partLog(rows), hand: partOrNull(hand!), face: partOrNull(face!) };
  return targets === undefined ? figures : { ...figures, targets: targetLogs(rows, targets) };
}

function partOrNull(rows: readonly Prediction[]): PartLog | null {
  return rows.length === 0 ? null : partLog(rows);
}

function subjectsOf(rows: readonly Prediction[], sex: 0 | 1): number {
  return new Set(rows.filter(({ target }) => target === sex).map(({ subject }) => subject)).size;
}

function partLog(rows: readonly Prediction[]): PartLog {
  const y = rows.map(({ target }) => target!);
  const { n, nll, accuracy, balancedAccuracy, rocAuc } = evaluateBinary(
    y,
    rows.map(({ probability }) => probability),
  );
  const subjects = { female: subjectsOf(rows, 0), male: subjectsOf(rows, 1) };
  return { n, subjects, loss: nll, accuracy, balancedAccuracy, rocAuc };
}

function targetLogs(rows: readonly Prediction[], targets: readonly TargetFacts[]): TargetLog[] {
  return targets.map(({ name }) => {
    const metrics = evaluateClasses(rows, name);
    if (metrics === undefined) return { name, n: 0, accuracy: null, balancedAccuracy: null };
    const { nImages, accuracy, balancedAccuracy } = metrics;
    return { name, n: nImages, accuracy, balancedAccuracy };
  });
}
