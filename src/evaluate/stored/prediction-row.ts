// ◇ Browser-safe. One model output for one image, with what was recorded about it: the rows that every table is
// computed from. Invariants: probability = sigmoid(logit); source, split and id together are unique;
// the probabilities of a further target's classes sum to 1, and rows of models without such targets have none.
import * as z from "zod";
import { unexpected } from "../../core/errors.ts";
import { schemaFault } from "../../core/schema.ts";
import { parseAge, parseGesture, parseRace } from "../../core/vocabulary.ts";
import { MODALITIES, SPLITS } from "../../core/words.ts";
import type { ParquetSchema } from "../../formats/parquet/parquet.ts";
import { probabilityOf } from "../metrics/binary.ts";
import { RowWords } from "./words.ts";

/** What a model may predict beside the sex: classes as recorded in the columns of the same names. */
export const CLASS_TARGETS = ["age", "race"] as const;
export type ClassTarget = (typeof CLASS_TARGETS)[number];

/** Probability of each class, in the model's order of classes. */
export type ClassProbabilities = Readonly<Record<string, number>>;

/** float32 outputs: class probabilities sum to 1 up to this. */
const SUM_TOLERANCE = 1e-4;

/** float32 outputs: sigmoid(logit) and the stored probability may differ by this much. */
export const SIGMOID_TOLERANCE = 1e-5;

const modality = z.enum(MODALITIES);
const text = z.string();
const name = z.string().min(1, "expected a name");

const share = z.number().min(0).max(1);
const classes = z.record(name, share).optional();

/** A column that every prediction has. */
interface PredictionColumn {
  /** What a row may hold there. */
  readonly value: z.ZodType;
  /** How a file holds it. */
  readonly parquet: ParquetSchema[string];
  /** Tables of others may have it, under the same name (foreign.ts). */
  readonly shared?: true | undefined;
  /** Of recorded groups: reads a word of a table that is joined, or of others. */
  readonly parse?: typeof parseRace | undefined;
}

/** The columns of every prediction, in file order: schema, files, joins and tables of others go by this list. */
export const PREDICTION_TABLE = {
  /** Unique within its source and split. */
  id: { value: name, parquet: "string" },
  /** Source kind of the image, e.g. `pairs`. */
  source: { value: name, parquet: "string", shared: true },
  /** `<source>:<user id>`; what is resampled and counted as a person. */
  subject: { value: name, parquet: "string" },
  modality: { value: modality, parquet: "string", shared: true },
  split: { value: z.enum(SPLITS), parquet: "string", shared: true },
  /** Recorded label, 0 female or 1 male; null if there is none. */
  target: { value: z.union([z.literal(0), z.literal(1)]).nullable(), parquet: "int32?" },
  /** Of male as recorded in the training labels. */
  probability: { value: share, parquet: "double" },
  /** What the model was given (UMCC F1) or its gate preferred (MAG, which decides by its gate here); null for UMCC F0. */
  modalityUsed: { value: modality.nullable(), parquet: "string?" },
  /** MAG's weight of the hand head, 0 or 1 if gated hard; null without a gate. */
  gateHand: { value: share.nullable(), parquet: "double?" },
  logit: { value: z.number(), parquet: "double" },
  /** Recorded groups, empty if unknown. */
  age: { value: text, parquet: "string", shared: true, parse: parseAge },
  race: { value: text, parquet: "string", shared: true, parse: parseRace },
  gesture: { value: text, parquet: "string", shared: true, parse: parseGesture },
} as const satisfies Readonly<Record<string, PredictionColumn>>;

type Table = typeof PREDICTION_TABLE;
export type PredictionColumnName = keyof Table;

/** Columns that every file of predictions has, in order. */
export const PREDICTION_COLUMNS = Object.keys(PREDICTION_TABLE) as readonly PredictionColumnName[];

/** Whether every prediction has a column of this name. */
export const isPredictionColumn = (name: string): name is PredictionColumnName =>
  Object.hasOwn(PREDICTION_TABLE, name);

