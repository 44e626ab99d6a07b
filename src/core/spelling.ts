// ◇ Browser-safe. When two texts are two spellings of one word, and which texts nobody can distinguish by reading
// them. Source: Unicode's NFC and NFKC, general categories and Default_Ignorable_Code_Point.
// Invariant: nothing is mended here; a text that cannot be distinguished from another is refused by whoever reads it.
import { distance } from "fastest-levenshtein";
import { type AppError, unexpected } from "./errors.ts";

/** Everything that can be wrong with a recorded word; `data check` has a finding for each. */
export type FaultCode =
  | "FIELD_EMPTY"
  | "FIELD_BLANKS"
  | "FIELD_UNSEEN"
  | "FIELD_NOTHING"
  | "SUBJECT_ROUNDED"
  | "SUBJECT_SPELLING"
  | "GENDER_VALUE"
  | "AGE_VALUE"
  | "RACE_VALUE"
  | "GESTURE_VALUE";

/** What is wrong with a text: what would have been right, and what to do. */
export interface Fault {
  readonly code: FaultCode;
  readonly expected: string;
  readonly hint: string;
}

/** A text that was understood, or why it was not. */
export type Reading<T extends string = string> = { readonly value: T } | { readonly fault: Fault };

/** Where a text stands: `column race`, the text, `file:row`. */
export interface FaultPlace {
  readonly name: string;
  readonly got: string;
  readonly where?: string | undefined;
}

/** A fault as the error that a reader throws. */
export function faultError(fault: Fault, place: FaultPlace): AppError {
  return unexpected("data", { ...fault, ...place });
}

/**
 * The value of a reading.
 *
 * @throws AppError("data", the fault's code)
 * @example accept(parseAge(values.age), { name: "column age", got: values.age, where })
 */
export function accept<T extends string>(reading: Reading<T>, place: FaultPlace): T {
  if ("fault" in reading) throw faultError(reading.fault, place);
  return reading.value;
}

/** Anything but letters, marks, digits, signs and the plain blank; the braille blank is a sign that shows nothing. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;

/** What programs write where nothing is recorded. */
const NOTHING =
  /^(nan|none|null|nil|na|n\/a|#n\/a|<na>|nat|undefined|unknown|missing|not recorded|\?+|-+|\.+)$/i;

const HEX_ID = /^[0-9a-f-]{16,}$/i;
const NUMBER = /^[+]?0*(\d+)(?:[.,]0*)?$/;

/** `U+200B`, for what a message cannot show. */
const codePoint = (sign: string) => `U+${sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;

/**
 * Why a filled cell is no name: blanks around it, signs that nobody sees, or a word for "nothing is recorded".
 *
 * @returns undefined if it is one; an empty text is the caller's business
 * @example nameFault("light ")?.expected // "no blanks around the value"
 */
export function nameFault(text: string): Fault | undefined {
  if (text !== text.trim()) {
    const hint =
      "`facehand data repair` takes blanks out of a dataset's tables; in other files take them out by hand";
    return { code: "FIELD_BLANKS", expected: "no blanks around the value", hint };
  }
  const unseen = UNSEEN.exec(text)?.[0];
  if (unseen !== undefined) {
    const hint = `take out ${codePoint(unseen)}, which cannot be seen`;
    return { code: "FIELD_UNSEEN", expected: "printable characters", hint };
  }
  if (!NOTHING.test(text)) return undefined;
  const hint = "leave the cell empty where nothing is recorded, or leave out the row";
  return { code: "FIELD_NOTHING", expected: "a recorded value", hint };
}

/**
 * What spellings of one word have in common: the same for other case, widths of letters, blanks, `_` and dashes, leading
 * zeros, `.0` of a number, and dashes of a UUID.
 *
 * @example looseForm("0007") === looseForm("7.0")
 */
export function looseForm(text: string): string {
  const plain = text.normalize("NFKC").trim().toLowerCase();
  const number = NUMBER.exec(plain);
  if (number !== null) return number[1]!;
  if (HEX_ID.test(plain)) return plain.replaceAll("-", "");
  return plain.replace(/[\s_\u2010-\u2015\u2212-]+/g, " ");
}

/** What programs put around an id: quotes, a spreadsheet's `="..."`, a GUID's braces, signs and words before it. */
const AROUND = /^(?:urn:uuid:|0x|["'`´‘’“”={([#])+(?=.)|["'`´‘’“”})\].,;:!?]+$/g;
/** Our own sources, which stand before the id where predictions name a subject. */
const SOURCE = /^(?:pairs|utkface|fairface|hands11k|file):(?=.)/;
/** Small letters of Cyrillic and Greek that look like Latin ones, large or small, each over its own. */
const [LOOKALIKE, LATIN] = ["авеһіјкмнорԛѕтухԁαβεηικμνορτυχ", "abehijkmhopqstyxdabehikmvoptyx"];

/**
 * The same for two ids of which one could have been written for the other: as `looseForm`, and whatever stands around
 * them, in digits of any script, by letters that look the same.
 *
 * @example idForm("'0007") === idForm("7")
 */
export function idForm(text: string): string {
  const plain = text.normalize("NFKC").trim().toLowerCase().replace(SOURCE, "").replace(AROUND, "");
  const latin = [...plain].map((sign) => (/\p{Nd}/u.test(sign) ? digitOf(sign) : latinOf(sign)));
  return looseForm(latin.join("") || text);
}

/** The ten digits of a script stand one after the other. */
function digitOf(sign: string): string {
  const code = sign.codePointAt(0)!;
  if (code < 128) return sign;
  let zero = code;
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String(code - zero);
}

function latinOf(sign: string): string {
  const at = LOOKALIKE!.indexOf(sign);
  return at < 0 ? sign : LATIN![at]!;
}

/** Of some words the one that is spelled most like a text. */
export function nearestWord(text: string, words: readonly string[]): string {
  const loose = looseForm(text);
  const far = (word: string) => distance(loose, looseForm(word));
  return words.reduce((best, word) => (far(word) < far(best) ? word : best));
}

/**
 * What to write in the place of an unknown word: the one that is spelled most like it, or what there is where none is
 * like it: of many words the first.
 *
 * @example wordHint("lihgt", ["dark", "light"]) // "the nearest is light"
 */
export function wordHint(text: string, words: readonly string[]): string {
  const nearest = nearestWord(text, words);
  const far = distance(looseForm(text), looseForm(nearest));
  if (2 * far <= nearest.length) return `the nearest is ${nearest}`;
  const [shown, more] =
    words.length > 9 ? [words.slice(0, 3), ` and ${words.length - 3} others`] : [words, ""];
  return `there are ${shown.join(", ")}${more}`;
}

/** Words seen so far, to find one that is there in two spellings. */
export class Spellings {
  readonly #first = new Map<string, { readonly text: string; readonly where: string }>();
  readonly #seen = new Set<string>();
  readonly #form: (text: string) => string;

  /** @param form - what the spellings of one word have in common */
  constructor(form = looseForm) {
    this.#form = form;
  }

  /**
   * Remembers a word.
   *
   * @returns an earlier one that is written differently and cannot be distinguished from it, with its place
   */
  clash(text: string, where: string): { readonly text: string; readonly where: string } | undefined {
    if (this.#seen.has(text)) return undefined; // its clash was reported
    const loose = this.#form(text);
    const first = this.#first.get(loose);
    if (first !== undefined) return first;
    this.#first.set(loose, { text, where });
    this.#seen.add(text);
    return undefined;
  }
}
