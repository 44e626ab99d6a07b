// ◇ Browser-safe. The words that are recorded of people and pictures, with one parser for each: sexes, ages, races,
// gestures. Sources: HaGRIDv2's archives (gestures); FairFace, UTKFace and 11K Hands as their authors write their
// classes; skin tones as the individual typology angle and Fitzpatrick's types are named.
// Invariants: an unknown word is refused and never made a class; only case and `_`, `-` or a blank between words are
// mended, for they cannot mean anything else; races of one source are not those of another.
import {
  type Fault,
  type FaultCode,
  looseForm,
  nameFault,
  nearestWord,
  type Reading,
  wordHint,
} from "./spelling.ts";

/** In class order: female = 0, male = 1. */
export const SEXES = ["female", "male"] as const;
/** The recorded, apparent label. */
export type Sex = (typeof SEXES)[number];

/** UTKFace's race codes 0 to 4, by index, named as its authors name them. */
export const UTKFACE_RACES = ["White", "Black", "Asian", "Indian", "Others"] as const;
/** FairFace's seven, as its tables and HaGRIDv2's `meta` write them. */
export const FAIRFACE_RACES = [
  ...["White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern"],
] as const;
/** 11K Hands' `skinColor`. */
export const HANDS11K_TONES = ["very fair", "fair", "medium", "dark"] as const;
/** Classes of the individual typology angle, and what else skin tones are called; then Fitzpatrick's types. */
const TONES = [
  ...["very light", "light", "intermediate", "tan", "brown", "dark", "very dark"],
  ...["pale", "olive", "light medium", "medium light", "medium dark", "dark brown", "light brown"],
  ...["I", "II", "III", "IV", "V", "VI"],
  ...["type I", "type II", "type III", "type IV", "type V", "type VI"],
];

/** 11K Hands' `aspectOfHand`. */
export const HAND_ASPECTS = ["dorsal left", "dorsal right", "palmar left", "palmar right"] as const;

/** HaGRID's gestures, by the names of its archives; `no_gesture` is an idle hand. */
export const HAGRID_GESTURES = [
  ...(["call", "dislike", "fist", "four", "grabbing", "grip", "hand_heart", "hand_heart2", "holy"] as const),
  ...([
    "like",
    "little_finger",
    "middle_finger",
    "mute",
    "no_gesture",
    "ok",
    "one",
    "palm",
    "peace",
  ] as const),
  ...(["peace_inverted", "point", "rock", "stop", "stop_inverted", "take_picture", "three"] as const),
  ...(["three2", "three3", "three_gun", "thumb_index", "thumb_index2", "timeout", "two_up"] as const),
  ...(["two_up_inverted", "xsign"] as const),
] as const;

/** The classes of each kind of source; a dataset of pairs may have those of any source that it was labelled from. */
const RACES: Readonly<Record<string, readonly string[]>> = {
  utkface: UTKFACE_RACES,
  fairface: FAIRFACE_RACES,
  hands11k: HANDS11K_TONES,
  pairs: [...new Set([...FAIRFACE_RACES, ...UTKFACE_RACES, ...HANDS11K_TONES, ...TONES])],
};
const GESTURES: Readonly<Record<string, readonly string[]>> = {
  hands11k: HAND_ASPECTS,
  pairs: HAGRID_GESTURES,
};

/** Whether a kind of source has races of its own, which are not those of any other. */
export const hasOwnRaces = (source: string): boolean => Object.hasOwn(RACES, source);

/** The sex that a cell means, in any case; undefined if it means none. */
export function parseSex(text: string): Sex | undefined {
  return SEXES.find((sex) => sex === text.toLowerCase());
}

/** The sex that a cell means, as from the other parsers. */
export function readSex(text: string): Reading<Sex> {
  const value = parseSex(text);
  if (value !== undefined) return { value };
  const hint = `the nearest is ${nearestWord(text, ["Male", "Female"])}`;
  return { fault: { code: "GENDER_VALUE", expected: "Male or Female", hint } };
}

