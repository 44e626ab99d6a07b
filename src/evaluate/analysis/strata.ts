// ◇ Browser-safe. What recorded groups are compared within: one modality, and one source where sources record other
// vocabularies. A rate of "20-29" over hands and faces together reflects how many of each there are (Simpson 1951), and
// UTKFace's races are no skin tones of 11K Hands. Invariant: every row is in one stratum.

import { ageRange, hasOwnRaces, overlappingAges } from "../../core/vocabulary.ts";
import { MODALITIES } from "../../core/words.ts";

/** Fields that groups are computed within, never pooled over. */
const WITHIN = ["modality", "source"] as const;

/** Rows that groups may be compared among. */
export interface Stratum<R> {
  /** E.g. `{ modality: "face" }`, or `{ modality: "face", source: "utkface" }`. */
  readonly within: Readonly<Record<string, string>>;
  readonly rows: readonly R[];
}

type Row = Readonly<Record<"modality" | "source", string>>;
type Field = (row: Row, key: string) => string;
const field: Field = (row, key) => (row as unknown as Readonly<Record<string, string>>)[key] ?? "";

/**
 * The keys that are left to compare: modality and source are what others are computed within, and keys themselves only
 * where nothing else is asked for.
 *
 * @example groupKeys(["race", "age", "modality"]) // ["race", "age"]
 */
export function groupKeys(keys: readonly string[]): readonly string[] {
  const rest = keys.filter((key) => !(WITHIN as readonly string[]).includes(key));
  return rest.length === 0 ? keys : rest;
}

/**
 * Divides rows into strata for one set of keys: by modality in flag order, then by source where two sources record
 * values of a key that neither's vocabulary holds all of, or where `source` is one of the keys.
 *
 * @returns strata in which some row has every key recorded
 * @example strata(rows, ["race"]).map(({ within }) => within.source)
 */
export function strata<R extends Row>(rows: readonly R[], keys: readonly string[]): Stratum<R>[] {
  const left = groupKeys(keys);
  const parts = left.includes("modality")
    ? [{ within: {}, rows }]
    : divide({ within: {}, rows }, "modality", MODALITIES);
  return parts
    .flatMap((part) => {
      const wanted = keys.includes("source") || left.some((key) => vocabulariesDiffer(part.rows, key));
      const sources = [...new Set(part.rows.map(({ source }) => source))].sort();
      return wanted && !left.includes("source") ? divide(part, "source", sources) : [part];
    })
    .filter((part) => part.rows.some((row) => left.every((key) => field(row, key) !== "")));
}

function divide<R extends Row>(
  { within, rows }: Stratum<R>,
  by: (typeof WITHIN)[number],
  values: readonly string[],
): Stratum<R>[] {
  return values.flatMap((value) => {
    const own = rows.filter((row) => row[by] === value);
    return own.length === 0 ? [] : [{ within: { ...within, [by]: value }, rows: own }];
  });
}

/**
 * Whether two sources record a field in other words: races by source, as the vocabulary has them; ages where two groups
 * overlap; anything else where neither source's values hold all of the other's.
 */
function vocabulariesDiffer(rows: readonly Row[], key: string): boolean {
  if ((WITHIN as readonly string[]).includes(key)) return false;
  const bySource = new Map<string, Set<string>>();
  for (const row of rows) {
    const value = field(row, key);
    if (value === "") continue;
    bySource.set(row.source, (bySource.get(row.source) ?? new Set()).add(value));
  }
  if (bySource.size < 2) return false;
  if (key === "race" && [...bySource.keys()].some(hasOwnRaces)) return true;
  const sets = [...bySource.values()];
  const values = [...new Set(sets.flatMap((own) => [...own]))];
  if (values.every((value) => ageRange(value) !== undefined)) return overlappingAges(values) !== undefined;
  const holds = (one: ReadonlySet<string>, other: ReadonlySet<string>) =>
    [...other].every((value) => one.has(value));
  return sets.some((one, i) => sets.slice(i + 1).some((other) => !holds(one, other) && !holds(other, one)));
}

/**
 * What a table is within, in words.
 *
 * @example withinWords({ modality: "face", source: "utkface" }) // "faces of utkface"
 */
export function withinWords({ modality, source }: Readonly<Record<string, string>>): string {
  const images = modality === undefined ? "images" : `${modality}s`;
  if (source !== undefined) return `${images} of ${source}`;
  return modality === undefined ? "all images" : images;
}

/**
 * The same as part of a file's name.
 *
 * @example withinId({ modality: "face", source: "utkface" }) // "face-utkface"
 */
export const withinId = ({ modality, source }: Readonly<Record<string, string>>) =>
  [modality, source]
    .filter((part) => part !== undefined)
    .join("-")
    .replace(/[^A-Za-z0-9_-]+/g, "-") || "all";
