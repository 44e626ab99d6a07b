// ◇ Browser-safe. What predictions record of people and pictures, by the house's parsers: subjects, ages, races,
// gestures, groups. Invariants: a person has one key within a source; two spellings of one group are refused, not two
// rows.
import { unexpected } from "../../core/errors.ts";
import { accept, faultError, nameFault, Spellings } from "../../core/spelling.ts";
import { SubjectKeys, sourceKey } from "../../core/subject.ts";
import { ageRange, dateFault, parseAge, parseGesture, parseRace } from "../../core/vocabulary.ts";
import { isImageSubject } from "./subjects.ts";

/** The words of a row of predictions. */
interface Words {
  readonly id: string;
  readonly source: string;
  readonly subject: string;
  readonly age: string;
  readonly race: string;
  readonly gesture: string;
}

/** Rows so far, whose people and races later ones must not spell differently. */
export class RowWords {
  readonly #keys = new SubjectKeys();
  readonly #races = new Map<string, Spellings>();
  readonly #sources = new Spellings();

  /**
   * Checks the words of a row.
   *
   * @returns the row with its words as their sources write them
   * @throws AppError("data", the fault's code)
   */
  check<R extends Words>(row: R, where: string): R {
    const { source } = row;
    const place = (column: "source" | "subject" | "age" | "race" | "gesture") => {
      return { name: `column ${column}`, got: row[column], where };
    };
    const twin = this.#sources.clash(source, where); // people of two sources are never one
    if (twin !== undefined) throw twice(twin, place("source"));
    const race = accept(parseRace(row.race, source), place("race"));
    const spellings = this.#races.get(source) ?? new Spellings();
    this.#races.set(source, spellings);
    const other = race === "" ? undefined : spellings.clash(race, where);
    if (other !== undefined) throw twice(other, place("race"));
    return {
      ...row,
      subject: this.#subject(row, place("subject")),
      age: accept(parseAge(row.age), place("age")),
      race,
      gesture: accept(parseGesture(row.gesture, source), place("gesture")),
    };
  }

  /** Images that stand for people are named by their files, which may differ in case alone. */
  #subject(row: Words, place: { name: string; got: string; where: string }): string {
    const { source, subject } = row;
    if (isImageSubject(row)) return subject;
    const prefix = subject.startsWith(`${source}:`) ? `${source}:` : "";
    const key = accept(sourceKey(subject.slice(prefix.length), source), place);
    const fault = this.#keys.add(key, place.where, source);
    if (fault !== undefined) throw faultError(fault, place);
    return prefix + key;
  }
}

function twice(
  { text, where }: { readonly text: string; readonly where: string },
  place: { readonly name: string; readonly got: string; readonly where?: string | undefined },
) {
  const expected = `one spelling of a value (${JSON.stringify(text)}${where === "" ? "" : ` is at ${where}`})`;
  const hint = "write it alike in all rows";
  return unexpected("data", { code: "VALUE_SPELLING", expected, ...place, hint });
}

/**
 * Refuses values that would make two groups of one, words for "not recorded" that would make a group, and ages that a
 * spreadsheet took for dates: beside buckets of age, or in a column that is called by age.
 *
 * @param key - the column
 * @param values - each once, empty for images without a record
 * @throws AppError("data", "VALUE_SPELLING" | "FIELD_BLANKS" | "FIELD_UNSEEN" | "FIELD_NOTHING" | "AGE_VALUE")
 * @example checkGroupValues("skin_tone", ["light", "Light"])
 */
export function checkGroupValues(key: string, values: Iterable<string>): void {
  const spellings = new Spellings();
  const all = [...values];
  const ofAge = /(^|[^a-z])ages?([^a-z]|$)/i.test(key) || all.some((value) => isBucket(value));
  for (const value of all) {
    if (value === "") continue;
    const place = { name: `group ${key}`, got: value };
    const fault = nameFault(value) ?? (ofAge ? dateFault(value) : undefined);
    if (fault !== undefined) throw faultError(fault, place);
    const other = spellings.clash(value, "");
    if (other !== undefined) throw twice(other, place);
  }
}

const isBucket = (value: string) => /[-+]/.test(value) && ageRange(value) !== undefined;

/**
 * Checks freely named groups of all rows, whatever tables they are then divided into.
 *
 * @param keys - string fields of the rows
 * @throws as checkGroupValues
 */
export function checkGroups<K extends string>(
  rows: readonly Readonly<Record<K, string>>[],
  keys: readonly K[],
): void {
  for (const key of keys) checkGroupValues(key, new Set(rows.map((row) => row[key] ?? "")));
}
