// What a table beside predictions knows of their images: further recorded groups, e.g. the measured skin tone in a ledger,
// and the person where the predictions do not name one.
// Invariant: rows keep their order, and what they have recorded; a table can only add to it.
import { show, unexpected } from "../../core/errors.ts";
import { accept } from "../../core/spelling.ts";
import { readRecords } from "../../formats/csv.ts";
import { isPredictionColumn, type Prediction, predictionColumn } from "./prediction-row.ts";
import { joinSubjects, SUBJECT_COLUMNS, SubjectReader } from "./subjects.ts";

/** Columns that may name the image, the first one that is there. */
const KEYS = ["id", "image_id"] as const;

/**
 * Adds the columns of a CSV file to predictions, as string fields. A row is found by the prediction's id, or by the id
 * of its pair (`<pair>/hand`, `<pair>/face`), within its source if the table has a column of that name; what is not
 * found, or not recorded, is the empty string. A column `subject` or `user_id` names the person.
 *
 * @param path - CSV with a column `id` or `image_id`, each image of a source once
 * @throws AppError("data", "JOIN_KEY" | "JOIN_DUPLICATE" | "JOIN_NONE" | "JOIN_SOURCE" | "JOIN_SUBJECT" |
 *   "SUBJECT_..." | "FILE_MISSING" | "CSV_...")
 * @example await joinGroups(rows, "pairs/ledger.csv") // then summarize(..., { groups: [["skin_tone"]] })
 */
export async function joinGroups(rows: readonly Prediction[], path: string): Promise<Prediction[]> {
  const { columns, byId } = await readTable(path, new Set(rows.flatMap(({ id }) => [id, pairOf(id)])));
  const found = findRows(rows, byId, path);
  if (rows.length > 0 && found.every((row) => row === undefined)) throw noneFound(rows, path);
  const added = columns.filter((column) => !SUBJECT_COLUMNS.some((name) => name === column));
  const joined = rows.map((row, i): Prediction => {
    const own = row as Readonly<Record<string, unknown>>;
    const fields = added.filter((column) => own[column] === undefined || own[column] === "");
    return {
      ...row,
      ...Object.fromEntries(fields.map((column) => [column, cellOf(found[i], column, row)])),
    };
  });
  const subjects = new SubjectReader(columns, path);
  if (!subjects.recorded) return joined;
  const people = rows.map(({ source }, i) => {
    const row = found[i];
    return row === undefined || isBlank(row) ? undefined : subjects.read(row.values, source, row.where);
  });
  return joinSubjects(joined, people, path);
}

const pairOf = (id: string) => id.replace(/\/(hand|face)$/, "");

/** A cell as text, or as a word where its column has a vocabulary. */
function cellOf(found: Row | undefined, column: string, { source }: Prediction): string {
  const got = found?.values[column] ?? "";
  const parse = isPredictionColumn(column) ? predictionColumn(column).parse : undefined;
  if (found === undefined || parse === undefined) return got;
  return accept(parse(got, source), { name: `column ${column}`, got, where: found.where });
}

/** A row of the table. */
interface Row {
  readonly values: Readonly<Record<string, string>>;
  readonly where: string;
}

const isBlank = ({ values }: Row) => SUBJECT_COLUMNS.every((name) => (values[name] ?? "") === "");

/** The table's row of each prediction; undefined where it has none. */
function findRows(
  rows: readonly Prediction[],
  byId: ReadonlyMap<string, readonly Row[]>,
  path: string,
): (Row | undefined)[] {
  const sources = new Set<string>(rows.map(({ source }) => source));
  const taken = new Map<Row, Map<string, Prediction>>();
  return rows.map((row) => {
    const all = byId.get(row.id) ?? byId.get(pairOf(row.id)) ?? [];
    const found = all.find(({ values: { source } }) =>
      all.length > 1 || sources.has(source ?? "") ? source === row.source : true,
    );
    if (found === undefined) return undefined;
    const ids = taken.get(found) ?? new Map<string, Prediction>();
    const before = ids.get(row.id);
    if (before !== undefined) throw twoImages(before, row, path);
    taken.set(found, ids.set(row.id, row));
    return found;
  });
}

function twoImages(a: Prediction, b: Prediction, path: string) {
  const other = a.source === b.source ? ([a.split, b.split] as const) : ([a.source, b.source] as const);
  return unexpected("data", {
    code: "JOIN_SOURCE",
    expected: "a row for each predicted image",
    name: path,
    got: `one for ${show(a.id)} of ${other[0]} and of ${other[1]}`,
    hint: "give the table a column source, or the images ids of their own",
  });
}

function noneFound(rows: readonly Prediction[], path: string) {
  return unexpected("data", {
    code: "JOIN_NONE",
    expected: `rows for the predicted images (such as ${rows[0]!.source}'s)`,
    name: path,
    got: `none of ${rows.length} images`,
    hint: "join the table of the data that was predicted",
  });
}

/** Columns, and the rows of the images that are wanted: a ledger may have a million others. */
async function readTable(path: string, wanted: ReadonlySet<string>) {
  const byId = new Map<string, Row[]>();
  let columns: readonly string[] = [];
  let key = -1;
  for await (const { record, row } of readRecords(path)) {
    if (key === -1) {
      columns = record;
      key = keyOf(columns, path);
      continue;
    }
    const id = record[key]!;
    if (!wanted.has(id)) continue;
    const values = Object.fromEntries(columns.map((column, k) => [column, record[k] ?? ""]));
    const same = byId.get(id) ?? [];
    const where = `${path}:${row}`;
    if (same.some((other) => other.values["source"] === values["source"])) {
      const e = { code: "JOIN_DUPLICATE", expected: "each image once", name: "the joined table" };
      throw unexpected("data", { ...e, got: "one twice", where });
    }
    byId.set(id, [...same, { values, where }]);
  }
  return { columns, byId };
}

/** Index of the column that names the image. */
function keyOf(columns: readonly string[], path: string): number {
  const where = `${path}:1`;
  const twice = columns.find((name, k) => columns.indexOf(name) !== k);
  if (twice !== undefined) {
    const e = {
      code: "CSV_COLUMNS",
      expected: "each column once",
      name: "the joined table",
      got: twice,
      where,
    };
    throw unexpected("data", { ...e, hint: `remove one ${show(twice)}` });
  }
  const key = KEYS.find((name) => columns.includes(name));
  if (key !== undefined) return columns.indexOf(key);
  throw unexpected("data", {
    code: "JOIN_KEY",
    expected: "a column id or image_id",
    name: path,
    got: columns.join(", "),
    where,
  });
}