/**
 * A recorded race or skin-tone class as its source writes it; empty if unknown.
 *
 * @param source - kind of the source; of one that is not ours every word is taken that is a word
 * @example parseRace("east asian", "pairs") // { value: "East Asian" }
 */
export function parseRace(text: string, source: string): Reading {
  return parseWord(text, RACES[source], "RACE_VALUE", "race or skin tone");
}

/**
 * A recorded gesture (of 11K Hands the aspect of the hand) as its source writes it; empty if there is none.
 *
 * @param source - as for `parseRace`
 * @example parseGesture("Palm", "pairs") // { value: "palm" }
 */
export function parseGesture(text: string, source: string): Reading {
  return parseWord(text, GESTURES[source], "GESTURE_VALUE", "gesture");
}

function parseWord(
  text: string,
  words: readonly string[] | undefined,
  code: FaultCode,
  what: string,
): Reading {
  if (text === "") return { value: "" };
  const fault = nameFault(text);
  if (fault !== undefined) return { fault };
  if (words === undefined || words.includes(text)) return { value: text };
  const loose = looseForm(text);
  const known = words.find((word) => looseForm(word) === loose);
  if (known !== undefined) return { value: known };
  const hint = `${wordHint(text, words)}; leave the cell empty where nothing is recorded`;
  return { fault: { code, expected: `a known ${what}`, hint } };
}

const AGE_FAULT = { code: "AGE_VALUE", expected: "an age bucket such as 20-29 or 70+" } as const;
const AGE = /^(\d{1,3})(?:-(\d{1,3})|\+)?$/;
const WHOLE_YEAR = /^(\d+)\.0+$/;
const OLDEST_YEARS = 130;

/** First and last year of an age bucket, the last one of an open bucket being 130; undefined if it is none. */
export function ageRange(bucket: string): readonly [low: number, high: number] | undefined {
  const [, first, last] = AGE.exec(bucket) ?? [];
  if (first === undefined) return undefined;
  const low = Number(first);
  const high = bucket.endsWith("+") ? OLDEST_YEARS : Number(last ?? first);
  const written = last === undefined ? `${low}` : `${low}-${high}`;
  const tidy = bucket === written || bucket === `${low}+`;
  return tidy && low <= high && high <= OLDEST_YEARS && low !== Number(last) ? [low, high] : undefined;
}

/**
 * A recorded age bucket: `20-29`, `70+`, or one year; empty if unknown. Whatever its edges are: `derive --age-edges`
 * makes others than FairFace's. A whole year as pandas writes a column of numbers with gaps, `20.0`, is that year.
 *
 * @example parseAge("Oct-19") // a fault whose hint suggests 10-19
 */
export function parseAge(text: string): Reading {
  const whole = WHOLE_YEAR.exec(text)?.[1] ?? text;
  if (whole === "" || ageRange(whole) !== undefined) return { value: whole };
  const fault = nameFault(text);
  if (fault !== undefined) return { fault };
  return { fault: { ...AGE_FAULT, hint: ageHint(text) } };
}

/** FairFace's buckets, which spreadsheets' dates and other spellings are compared with. */
const USUAL_AGES = ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+"];
/** In English, German, French, Spanish and Italian, as far as their first three letters differ. */
const MONTHS = [
  ["jan", "ene", "gen"],
  ["feb", "fév", "fev"],
  ["mar", "mär"],
  ["apr", "avr", "abr"],
  ["may", "mai", "mag"],
  ["jun", "jui", "giu"],
  ["jul", "lug"],
  ["aug", "aoû", "ago"],
  ["sep", "set"],
  ["oct", "okt", "ott"],
  ["nov"],
  ["dec", "dez", "déc", "dic"],
];

