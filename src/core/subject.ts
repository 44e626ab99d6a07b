// ◇ Browser-safe. The key of a person, by which texts name the same one. Every reader of a `user_id` uses it.
// Source: HaGRID's `user_id` (32 or 64 hex digits), 11K Hands' `id` (seven decimal digits).
// Invariants: one person has one key, and what could be two spellings of one person is refused, not counted as two:
// people who are counted twice make intervals too narrow and let one person train and test.
import { type Fault, idForm, nameFault, type Reading, Spellings } from "./spelling.ts";

/** Long hexadecimal ids, with or without a UUID's dashes: their case means nothing. */
const HEX = /^[0-9a-f-]{16,}$/i;
/** What spreadsheets make of long numbers: digits are lost, so that people are one who are not. */
const SCIENTIFIC = /^\d(?:[.,]\d+)?E\+\d+$/i;
/** 11K Hands' ids; spreadsheets drop zeros before them, and tables of numbers put `.0` behind. */
const HANDS11K = /^0*(\d{1,7})(?:\.0*)?$/;

/**
 * The key of a recorded subject: the same for hexadecimal digits of either case and for the two ways of Unicode to
 * write an accent; everything else of the same appearance is refused here or by `SubjectKeys`.
 *
 * @example subjectKey("ABCDEF0123456789") // { value: "abcdef0123456789" }
 */
export function subjectKey(text: string): Reading {
  if (text.trim() === "") {
    const hint = "give every row the id of its person, or leave out the row";
    return { fault: { code: "FIELD_EMPTY", expected: "a value", hint } };
  }
  const fault = nameFault(text);
  if (fault !== undefined) return { fault };
  if (SCIENTIFIC.test(text)) {
    const hint = "a spreadsheet rounded the ids: take them from the original table, as text";
    return { fault: { code: "SUBJECT_ROUNDED", expected: "an id with all of its digits", hint } };
  }
  const key = text.normalize("NFC");
  return { value: HEX.test(key) ? key.toLowerCase() : key };
}

/**
 * The key of a person of 11K Hands: seven digits, whatever a spreadsheet made of them.
 *
 * @example hands11kKey("7.0") // { value: "0000007" }
 */
export function hands11kKey(text: string): Reading {
  const digits = HANDS11K.exec(text)?.[1];
  return digits === undefined ? subjectKey(text) : { value: digits.padStart(7, "0") };
}

/**
 * The key of a person by the rules of the source that recorded it.
 *
 * @param source - kind of the source; of one that is not ours the general rules hold
 */
export function sourceKey(text: string, source: string): Reading {
  return source === "hands11k" ? hands11kKey(text) : subjectKey(text);
}

/** Keys of sets of people, in which nobody may stand in two spellings. */
export class SubjectKeys {
  readonly #spellings = new Map<string, Spellings>();

  /**
   * Takes up a key.
   *
   * @param where - its place, for messages about a later one
   * @param source - whose key it is: people of two sources are never one
   * @returns a fault if a key that was taken up before could be the same person
   */
  add(key: string, where: string, source = ""): Fault | undefined {
    let spellings = this.#spellings.get(source);
    if (spellings === undefined) {
      spellings = new Spellings(idForm);
      this.#spellings.set(source, spellings);
    }
    const other = spellings.clash(key, where);
    if (other === undefined) return undefined;
    const expected = `one spelling of a subject (${JSON.stringify(other.text)} is at ${other.where})`;
    const hint = "write the id of a person alike everywhere, or other ids for other people";
    return { code: "SUBJECT_SPELLING", expected, hint };
  }
}
