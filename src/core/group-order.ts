// ◇ Browser-safe. The order in which recorded groups stand in tables: ages by age, everything else by name.
// Ages are read by their one parser (vocabulary); a column from elsewhere may also have `<18` or `more than 70`.
import { ageRange } from "./vocabulary.ts";

/** Open ends as others write them, with where they stand: the years below or above a limit. */
const OPEN: readonly [RegExp, (limit: number) => readonly [number, number]][] = [
  [/^(?:more than|over|above|>=?|≥) ?(\d+)$/i, (limit) => [limit, Number.POSITIVE_INFINITY]],
  [/^(?:less than|under|below|<=?|≤) ?(\d+)$/i, (limit) => [Number.NEGATIVE_INFINITY, limit]],
];

/** Where a value stands among ages; undefined for what is no age. */
function placeOf(text: string): readonly [number, number] | undefined {
  const range = ageRange(text);
  if (range !== undefined) return range;
  for (const [pattern, place] of OPEN) {
    const found = pattern.exec(text);
    if (found !== null) return place(Number(found[1]));
  }
  return undefined;
}

/**
 * Compares two recorded values of one field for sorting: ages by their lower end, then their upper one; others by code
 * unit, after the ages; what is not recorded (the empty string) last.
 *
 * @example ["70+", "", "9", "10-19"].sort(compareGroupValues) // ["9", "10-19", "70+", ""]
 */
export function compareGroupValues(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "" || b === "") return a === "" ? 1 : -1;
  const [x, y] = [placeOf(a), placeOf(b)];
  if ((x === undefined) !== (y === undefined)) return x === undefined ? 1 : -1;
  if (x !== undefined && y !== undefined) {
    for (const k of [0, 1] as const) if (x[k] !== y[k]) return x[k] < y[k] ? -1 : 1;
  }
  return a < b ? -1 : 1;
}
