// Paired datasets on disk: three CSVs <-> pairs.
// Source: UnifiedGenderNet's CSV columns; `gender` is written Male/Female as there.
// Invariant: what readPairs returns has unique ids, every image present, and no subject in two splits.
import { readdir } from "node:fs/promises";
import { basename, extname } from "node:path";
import { type AppError, unexpected } from "../core/errors.ts";
import { faultError, nameFault } from "../core/spelling.ts";
import { SubjectKeys } from "../core/subject.ts";
import { faultOf, parseSex } from "../core/vocabulary.ts";
import { COLUMNS, type Modality, type Pair, SPLITS, type Split } from "../core/words.ts";
import { openCsv, readCsv, writeCsv } from "../formats/csv.ts";
import { type Layout, locate, planLayout } from "./layout.ts";
import { type PairColumn, readCell, toPair } from "./pair-cells.ts";

/** The pairs of each split. */
export type PairsBySplit = Readonly<Record<Split, readonly Pair[]>>;

/** A dataset as found, with everything that is wrong with its rows. */
export interface PairScan {
  readonly layout: Layout;
  /** The rows that could be read; complete only if `problems` is empty. */
  readonly pairs: PairsBySplit;
  /** In file order; each names file and row. */
  readonly problems: readonly AppError[];
}

/**
 * Reads the pairs of a dataset.
 *
 * @param dir - as for `locate`
 * @throws AppError("data", ...) for the first bad row: FIELD_EMPTY, FIELD_BLANKS, FIELD_UNSEEN, FIELD_NOTHING,
 *   SUBJECT_ROUNDED, SUBJECT_SPELLING, AGE_VALUE, GENDER_VALUE, RACE_VALUE, GESTURE_VALUE, IMAGE_NAME, IMAGE_MISSING,
 *   ID_DUPLICATE or SUBJECT_IN_TWO_SPLITS, and what `locate` and `readCsv` throw
 * @example const { train } = await readPairs("data")
 */
export async function readPairs(dir: string): Promise<Record<Split, Pair[]>> {
  const { pairs, problems } = await scanPairs(dir);
  if (problems[0] !== undefined) throw problems[0];
  return { train: [...pairs.train], val: [...pairs.val], test: [...pairs.test] };
}

/** Reads every row and collects all problems instead of stopping at the first: what `data check` lists. */
export async function scanPairs(dir: string): Promise<PairScan> {
  const layout = await locate(dir);
  const present = { hand: await imageNames(layout, "hand"), face: await imageNames(layout, "face") };
  const problems: AppError[] = [];
  const seen = new Seen();
  const pairs: Record<Split, Pair[]> = { train: [], val: [], test: [] };
  for (const split of SPLITS) {
    for await (const { row, values } of readCsv(layout.csv[split], COLUMNS)) {
      const where = `${layout.csv[split]}:${row}`;
      const found = rowProblems(values, present, where);
      const pair = toPair(values);
      if (pair !== undefined) {
        found.push(...seen.add(pair, split, where));
        pairs[split].push(pair);
      }
      problems.push(...found);
    }
  }
  return { layout, pairs, problems };
}

async function imageNames(layout: Layout, modality: Modality): Promise<ReadonlySet<string>> {
  return new Set(await readdir(layout.images[modality]));
}

function toRow(pair: Pair): Record<PairColumn, string> {
  return {
    id: pair.id,
    user_id: pair.userId,
    age: pair.age,
    gender: pair.gender === "male" ? "Male" : "Female",
    race: pair.race,
    labels: pair.gesture,
    hand_image_name: pair.handImage,
    face_image_name: pair.faceImage,
  };
}

/** Columns that every row has a value in. */
export const FILLED: readonly PairColumn[] = ["id", "user_id", "labels"];
const PREFIX = { hand: "H_", face: "F_" } as const;

