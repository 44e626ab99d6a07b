// ◇ Browser-safe. Cells of a table of pairs as values: one reading of each word, for Node and the page.
import { unexpected } from "../core/errors.ts";
import type { Reading } from "../core/spelling.ts";
import { subjectKey } from "../core/subject.ts";
import { parseAge, parseGesture, parseRace, parseSex } from "../core/vocabulary.ts";
import { COLUMNS, type Pair } from "../core/words.ts";

/** The name of a column. */
export type PairColumn = (typeof COLUMNS)[number];
/** A row as it stands in the table. */
export type PairCells = Readonly<Record<PairColumn, string>>;

/** A cell of a table of pairs as it is to be written; undefined for columns whose text is anyone's choice. */
export function readCell(column: PairColumn, text: string): Reading | undefined {
  if (column === "user_id") return subjectKey(text);
  if (column === "age") return parseAge(text);
  if (column === "race") return parseRace(text, "pairs");
  if (column === "labels") return parseGesture(text, "pairs");
  return undefined;
}

/** The pair of a row; undefined without a recorded sex. What cannot be read stays as it is: it is a problem of its own. */
export function toPair(values: PairCells): Pair | undefined {
  const gender = parseSex(values.gender);
  if (gender === undefined) return undefined;
  const tidy = (column: PairColumn) => {
    const reading = readCell(column, values[column])!;
    return "value" in reading ? reading.value : values[column];
  };
  return {
    id: values.id,
    userId: tidy("user_id"),
    age: tidy("age"),
    gender,
    race: tidy("race"),
    gesture: tidy("labels"),
    handImage: values.hand_image_name,
    faceImage: values.face_image_name,
  };
}

/**
 * The same where nobody collects problems.
 *
 * @throws AppError("data", "PAIR_CELL") that names the cell
 */
export function pairOf(values: PairCells, where: string): Pair {
  const pair = toPair(values);
  const bad = COLUMNS.find((column) => {
    const reading = readCell(column, values[column]);
    return reading !== undefined && !("value" in reading);
  });
  if (pair !== undefined && bad === undefined) return pair;
  const column = bad ?? "gender";
  throw unexpected("data", {
    code: "PAIR_CELL",
    expected: "a value that facehand reads",
    name: column,
    got: values[column],
    where,
    hint: "run `facehand data check` on the folder",
  });
}
