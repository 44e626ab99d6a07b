// ◇ Browser-safe. How columns and their values are called.
import { RULE_NAMES, RULES } from "../../derive/judge/clean.ts";
import { textAt } from "../table/column.ts";
import { FACETS, facetOf } from "../table/ledger.ts";
import { type Broken, brokenBy } from "../table/rules.ts";
import type { Desk } from "./desk.ts";

/** In the place of a value that is not there. */
export const NOT_RECORDED = "not recorded";

const WHOLE = new Intl.NumberFormat("en");

/** A number as people read it, with four digits that count. */
export const plain = (value: number): string =>
  Number.isInteger(value) ? WHOLE.format(value) : String(Number(value.toPrecision(4)));

/** Values as people read them: `face_too_small` is "face too small". */
export const valueWords = (value: string): string =>
  value === "" ? NOT_RECORDED : value.replaceAll("_", " ");

/** A value of a column: what none means is the column's own. */
export const wordsOf = (name: string, value: string): string =>
  value === "" ? (facetOf(name)?.none ?? NOT_RECORDED) : valueWords(value);

/** Codes of a facet as they stand: what is not recorded last; not that of frames to which the column does not apply. */
export const codesInOrder = (words: readonly string[]): readonly number[] =>
  [...words.keys()].filter((code) => words[code] !== "").concat(0);

/** Which frames a facet is of, where it is not of all; of tables of pairs there are no others. */
export function framesOf({ loaded }: Pick<Desk, "loaded">, name: string): string {
  const of = facetOf(name)?.of;
  return of !== undefined && loaded.table.columns.has("reason") ? `${of} frames` : "";
}

const OTHERS: Readonly<Record<string, string>> = {
  hand_presence: "score of the hand's landmark model",
  hand_turn: "turn of the hand crop, degrees",
  ita: "face's typology angle (ITA), degrees",
  hand_ita: "hand's typology angle (ITA), degrees",
  face_sharpness: "sharpness of the face crop",
  hand_sharpness: "sharpness of the hand crop",
  user_id: "subject",
  image_id: "image id",
};

/** Titles of columns: those of the rules that judge them, where one does. */
const TITLES = new Map<string, string>([
  ...RULE_NAMES.flatMap((name) => {
    const { columns, title } = RULES[name];
    return columns.length === 1 ? [[columns[0], title] as const] : [];
  }),
  ...FACETS.map(({ name, title }) => [name, title] as const),
  ...Object.entries(OTHERS),
]);

/** What a column is called. */
export const titleOf = (name: string): string => TITLES.get(name) ?? valueWords(name);

/** Why a row was removed, with the value beside its threshold; empty for one that was kept. */
export function whyRemoved({ loaded }: Pick<Desk, "loaded">, row: number): string {
  const { table, base, rules } = loaded;
  const reason = textAt(table.columns.get("reason"), row);
  if (reason === "") return "";
  const broken = base && loaded.whole ? brokenBy(table, rules, base, row) : undefined;
  return broken === undefined ? valueWords(reason) : `${valueWords(reason)}: ${brokenWords(broken)}`;
}

/** A value beside the threshold that it broke, in as many digits as tell them apart; votes that are equal lie on it. */
export function brokenWords({
  value,
  removes,
  threshold,
}: Pick<Broken, "value" | "removes" | "threshold">): string {
  if (threshold === null) return plain(value);
  if (value === threshold) return `${plain(value)}, a tie`;
  const [short, limit] = [plain(value), plain(threshold)];
  return `${short === limit ? value : short} ${removes === "below" ? "<" : ">"} ${limit}`;
}

/** What is recorded of a row, in a line. */
export function recordedOf({ loaded }: Pick<Desk, "loaded">, row: number): string {
  const { columns } = loaded.table;
  const words = ["gender", "age", "race", "gesture"].map((name) =>
    valueWords(textAt(columns.get(name), row)),
  );
  return words.filter((word) => word !== NOT_RECORDED).join(" · ") || "nothing recorded";
}