/** What is wrong with a single row. `present` is undefined when the images are not on disk yet. */
function rowProblems(
  values: Readonly<Record<PairColumn, string>>,
  present: Readonly<Record<Modality, ReadonlySet<string>>> | undefined,
  where: string,
): AppError[] {
  const problems: AppError[] = [];
  for (const column of ["id", "user_id", "labels", "age", "race"] as const) {
    const place = { name: `column ${column}`, got: values[column], where };
    if (FILLED.includes(column) && values[column].trim() === "") {
      problems.push(unexpected("data", { code: "FIELD_EMPTY", expected: "a value", ...place }));
      continue;
    }
    const reading = readCell(column, values[column]);
    const fault = reading === undefined ? nameFault(values[column]) : faultOf(reading);
    if (fault !== undefined) problems.push(faultError(fault, place));
  }
  if (parseSex(values.gender) === undefined) {
    const e = {
      code: "GENDER_VALUE",
      expected: "Male or Female",
      name: "column gender",
      got: values.gender,
      where,
    };
    problems.push(unexpected("data", e));
  }
  for (const modality of ["hand", "face"] as const) {
    const problem = imageProblem(modality, values[`${modality}_image_name`], present?.[modality], where);
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

function imageProblem(
  modality: Modality,
  name: string,
  present: ReadonlySet<string> | undefined,
  where: string,
): AppError | undefined {
  const column = `column ${modality}_image_name`;
  const prefix = PREFIX[modality];
  const stem = name.slice(prefix.length, name.length - extname(name).length);
  const plain = basename(name) === name && !name.includes("\\") && stem !== "";
  if (!plain || !name.startsWith(prefix) || !/^\.(jpe?g|png)$/i.test(extname(name))) {
    const expected = `a file name ${prefix}<id>.jpg without folders`;
    const hint = "`facehand data repair` takes folders out of names of images";
    const e = { code: "IMAGE_NAME", expected, name: column, got: name, where };
    return unexpected("data", /[\\/]/.test(name) ? { ...e, hint } : e);
  }
  if (present === undefined || present.has(name)) return undefined;
  const expected = `an image that exists in the folder ${modality}s`;
  const alike = [...present].find((file) => file.toLowerCase() === name.toLowerCase());
  const hint =
    alike === undefined
      ? "unpack the images again, or remove the row"
      : `the folder has ${alike}: write the name alike in the table and on the disk`;
  return unexpected("data", { code: "IMAGE_MISSING", expected, name: column, got: name, where, hint });
}

/** Remembers ids and subjects over all splits. */
class Seen {
  readonly #ids = new Map<string, string>();
  readonly #keys = new SubjectKeys();
  readonly #subjects = new Map<string, { split: Split; where: string }>();

  add(pair: Pair, split: Split, where: string): AppError[] {
    const problems: AppError[] = [];
    const before = this.#ids.get(pair.id);
    if (before === undefined) this.#ids.set(pair.id, where);
    else {
      const expected = `an id that is not already at ${before}`;
      const e = { code: "ID_DUPLICATE", expected, name: "column id", got: pair.id, where };
      problems.push(unexpected("data", e));
    }
    const twice = this.#keys.add(pair.userId, where);
    if (twice !== undefined)
      problems.push(faultError(twice, { name: "column user_id", got: pair.userId, where }));
    const first = this.#subjects.get(pair.userId);
    if (first === undefined) this.#subjects.set(pair.userId, { split, where });
    else if (first.split !== split) {
      const expected = `a subject of ${split} only (${first.split} has it at ${first.where})`;
      const hint = "split by subject again: a model must not be tested on people it was trained on";
      const e = {
        code: "SUBJECT_IN_TWO_SPLITS",
        expected,
        name: "column user_id",
        got: pair.userId,
        where,
        hint,
      };
      problems.push(unexpected("data", e));
    }
    return problems;
  }
}

/** The three tables of a dataset, being written; they appear at `close`. */
export interface PairTables {
  add(split: Split, pair: Pair): Promise<void>;
  close(): Promise<void>;
  /** Takes away what was written; nothing happens after `close`. */
  discard(): Promise<void>;
}

/**
 * Opens the tables for pairs that come one at a time, as writePairs writes them. Ids are not compared, for that would
 * keep them all: the caller has made them one a frame.
 *
 * @param root - the dataset's own folder; made if missing
 */
export async function openPairTables(root: string): Promise<PairTables> {
  const { csv } = planLayout(root);
  const tables = {
    train: await openCsv(csv.train, COLUMNS),
    val: await openCsv(csv.val, COLUMNS),
    test: await openCsv(csv.test, COLUMNS),
  };
  const each = async (work: "close" | "discard") => {
    for (const split of SPLITS) await tables[split][work]();
  };
  return {
    async add(split, pair) {
      const row = toRow(pair);
      const [problem] = rowProblems(row, undefined, `pair ${pair.id} of ${split}`);
      if (problem !== undefined) throw problem;
      await tables[split].add(row);
    },
    close: () => each("close"),
    discard: () => each("discard"),
  };
}

/**
 * Writes train.csv, val.csv and test.csv of a dataset, each atomically, in the order given.
 * The images may be written before or after.
 *
 * @param root - the dataset's own folder; made if missing
 * @throws AppError("data", ...) before anything is written, if the pairs could not be read back
 */
export async function writePairs(root: string, pairs: PairsBySplit): Promise<void> {
  const { csv } = planLayout(root);
  const seen = new Seen();
  for (const split of SPLITS) {
    pairs[split].forEach((pair, index) => {
      const where = `pair ${index + 1} of ${split}`;
      const [problem] = [...rowProblems(toRow(pair), undefined, where), ...seen.add(pair, split, where)];
      if (problem !== undefined) throw problem;
    });
  }
  for (const split of SPLITS) await writeCsv(csv[split], COLUMNS, pairs[split].map(toRow));
}
