// One model output for one image, with what was recorded about it: the rows that every table is computed from.
// Browser-safe. Invariants: probability = sigmoid(logit); source, split and id together are unique.
import { z } from "zod";
import { unexpected } from "../core/errors.ts";

// The same words as in data/record, which this room may not import; test/evaluate-words.test.ts compares them.
export const PREDICTION_MODALITIES = ["hand", "face"] as const;
export const PREDICTION_SPLITS = ["train", "val", "test"] as const;

/** float32 outputs: sigmoid(logit) and the stored probability may differ by this much. */
export const SIGMOID_TOLERANCE = 1e-5;

const modality = z.enum(PREDICTION_MODALITIES);
const text = z.string();
const name = z.string().min(1, "expected a name, got an empty string");

/** A row of predictions.parquet; the keys are its columns, in order. */
export const predictionSchema = z.strictObject({
  /** Unique within its source and split. */
  id: name,
  /** Source kind of the image, e.g. `pairs`. */
  source: name,
  /** `<source>:<user id>`; what is resampled and counted as a person. */
  subject: name,
  modality,
  split: z.enum(PREDICTION_SPLITS),
  /** Recorded label, 0 female or 1 male; null if there is none. */
  target: z.union([z.literal(0), z.literal(1)]).nullable(),
  /** Of male as recorded in the training labels. */
  probability: z.number().min(0).max(1),
  /** What the model was told (UMCC F1) or its gate preferred (MAG); null for a model without either. */
  modalityUsed: modality.nullable(),
  /** MAG's weight of the hand head, 0 or 1 if gated hard; null without a gate. */
  gateHand: z.number().min(0).max(1).nullable(),
  logit: z.number(),
  /** Recorded groups, empty if unknown. */
  age: text,
  race: text,
  gesture: text,
});

/** A checked row of predictions.parquet. */
export type Prediction = Readonly<z.output<typeof predictionSchema>>;

/** Columns of predictions.parquet, in order. */
export const PREDICTION_COLUMNS = Object.keys(
  predictionSchema.shape,
) as readonly (keyof typeof predictionSchema.shape)[];

/**
 * Checks rows from outside: types, ranges, the sigmoid, unique ids.
 *
 * @param rows - anything
 * @param file - for messages; rows are numbered from 1
 * @throws AppError("data", "PREDICTION_ROW" | "PREDICTION_LOGIT" | "PREDICTION_DUPLICATE")
 * @example checkPredictions(rows, "predictions.parquet")
 */
export function checkPredictions(rows: readonly unknown[], file: string): Prediction[] {
  const seen = new Map<string, number>();
  return rows.map((raw, index) => {
    const where = `${file}:${index + 1}`;
    const row = checkRow(raw, where);
    checkSigmoid(row, where);
    const key = JSON.stringify([row.source, row.split, row.id]);
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      throw unexpected("data", {
        code: "PREDICTION_DUPLICATE",
        expected: "each image once in a split",
        name: "id",
        got: `${row.id}, as in row ${earlier}`,
        where,
      });
    }
    seen.set(key, index + 1);
    return row;
  });
}

function checkRow(raw: unknown, where: string): Prediction {
  const result = predictionSchema.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const column = issue.path[0];
  throw unexpected("data", {
    code: "PREDICTION_ROW",
    expected: `a valid value (${issue.message})`,
    name: column === undefined ? "a prediction" : `column ${String(column)}`,
    got: column === undefined ? raw : (raw as Record<PropertyKey, unknown>)[column],
    where,
    cause: result.error,
  });
}

function checkSigmoid(row: Prediction, where: string): void {
  const probability = 1 / (1 + Math.exp(-row.logit));
  if (Math.abs(probability - row.probability) <= SIGMOID_TOLERANCE) return;
  throw unexpected("data", {
    code: "PREDICTION_LOGIT",
    expected: `sigmoid(logit) = ${probability}`,
    name: "column probability",
    got: row.probability,
    where,
  });
}