/** What a column is. */
export const predictionColumn = (name: PredictionColumnName): PredictionColumn => PREDICTION_TABLE[name];

/** One thing of every column, by name. */
const each = <K extends "value" | "parquet">(what: K) =>
  Object.fromEntries(PREDICTION_COLUMNS.map((name) => [name, PREDICTION_TABLE[name][what]])) as {
    readonly [C in PredictionColumnName]: Table[C][K];
  };

/** Parquet type of each column that every prediction has, in file order; those of classes follow. */
export const PREDICTION_PARQUET = each("parquet");

/** A row of a file of predictions; the keys are its columns, in order, but for the last three. */
export const predictionSchema = z.strictObject({
  ...each("value"),
  /** SHA-256 of the alignment recipe of the image, for derived crops; absent for others. */
  recipe: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "expected 64 hex digits")
    .optional(),
  /** Of the classes of a model with such a target, in columns named `age:<class>`; absent for others. */
  ageProbabilities: classes,
  /** Likewise, `race:<class>`. */
  raceProbabilities: classes,
});

/** A checked row of a file of predictions. */
export type Prediction = Readonly<z.output<typeof predictionSchema>>;

/** The key of a row that holds a target's probabilities. */
export const classKey = <T extends ClassTarget>(target: T) => `${target}Probabilities` as const;

/**
 * Checks rows from outside: types, ranges, the sigmoid, unique ids.
 *
 * @param rows - anything
 * @param file - for messages; rows are numbered from 1
 * @param words - of rows that were checked before, where the file comes in parts
 * @throws AppError("data", "PREDICTION_ROW" | "PREDICTION_LOGIT" | "PREDICTION_CLASSES" | "PREDICTION_DUPLICATE", or a
 *   fault of a subject, age, race or gesture)
 * @example checkPredictions(rows, "predictions.parquet")
 */
export function checkPredictions(
  rows: readonly unknown[],
  file: string,
  words: RowWords = new RowWords(),
): Prediction[] {
  const seen = new Map<string, number>();
  return rows.map((raw, index) => {
    const where = `${file}:${index + 1}`;
    const row = checkPrediction(raw, where, words);
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

/**
 * Checks one row as `checkPredictions` does, but for its id.
 *
 * @param where - `file:row`
 * @param words - of the rows before
 */
export function checkPrediction(raw: unknown, where: string, words: RowWords): Prediction {
  const row = words.check(checkRow(raw, where), where);
  checkSigmoid(row, where);
  for (const target of CLASS_TARGETS) checkClasses(row, target, where);
  return row;
}

function checkRow(raw: unknown, where: string): Prediction {
  const result = predictionSchema.safeParse(raw);
  if (result.success) return result.data;
  const { key, ...fault } = schemaFault(result.error, raw);
  const name = key === "" ? "a prediction" : `column ${key}`;
  throw unexpected("data", { code: "PREDICTION_ROW", name, ...fault, where, cause: result.error });
}

function checkSigmoid(row: Prediction, where: string): void {
  const probability = probabilityOf(row.logit);
  if (Math.abs(probability - row.probability) <= SIGMOID_TOLERANCE) return;
  throw unexpected("data", {
    code: "PREDICTION_LOGIT",
    expected: `sigmoid(logit) = ${probability}`,
    name: "column probability",
    got: row.probability,
    where,
  });
}

function checkClasses(row: Prediction, target: ClassTarget, where: string): void {
  const probabilities = row[classKey(target)];
  if (probabilities === undefined) return;
  const values = Object.values(probabilities);
  const sum = values.reduce((a, b) => a + b, 0);
  if (values.length > 1 && Math.abs(sum - 1) <= SUM_TOLERANCE) return;
  throw unexpected("data", {
    code: "PREDICTION_CLASSES",
    expected: "two or more probabilities with sum 1",
    name: `the classes of ${target}`,
    got: values.length > 1 ? `a sum of ${sum}` : values.length,
    where,
  });
}