/** The bucket that a spreadsheet took for a date: `Oct-19`, `9. Mrz`, `2019-10-01 00:00:00`; undefined for what is none. */
function dateBucket(text: string): string | undefined {
  const [, year, first, second] = /^\d\d(\d\d)-(\d\d)-(\d\d)(?:\D|$)/.exec(text) ?? [];
  if (year !== undefined) {
    const made = [bucketOf(first!, second!), bucketOf(first!, year)];
    return made.find((bucket) => USUAL_AGES.includes(bucket)) ?? made[0];
  }
  const [, word = ""] = /(?:^|[^\p{L}])(\p{L}{3})/u.exec(text) ?? [];
  const month = MONTHS.findIndex((names) => names.includes(word.toLowerCase())) + 1;
  const years = /\d+/.exec(text)?.[0];
  return month > 0 && years !== undefined ? bucketOf(month, Number(years) % 100) : undefined;
}

function bucketOf(one: string | number, other: string | number): string {
  const [low, high] = [Number(one), Number(other)].sort((x, y) => x - y) as [number, number];
  return ageRange(`${low}-${high}`) === undefined ? usualAge(low) : `${low}-${high}`;
}

const asDate = (bucket: string) =>
  `a spreadsheet read ${bucket} as a date: write ${bucket} again, in a column of text`;

/**
 * What is wrong with a value among ages whose vocabulary is free: it is a date, as spreadsheets make of `10-19`.
 *
 * @example dateFault("Oct-19")?.hint // "a spreadsheet read 10-19 as a date: ..."
 */
export function dateFault(text: string): Fault | undefined {
  if (!/^(?:\d{1,2}[-./ ]{1,2}\p{L}{3,4}\.?|\p{L}{3,4}\.?[-./ ]{1,2}\d{1,4}|\d{4}-\d\d-\d\d.*)$/u.test(text))
    return undefined;
  const bucket = dateBucket(text);
  return bucket === undefined ? undefined : { ...AGE_FAULT, hint: asDate(bucket) };
}

function ageHint(text: string): string {
  const bucket = dateBucket(text);
  if (bucket !== undefined) return asDate(bucket);
  const cut = cutBucket(text);
  if (cut !== undefined) return `write the years that are in it: ${cut}`;
  const years = /\d+/.exec(text)?.[0];
  const dashed = text
    .replace(/\s*(?:[‐-―−~/]|to|bis)\s*/gi, "-")
    .replace(/\.0+(?=\D|$)/g, "")
    .replace(/(?<=\d)[oO](?=\D|$)/g, "0")
    .replace(/\s+/g, "");
  const known = ageRange(dashed) === undefined ? undefined : dashed;
  const nearest = known ?? (years === undefined ? nearestWord(text, USUAL_AGES) : usualAge(Number(years)));
  return `the nearest is ${nearest}; leave the cell empty where no age is recorded`;
}

/** The years of an interval as pandas.cut names it: a round bracket leaves its year out. */
function cutBucket(text: string): string | undefined {
  const [, left, low, high, right] = /^([[(])(\d+)(?:\.0+)?, ?(\d+)(?:\.0+)?([\])])$/.exec(text) ?? [];
  if (left === undefined) return undefined;
  const bucket = `${Number(low) + (left === "(" ? 1 : 0)}-${Number(high) - (right === ")" ? 1 : 0)}`;
  return ageRange(bucket) === undefined ? undefined : bucket;
}

const usualAge = (years: number) =>
  USUAL_AGES.find((bucket) => years <= ageRange(bucket)![1]) ?? USUAL_AGES.at(-1)!;

/** Of some age buckets the first two that share a year, which would make one age two groups. */
export function overlappingAges(buckets: readonly string[]): readonly [string, string] | undefined {
  const ranges = buckets
    .flatMap((name) => {
      const range = ageRange(name);
      return range === undefined ? [] : [{ name, low: range[0], high: range[1] }];
    })
    .sort((a, b) => a.low - b.low || a.high - b.high);
  const at = ranges.findIndex(({ high }, i) => i + 1 < ranges.length && ranges[i + 1]!.low <= high);
  return at < 0 ? undefined : [ranges[at]!.name, ranges[at + 1]!.name];
}

/** The fault of a reading, or undefined. */
export function faultOf(reading: Reading): Fault | undefined {
  return "fault" in reading ? reading.fault : undefined;
}
