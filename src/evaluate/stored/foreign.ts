// Stored predictions of others: a table with id, y and p, and other columns about an image.
// Invariant: a row that cannot be read is an error with its line, never left out; a column whose name is almost that of
// a known one is refused, not taken for a group.
// Columns: id; y (0 or 1, False or True, female or male in any case, empty if not recorded); p of male in [0, 1]; and, each
// optional, subject or user_id (the image itself if absent), modality, split, source, age, race, gesture. Indexes that
// pandas writes are passed over. Any further column is a group.
import { decimal } from "../../core/decimal.ts";
import { AppError, show, unexpected } from "../../core/errors.ts";
import { accept, faultError, nameFault } from "../../core/spelling.ts";
import { overlappingAges, parseSex } from "../../core/vocabulary.ts";
import { readCsv, readCsvHeader } from "../../formats/csv.ts";
import { parquetColumns, readParquetTexts } from "../../formats/parquet/parquet.ts";
import {
  checkPrediction,
  PREDICTION_COLUMNS,
  type Prediction,
  predictionColumn,
  predictionSchema,
} from "./prediction-row.ts";
import { readPredictions } from "./predictions.ts";
import { imageSubject, SUBJECT_COLUMNS, SubjectReader } from "./subjects.ts";
import { RowWords } from "./words.ts";

const REQUIRED = ["id", "y", "p"] as const;
const KNOWN = PREDICTION_COLUMNS.filter((name) => predictionColumn(name).shared);
const NAMES: readonly string[] = [...REQUIRED, ...SUBJECT_COLUMNS, ...KNOWN];
/** What rows of predictions hold beside these: a group of such a name would take the place of y and p. */
const OURS = Object.keys(predictionSchema.shape).filter((name) => !NAMES.includes(name));

/** Row numbers as pandas writes them: to CSV without a name, read and written again, to Parquet. */
const INDEX = /^(|Unnamed: \d+(\.\d+)*|__index_level_\d+__)$/;

/** What the columns leave open. */
export interface ForeignOptions {
  /** Of all images, where there is no such column. */
  readonly modality?: Prediction["modality"] | undefined;
  /** Of all images, where there is no such column; default `test`. */
  readonly split?: Prediction["split"] | undefined;
}

/** Predictions, and the columns of the file that are groups beside the usual ones. */
export interface ForeignPredictions {
  /** With a string field for each of `groups`. */
  readonly rows: readonly Prediction[];
  readonly groups: readonly string[];
  /** Whether the file has the split of each image. */
  readonly hasSplits: boolean;
}

/**
 * Reads predictions of any model from a table, .csv or .parquet.
 *
 * @throws AppError("data", "FILE_MISSING" | "CSV_..." | "PARQUET_..." | "SUBJECT_..." | "FIELD_..." | "FOREIGN_LABEL" |
 *   "FOREIGN_PROBABILITY" | "PREDICTION_ROW" | "PREDICTION_DUPLICATE" | "PREDICTION_NONE"),
 *   AppError("input", "FOREIGN_MODALITY") without modalities
 * @example (await readForeign("theirs.csv", { modality: "face" })).rows
 */
export async function readForeign(path: string, options: ForeignOptions = {}): Promise<ForeignPredictions> {
  const isParquet = /\.parquet$/i.test(path);
  const table = isParquet ? await readParquetTexts(path) : undefined;
  const all = table === undefined ? await readCsvHeader(path) : [...table.keys()];
  const header = all.filter((name) => !INDEX.test(name));
  const groups = header.filter((name) => !NAMES.includes(name));
  const subjects = new SubjectReader(header, path);
  checkNames(header, path, options);
  const columns = { optional: [...SUBJECT_COLUMNS, ...KNOWN, ...groups], allowOthers: true };
  const source = table === undefined ? readCsv(path, REQUIRED, columns) : rowsOf(table, path);
  const rows: Prediction[] = [];
  const words = new RowWords();
  for await (const { row, values } of source as AsyncIterable<{ row: number; values: Values }>) {
    const where = `${path}:${row}`;
    const known = toPrediction(values, options, subjects, where);
    rows.push({
      ...checkPrediction(known, where, words),
      ...Object.fromEntries(groups.map((name) => [name, values[name] ?? ""])),
    });
  }
  if (rows.length === 0) {
    throw unexpected("data", {
      code: "PREDICTION_NONE",
      expected: "at least one prediction",
      name: path,
      got: 0,
    });
  }
  checkUnique(rows, path);
  checkAges(rows, path);
  return { rows, groups, hasSplits: header.includes("split") };
}

/**
 * Reads a file of predictions: ours, or those of any model.
 *
 * @param path - .csv or .parquet
 * @throws as `readPredictions` and `readForeign`
 */
export async function readPredictionFile(
  path: string,
  options: ForeignOptions = {},
): Promise<Pick<ForeignPredictions, "rows" | "hasSplits">> {
  const ours = /\.parquet$/i.test(path) && (await parquetColumns(path)).includes("probability");
  if (!ours) return await readForeign(path, options);
  if (options.modality !== undefined) throw modalityTwice(path, options.modality);
  return { rows: await readPredictions(path), hasSplits: true };
}

function modalityTwice(path: string, got: string): AppError {
  const expected = "no --modality beside a column modality";
  const hint = "leave out --modality: every image has its own";
  return unexpected("input", { code: "FOREIGN_MODALITY", expected, name: path, got, hint });
}

