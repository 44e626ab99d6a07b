// ◇ Browser-safe. Pairs that runs contradict, face and hand both: the rule of `facehand derive labels`, on stored predictions.
// Invariants: predictions of images that a model was trained on are refused; a prediction counts only where it records what the
// dataset records now.
import { AppError } from "../../../core/errors.ts";
import { foldName } from "../../../core/file-names.ts";
import { SEXES } from "../../../core/vocabulary.ts";
import {
  checkUntrained,
  findContradictions,
  type Witness,
} from "../../../evaluate/analysis/contradictions.ts";
import { ROUTES, type Thing } from "../../../server/api.ts";
import { urlOf } from "../../app/source.ts";
import { numberAt, textAt } from "../../table/column.ts";
import { openPlace } from "../../table/open.ts";
import { predictionFiles } from "../../table/predictions.ts";
import { type AuditPair, type Item, itemOf } from "./pairs.ts";

/** Columns that are read of a file of predictions. */
const COLUMNS = [
  ...["id", "source", "subject", "modality", "split", "target", "probability", "age", "race", "gesture"],
];

/** Runs that have predictions. */
export const runsWithPredictions = (runs: readonly Thing[]): readonly Thing[] =>
  runs.filter((run) => predictionFiles(run).length > 0);

/**
 * Reads the stored predictions of runs.
 *
 * @throws AppError("data", "PREDICTIONS_TRAINED") for those of images that were trained on; ("input", "PREDICTIONS_NONE") without runs
 */
export async function readWitnesses(runs: readonly Thing[]): Promise<readonly Witness[]> {
  if (runs.length === 0)
    throw new AppError("input", "PREDICTIONS_NONE", "Expected runs with predictions, got none", {
      hint: "give the folder of the runs to `facehand serve` too",
    });
  const files = runs.flatMap((run) => predictionFiles(run).map((name) => ({ run, name })));
  return (await Promise.all(files.map(({ run, name }) => readFile(run, name)))).flat();
}

async function readFile(run: Thing, name: string): Promise<readonly Witness[]> {
  const sizeBytes = run.files.find((file) => file.name === name)?.sizeBytes ?? 0;
  const open = await openPlace({ kind: "parquet", url: urlOf(ROUTES.file(run.id, name)), sizeBytes });
  try {
    const columns = await open.columns(COLUMNS);
    const text = (column: string, row: number) => textAt(columns.get(column), row);
    const rows = Array.from({ length: open.rows }, (_, row) => ({
      ...{ id: text("id", row), source: text("source", row), subject: text("subject", row) },
      modality: text("modality", row) === "hand" ? ("hand" as const) : ("face" as const),
      split: text("split", row),
      target: targetOf(numberAt(columns.get("target"), row)),
      probability: numberAt(columns.get("probability"), row),
      ...{ age: text("age", row), race: text("race", row), gesture: text("gesture", row) },
    }));
    checkUntrained(rows, `${run.place}/${name}`);
    return rows;
  } finally {
    open.close();
  }
}

const targetOf = (value: number): 0 | 1 | null => (value === 0 ? 0 : value === 1 ? 1 : null);

/**
 * Pairs that both predictions contradict, surest first.
 *
 * @param rows - those of other images, or that record another label than the dataset now, are passed over
 */
export function contradictionItems(pairs: readonly AuditPair[], rows: readonly Witness[]): Item[] {
  const byId = new Map(pairs.map((pair) => [foldName(pair.id), pair]));
  const pairOf = (id: string) => byId.get(foldName(id.replace(/\/(hand|face)$/, "")));
  const own = rows.filter(({ id, target }) => {
    const recorded = pairOf(id)?.labels.gender;
    return recorded !== undefined && target !== null && SEXES[target] === recorded;
  });
  return findContradictions(own, 0.5).listed.flatMap(({ id, hand, face }) => {
    const pair = pairOf(id);
    const why = `Probability of male: face ${face.toFixed(2)}, hand ${hand.toFixed(2)}.`;
    return pair === undefined ? [] : [itemOf(pair, why)];
  });
}
