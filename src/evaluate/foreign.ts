// Stored predictions of others: a CSV file with id, y and p, and what else is known of an image.
// Invariant: a row that cannot be read is an error with its line, never left out.
// Columns: id; y (0 or 1, female or male in any case, empty if not recorded); p of male in [0, 1]; and, each optional,
// subject (the id if absent), modality, split, source, age, race, gesture. Any further column is a group.
import { AppError, show, unexpected } from "../core/errors.ts";
import { readCsv, readCsvHeader } from "../formats/csv.ts";
import { checkPredictions, type Prediction } from "./prediction-row.ts";

const REQUIRED = ["id", "y", "p"] as const;
const KNOWN = ["subject", "modality", "split", "source", "age", "race", "gesture"] as const;

/** What the columns leave open. */
export interface ForeignOptions {
  /** Of all images, where there is no such column. */
  readonly modality?: Prediction["modality"];
  /** Of all images, where there is no such column; default `test`. */
  readonly split?: Prediction["split"];
}

/** Predictions, and the columns of the file that are groups beside the usual ones. */
export interface ForeignPredictions {
  /** With a string field for each of `groups`. */
  readonly rows: readonly Prediction[];
  readonly groups: readonly string[];
}

/**
 * Reads predictions of any model from a CSV file.
 *
 * @throws AppError("data", "FILE_MISSING" | "CSV_..." | "FOREIGN_LABEL" | "FOREIGN_PROBABILITY" | "PREDICTION_ROW" |
 *   "PREDICTION_DUPLICATE" | "PREDICTION_NONE"), AppError("input", "FOREIGN_MODALITY") without modalities
 * @example (await readForeign("theirs.csv", { modality: "face" })).rows
 */
export async function readForeign(path: string, options: ForeignOptions = {}): Promise<ForeignPredictions> {
  const header = await readCsvHeader(path);
  const groups = header.filter((name) => ![...REQUIRED, ...KNOWN].some((known) => known === name));
  if (!header.includes("modality") && options.modality === undefined) {
    throw unexpected("input", {
      code: "FOREIGN_MODALITY",
      expected: "a column modality",
      name: path,
      got: header.join(", "),
      hint: "say which images they are: --modality face or --modality hand",
    });
  }
  const rows: Prediction[] = [];
  const columns = { optional: [...KNOWN, ...groups], allowOthers: false };
  for await (const { row, values } of readCsv(path, REQUIRED, columns)) {
    const where = `${path}:${row}`;
    const known = toPrediction(values, options, where);
    const [checked] = checkPredictions([known], where);
    rows.push({ ...checked!, ...Object.fromEntries(groups.map((name) => [name, values[name] ?? ""])) });
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
  return { rows, groups };
}

type Values = Readonly<Record<string, string | undefined>>;

function toPrediction(values: Values, { modality, split = "test" }: ForeignOptions, where: string): unknown {
  const probability = probabilityOf(values["p"] ?? "", where);
  const id = values["id"];
  return {
    id,
    source: values["source"] ?? "file",
    subject: values["subject"] ?? id,
    modality: values["modality"] ?? modality,
    split: values["split"] ?? split,
    target: targetOf(values["y"] ?? "", where),
    probability,
    modalityUsed: null,
    gateHand: null,
    logit: logitOf(probability),
    age: values["age"] ?? "",
    race: values["race"] ?? "",
    gesture: values["gesture"] ?? "",
  };
}

function targetOf(text: string, where: string): 0 | 1 | null {
  const value = text.trim().toLowerCase();
  if (value === "") return null;
  if (value === "0" || value === "female") return 0;
  if (value === "1" || value === "male") return 1;
  const expected = "0 or female, 1 or male, or nothing";
  throw unexpected("data", { code: "FOREIGN_LABEL", expected, name: "column y", got: text, where });
}

function probabilityOf(text: string, where: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value <= 1) return value;
  const expected = "a number from 0 to 1";
  throw unexpected("data", { code: "FOREIGN_PROBABILITY", expected, name: "column p", got: text, where });
}

/** Finite also for certain predictions: sigmoid of +-40 is 0 or 1 to float64's precision. */
function logitOf(p: number): number {
  return Math.max(-40, Math.min(40, Math.log(p / (1 - p))));
}

function checkUnique(rows: readonly Prediction[], path: string): void {
  const seen = new Set<string>();
  for (const { source, split, id } of rows) {
    const key = JSON.stringify([source, split, id]);
    if (seen.has(key)) {
      throw new AppError(
        "data",
        "PREDICTION_DUPLICATE",
        `Expected each image once in ${path}, got ${show(id)} twice`,
        {
          hint: "give every image an id of its own, or say the split in a column",
        },
      );
    }
    seen.add(key);
  }
}