/** Rows of a Parquet table as a CSV file would have them, counted from 1. */
async function* rowsOf(table: ReadonlyMap<string, readonly string[]>, path: string) {
  const missing = REQUIRED.filter((name) => !table.has(name));
  if (missing.length > 0) {
    throw unexpected("data", {
      code: "PARQUET_COLUMN",
      expected: `columns ${REQUIRED.join(", ")}`,
      name: path,
      got: [...table.keys()].join(", "),
      hint: `name the columns as a table of predictions has them: ${missing.join(", ")} is missing`,
    });
  }
  const length = table.get("id")!.length;
  for (let i = 0; i < length; i++)
    yield { row: i + 1, values: Object.fromEntries([...table].map(([name, texts]) => [name, texts[i]!])) };
}

/** A column `Split` would else be a group, and its training images be counted as tested ones. */
function checkNames(header: readonly string[], path: string, { modality }: ForeignOptions): void {
  for (const name of NAMES) {
    const near = header.find((found) => found !== name && found.trim().toLowerCase() === name);
    if (near === undefined || header.includes(name)) continue;
    throw unexpected("data", {
      code: "CSV_COLUMNS",
      expected: `${name} as the name of a column`,
      name: path,
      got: near,
      where: `${path}:1`,
      hint: `rename the column ${show(near)}`,
    });
  }
  const taken = header.find((found) => OURS.includes(found));
  if (taken !== undefined) {
    const e = { code: "CSV_COLUMNS", expected: "another name than our own for a further column", name: path };
    const hint = `rename the column ${show(taken)}, or take it out: y is the recorded label, p the probability`;
    throw unexpected("data", { ...e, got: taken, where: `${path}:1`, hint });
  }
  if (header.includes("modality") && modality !== undefined) throw modalityTwice(path, modality);
  if (header.includes("modality") || modality !== undefined) return;
  throw unexpected("input", {
    code: "FOREIGN_MODALITY",
    expected: "a column modality",
    name: path,
    got: header.join(", "),
    hint: "say which images they are: --modality face or --modality hand",
  });
}

type Values = Readonly<Record<string, string | undefined>>;

function toPrediction(
  values: Values,
  options: ForeignOptions,
  subjects: SubjectReader,
  where: string,
): unknown {
  const { modality, split = "test" } = options;
  const probability = probabilityOf(values["p"] ?? "", where);
  const id = nameOf("id", values["id"] ?? "", where);
  const source = nameOf("source", values["source"] ?? "file", where);
  const words = () =>
    PREDICTION_COLUMNS.flatMap((column) => {
      const { parse } = predictionColumn(column);
      const got = values[column] ?? "";
      return parse === undefined
        ? []
        : [[column, accept(parse(got, source), { name: `column ${column}`, got, where })]];
    });
  return {
    id,
    source,
    subject: subjects.recorded ? subjects.read(values, source, where) : imageSubject({ source, id }),
    modality: values["modality"] ?? modality,
    split: values["split"] ?? split,
    target: targetOf(values["y"] ?? "", where),
    probability,
    modalityUsed: null,
    gateHand: null,
    logit: logitOf(probability),
    ...Object.fromEntries(words()),
  };
}

/** Text that a reader can distinguish from other text by sight. */
function nameOf(column: string, got: string, where: string): string {
  const fault = nameFault(got);
  if (fault !== undefined) throw faultError(fault, { name: `column ${column}`, got, where });
  return got;
}

function targetOf(text: string, where: string): 0 | 1 | null {
  if (text === "") return null;
  const sex = parseSex(text);
  const truth = ["false", "true"].indexOf(text.toLowerCase());
  const value = sex === undefined ? (truth === -1 ? decimal(text) : truth) : sex === "male" ? 1 : 0;
  if (value === 0 || value === 1) return value === 0 ? 0 : 1; // -0 is 0
  const expected = "0 or female, 1 or male, or nothing";
  const hint = "leave the cell empty where no label is recorded";
  throw unexpected("data", { code: "FOREIGN_LABEL", expected, name: "column y", got: text, where, hint });
}

function probabilityOf(text: string, where: string): number {
  const value = decimal(text);
  if (value !== undefined && value >= 0 && value <= 1) return value;
  const expected = "a number from 0 to 1";
  const hint = "write p as a decimal number with a point, such as 0.93, without blanks";
  throw unexpected("data", {
    code: "FOREIGN_PROBABILITY",
    expected,
    name: "column p",
    got: text,
    where,
    hint,
  });
}

/** Finite also for certain predictions: sigmoid of +-40 is 0 or 1 to float64's precision. */
function logitOf(p: number): number {
  return Math.max(-40, Math.min(40, Math.log(p / (1 - p))));
}

/** Two ids that differ in case alone, or in how an accent is composed, are one image on most disks: counted twice it would weigh twice. */
function checkUnique(rows: readonly Prediction[], path: string): void {
  const seen = new Map<string, string>();
  for (const { source, split, id } of rows) {
    const key = JSON.stringify([source, split, id.normalize("NFC").toLowerCase()]);
    const first = seen.get(key);
    if (first !== undefined) {
      const got = first === id ? `${show(id)} twice` : `${show(first)} and ${show(id)}`;
      const hint = "give every image an id of its own, or say the split in a column";
      const message = `Expected each image once in ${path}, got ${got}`;
      throw new AppError("data", "PREDICTION_DUPLICATE", message, { hint });
    }
    seen.set(key, id);
  }
}

/** Two vocabularies of age in one source: a year would be in two groups. */
function checkAges(rows: readonly Prediction[], path: string): void {
  for (const source of new Set(rows.map((row) => row.source))) {
    const own = rows.filter((row) => row.source === source).map(({ age }) => age);
    const twice = overlappingAges([...new Set(own)]);
    if (twice === undefined) continue;
    const e = { code: "AGE_OVERLAP", expected: "age buckets that share no year", where: path };
    const hint = "write the ages of a source by one set of buckets, or give each set its own source";
    throw unexpected("data", { ...e, name: "column age", got: twice.join(" and "), hint });
  }
}
