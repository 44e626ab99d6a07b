// predictions.parquet, one row an image: written by training and evaluation, read by everything that makes tables.
// Invariant: what is read back equals what was written, bit for bit; a file that breaks a rule is refused by row.
import { unexpected } from "../core/errors.ts";
import { type ParquetSchema, readParquet, writeParquet } from "../formats/parquet.ts";
import { checkPredictions, PREDICTION_COLUMNS, type Prediction } from "./prediction-row.ts";

/** Parquet type of each column of a prediction, in file order. */
export const PREDICTION_PARQUET = {
  id: "string",
  source: "string",
  subject: "string",
  modality: "string",
  split: "string",
  target: "int32?",
  probability: "double",
  modalityUsed: "string?",
  gateHand: "double?",
  logit: "double",
  age: "string",
  race: "string",
  gesture: "string",
} as const satisfies ParquetSchema & Record<keyof Prediction, unknown>;

/**
 * Writes predictions, checked, in one step.
 *
 * @param path - e.g. `run/predictions.parquet`; an old file is replaced
 * @param predictions - at least one
 * @throws AppError("data", "PREDICTION_ROW" | "PREDICTION_LOGIT" | "PREDICTION_DUPLICATE" | "PREDICTION_NONE")
 * @example await writePredictions("run/predictions.parquet", rows)
 */
export async function writePredictions(path: string, predictions: readonly Prediction[]): Promise<void> {
  const rows = checkPredictions(predictions, path);
  if (rows.length === 0) throw none(path);
  await writeParquet(path, PREDICTION_PARQUET, {
    id: rows.map((row) => row.id),
    source: rows.map((row) => row.source),
    subject: rows.map((row) => row.subject),
    modality: rows.map((row) => row.modality),
    split: rows.map((row) => row.split),
    target: rows.map((row) => row.target),
    probability: rows.map((row) => row.probability),
    modalityUsed: rows.map((row) => row.modalityUsed),
    gateHand: rows.map((row) => row.gateHand),
    logit: rows.map((row) => row.logit),
    age: rows.map((row) => row.age),
    race: rows.map((row) => row.race),
    gesture: rows.map((row) => row.gesture),
  });
}

/**
 * Reads predictions and checks every row.
 *
 * @throws AppError("data", "FILE_MISSING" | "PARQUET_COLUMN" | "PARQUET_DAMAGED" | "PREDICTION_ROW" |
 *   "PREDICTION_LOGIT" | "PREDICTION_DUPLICATE" | "PREDICTION_NONE"); messages name file:row, rows from 1
 * @example const test = (await readPredictions(path)).filter((row) => row.split === "test")
 */
export async function readPredictions(path: string): Promise<Prediction[]> {
  const table = await readParquet(path, PREDICTION_PARQUET);
  const rows = table.id.map((_, i) =>
    Object.fromEntries(PREDICTION_COLUMNS.map((column) => [column, table[column][i]])),
  );
  if (rows.length === 0) throw none(path);
  return checkPredictions(rows, path);
}

function none(path: string) {
  return unexpected("data", {
    code: "PREDICTION_NONE",
    expected: "at least one prediction",
    name: path,
    got: 0,
  });
}
