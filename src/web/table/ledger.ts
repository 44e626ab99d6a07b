// ◇ Browser-safe. Which columns the page reads of a dataset's tables, and as what: of a ledger, or of the tables of pairs where there
// is none.
// Invariants: both give the same names, so that views ask nothing about where a column came from; what is read first is what
// the grid and its facets need, then what histograms need, and the rest of a single row when it is asked for.
import { LEDGER_COLUMNS, LEDGER_SCHEMA, type LedgerColumn, MEASURES } from "../../dataset/ledger-columns.ts";
import type { ColumnKind } from "./column.ts";

/** What the page shows of a column that has few words. */
interface FacetKind {
  readonly name: string;
  readonly title: string;
  /** The frames that can have a value at all; of all others none is missing. */
  readonly of?: "kept" | "removed" | undefined;
  /** What no value means; if left out, that nothing was recorded. */
  readonly none?: string | undefined;
}

/** Columns of facets, in their order in the page. */
export const FACETS = [
  { name: "status", title: "Kept or removed" },
  { name: "reason", title: "Removed because", of: "removed" },
  { name: "split", title: "Split", of: "kept" },
  { name: "gender", title: "Recorded gender", of: "kept" },
  { name: "age", title: "Recorded age" },
  { name: "race", title: "Recorded race or skin tone" },
  { name: "gesture", title: "Gesture" },
  { name: "hand_from", title: "Hand cut by", none: "not cut" },
  { name: "decision", title: "Decision", none: "none" },
  { name: "overruled", title: "Kept against the rule", none: "none" },
  { name: "copies", title: "Near-duplicates", none: "none found" },
  { name: "votes", title: "Subject's recorded genders" },
] as const satisfies readonly FacetKind[];
export type FacetName = (typeof FACETS)[number]["name"];

/** The facet of a column, if it is one. */
export const facetOf = (name: string): FacetKind | undefined => FACETS.find((one) => one.name === name);

/** Columns of histograms, in their order in the page. */
export const HISTOGRAMS = ["face_score", ...MEASURES, "gender_agreement", "twin_bits"] as const;
export type HistogramName = (typeof HISTOGRAMS)[number];

/** Read before anything is shown: what tiles say, and the facets that are seen first. */
export const FIRST: readonly LedgerColumn[] = [
  ...(["image_id", "status", "reason", "split", "gender", "age", "race", "gesture"] as const),
];

/** Read after that. */
export const SECOND: readonly LedgerColumn[] = [
  ...(["user_id", "hand_from", "decision", "overruled"] as const),
  ...HISTOGRAMS,
  ...(["gender_votes", "gender_entries", "twin"] as const),
];

/** Texts that rarely repeat. */
const TEXTS: readonly string[] = [
  "id",
  ...[
    "image_id",
    "detail",
    "decided_why",
    ...["face_box", "face_square", "face_points"],
    ...["hand_box", "hand_square", "hand_points"],
    "twin",
    "sha256",
    "hand_picture",
    "face_picture",
  ],
];

/** Numbers of predictions. */
const NUMBERS: readonly string[] = ["probability", "target"];

/** What a column is read as. */
export function kindOf(name: string): ColumnKind {
  if (name === "look") return "hashes";
  if (TEXTS.includes(name)) return "texts";
  if (NUMBERS.includes(name)) return "numbers";
  const type = (LEDGER_SCHEMA as Readonly<Record<string, string>>)[name];
  return type === undefined || type.startsWith("string") ? "words" : "numbers";
}

/** Whether a ledger has columns of this name. */
export const isLedgerColumn = (name: string): name is LedgerColumn =>
  (LEDGER_COLUMNS as readonly string[]).includes(name);

/** Tables of pairs by the names of a ledger. */
export const PAIR_COLUMNS: Readonly<Record<string, string>> = {
  id: "image_id",
  user_id: "user_id",
  age: "age",
  gender: "gender",
  race: "race",
  labels: "gesture",
  hand_image_name: "hand_picture",
  face_image_name: "face_picture",
};
