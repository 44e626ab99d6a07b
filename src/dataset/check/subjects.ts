// What is wrong between rows: ids and images used twice, subjects in two splits, labels of a subject that disagree.
// Source: the published dataset's promise that splits are exclusive by subject.
import { foldName } from "../../core/file-names.ts";
import { SubjectKeys } from "../../core/subject.ts";
import { overlappingAges, parseSex } from "../../core/vocabulary.ts";
import { SPLITS, type Split } from "../../core/words.ts";
import { type Finding, type FindingCode, finding, placeText } from "./findings.ts";
import type { ScannedRow } from "./tables.ts";

/** Findings between rows, in the order of the rows. Rows that are repeated whole are not counted again. */
export function checkBetweenRows(rows: readonly ScannedRow[]): Finding[] {
  const once = rows.filter(({ repeated }) => !repeated);
  return [
    ...usedTwice(once, "ID_DUPLICATE", "id"),
    ...usedTwice(once, "IMAGE_SHARED", "hand_image_name"),
    ...usedTwice(once, "IMAGE_SHARED", "face_image_name"),
    ...spellingFindings(once),
    ...ageFindings(once),
    ...subjectFindings(once),
  ];
}

/** Subjects that could be one person under two ids. */
function spellingFindings(rows: readonly ScannedRow[]): Finding[] {
  const keys = new SubjectKeys();
  const reported = new Set<string>();
  return rows.flatMap(({ cells, place }) => {
    const fault = keys.add(cells.user_id, placeText(place));
    if (fault === undefined || reported.has(cells.user_id)) return [];
    reported.add(cells.user_id);
    const e = { expected: fault.expected, name: "column user_id", got: cells.user_id };
    return [finding("SUBJECT_SPELLING", place, e)];
  });
}

/** Buckets that share years: of one age two groups. */
function ageFindings(rows: readonly ScannedRow[]): Finding[] {
  const [first, second] = overlappingAges([...new Set(rows.map(({ cells }) => cells.age))]) ?? [];
  const at = rows.find(({ cells }) => cells.age === second);
  if (at === undefined) return [];
  const e = { expected: `age buckets that share no year with ${first}`, name: "column age", got: second };
  return [finding("AGE_OVERLAP", at.place, e)];
}

function usedTwice(
  rows: readonly ScannedRow[],
  code: FindingCode,
  column: "id" | "hand_image_name" | "face_image_name",
): Finding[] {
  const first = new Map<string, ScannedRow>();
  const out: Finding[] = [];
  for (const row of rows) {
    const value = row.cells[column];
    const name = column === "id" ? value : foldName(value);
    const before = first.get(name);
    if (before === undefined) first.set(name, row);
    else {
      const other =
        before.cells[column] === value
          ? ""
          : ` (${before.cells[column]}, the same file where case does not count)`;
      const expected = `a value that is not already at ${placeText(before.place)}${other}`;
      out.push(finding(code, row.place, { expected, name: `column ${column}`, got: value }));
    }
  }
  return out;
}

function subjectFindings(rows: readonly ScannedRow[]): Finding[] {
  const subjects = new Map<string, ScannedRow[]>();
  for (const row of rows) {
    const of = subjects.get(row.cells.user_id);
    if (of === undefined) subjects.set(row.cells.user_id, [row]);
    else of.push(row);
  }
  return [...subjects.values()].flatMap((of) => [
    ...splitFindings(of),
    ...labelFindings(of, "gender", "SUBJECT_GENDER"),
    ...labelFindings(of, "age", "SUBJECT_AGE"),
    ...labelFindings(of, "race", "SUBJECT_RACE"),
  ]);
}

function splitFindings(rows: readonly ScannedRow[]): Finding[] {
  const home = rows[0]!;
  const others = SPLITS.filter((split) => split !== home.split);
  return others.flatMap((split: Split) => {
    const there = rows.filter((row) => row.split === split);
    if (there.length === 0) return [];
    const expected = `a subject of ${home.split} only (${placeText(home.place)} has it)`;
    const got = `${there.length} of its rows in ${split}`;
    return [finding("SUBJECT_IN_TWO_SPLITS", there[0]!.place, { expected, name: subjectName(home), got })];
  });
}

function labelFindings(
  rows: readonly ScannedRow[],
  column: "gender" | "age" | "race",
  code: FindingCode,
): Finding[] {
  const counts = new Map<string, number>();
  const known = rows.filter(({ cells }) => cells[column] !== "" && isLabel(column, cells[column]));
  for (const { cells } of known) {
    counts.set(cells[column], (counts.get(cells[column]) ?? 0) + 1);
  }
  if (counts.size < 2) return [];
  const first = known[0]!.cells[column];
  const at = known.find(({ cells }) => cells[column] !== first)!;
  const got = [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([value, n]) => `${n} x ${value}`)
    .join(", ");
  return [finding(code, at.place, { expected: `one ${column}`, name: subjectName(rows[0]!), got })];
}

/** Values that mean nothing are findings of their own. */
const isLabel = (column: string, value: string) => column !== "gender" || parseSex(value) !== undefined;

const subjectName = ({ cells }: ScannedRow) => `subject ${cells.user_id}`;
