// A file of predictions, one row an image: written by training and evaluation, read by everything that makes tables.
// Invariant: what is read back equals what was written, bit for bit; a file that breaks a rule is refused by row.
import { unexpected } from "../../core/errors.ts";
import { type ParquetSchema, readParquet } from "../../formats/parquet/parquet.ts";
import { writeParquet } from "../../formats/parquet/write.ts";
import {
  CLASS_TARGETS,
  type ClassTarget,
  checkPredictions,
  classKey,
  PREDICTION_COLUMNS,
  PREDICTION_PARQUET,
  type Prediction,
} from "./prediction-row.ts";

/** Column of the alignment recipe's hash: there if any image has one. */
const RECIPE = "recipe";

/** Column of a class's probability. */
const classColumn = (target: ClassTarget, name: string) => `${target}:${name}`;

/**
 * Writes predictions, checked, in one step.
 *
 * @param path - e.g. `run/predictions/val.parquet`; an old file is replaced
 * @param predictions - at least one
 * @throws AppError("data", "PREDICTION_ROW" | "PREDICTION_LOGIT" | "PREDICTION_CLASSES" |
 *   "PREDICTION_DUPLICATE" | "PREDICTION_NONE")
 * @example await writePredictions("run/predictions/val.parquet", rows)
 */
export async function writePredictions(path: string, predictions: readonly Prediction[]): Promise<void> {
  const rows = checkPredictions(predictions, path);
  if (rows.length === 0) throw none(path);
  const classes = classColumns(rows);
  const recipes = rows.some(({ recipe }) => recipe !== undefined);
  const schema: ParquetSchema = {
    ...PREDICTION_PARQUET,
    ...(recipes ? { [RECIPE]: "string?" as const } : {}),
    ...Object.fromEntries([...classes.keys()].map((column) => [column, "double?"] as const)),
  };
  await writeParquet(path, schema, {
    ...Object.fromEntries(PREDICTION_COLUMNS.map((column) => [column, rows.map((row) => row[column])])),
    ...(recipes ? { [RECIPE]: rows.map(({ recipe }) => recipe ?? null) } : {}),
    ...Object.fromEntries(classes),
  });
}

/** The probabilities of every class of any row, by column; null in rows without that class. */
function classColumns(rows: readonly Prediction[]): Map<string, (number | null)[]> {
  const all = new Map<string, (number | null)[]>();
  for (const target of CLASS_TARGETS) {
    const names = new Set(rows.flatMap((row) => Object.keys(row[classKey(target)] ?? {})));
    for (const name of names) {
      const values = rows.map((row) => row[classKey(target)]?.[name] ?? null);
      all.set(classColumn(target, name), values);
    }
  }
  return all;
}

/**
 * Reads predictions and checks every row.
 *
 * @throws AppError("data", "FILE_MISSING" | "PARQUET_COLUMN" | "PARQUET_DAMAGED" | "PREDICTION_ROW" |
 *   "PREDICTION_LOGIT" | "PREDICTION_CLASSES" | "PREDICTION_DUPLICATE" | "PREDICTION_NONE"); messages name file:row,
 *   rows from 1
 * @example const test = (await readPredictions(path)).filter((row) => row.split === "test")
 */
export async function readPredictions(path: string): Promise<Prediction[]> {
  const table = await readParquet(path, PREDICTION_PARQUET, (column) => {
    if (column === RECIPE) return "string?";
    return CLASS_TARGETS.some((target) => column.startsWith(classColumn(target, ""))) ? "double?" : undefined;
  });
  const recipes = (table as Readonly<Record<string, readonly unknown[]>>)[RECIPE];
  const classes = readClassColumns(table);
  const rows = table.id.map((_, i) => ({
    ...Object.fromEntries(PREDICTION_COLUMNS.map((column) => [column, table[column][i]])),
    recipe: recipes?.[i] ?? undefined,
    ...classesOf(classes, i),
  }));
  if (rows.length === 0) throw none(path);
  return checkPredictions(rows, path);
}

interface ClassColumn {
  readonly target: ClassTarget;
  readonly name: string;
  readonly values: readonly unknown[];
}

function readClassColumns(table: Readonly<Record<string, readonly unknown[]>>): ClassColumn[] {
  return CLASS_TARGETS.flatMap((target) => {
    const prefix = classColumn(target, "");
    return Object.entries(table)
      .filter(([column]) => column.startsWith(prefix))
      .map(([column, values]) => ({ target, name: column.slice(prefix.length), values }));
  });
}

/** A row's cells for further targets; nothing where it has no class of them. */
function classesOf(columns: readonly ClassColumn[], row: number) {
  const found: Partial<Record<ReturnType<typeof classKey>, Record<string, unknown>>> = {};
  for (const { target, name, values } of columns) {
    if (values[row] === null) continue;
    found[classKey(target)] = { ...found[classKey(target)], [name]: values[row] };
  }
  return found;
}

function none(path: string) {
  return unexpected("data", {
    code: "PREDICTION_NONE",
    expected: "at least one prediction",
    name: path,
    got: 0,
  });
}
