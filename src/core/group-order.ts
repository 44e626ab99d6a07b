// The order in which recorded groups stand in tables: ages by age, everything else by name. Browser-safe.
// Ages as the sources write them: `20-29`, `70+`, `more than 70`, `under 10`, `<18`, `34`; other text has no place in it.

/** Ages in whole years, both ends included. */
export interface AgeRange {
  readonly low: number;
  readonly high: number;
}

const AGES: readonly [RegExp, (a: number, b: number) => AgeRange][] = [
  [/^(\d+) ?(?:-|–|to) ?(\d+)$/, (low, high) => ({ low, high })],
  [/^(\d+) ?\+$/, (low) => ({ low, high: Number.POSITIVE_INFINITY })],
  [/^(?:more than|over|above|>) ?(\d+)$/, (low) => ({ low: low + 1, high: Number.POSITIVE_INFINITY })],
  [/^(?:less than|under|below|<) ?(\d+)$/, (high) => ({ low: 0, high: high - 1 })],
  [/^(\d+)$/, (low) => ({ low, high: low })],
];

/**
 * The ages that a group of ages stands for.
 *
 * @returns undefined for text that is no age
 * @example ageRange("20-29") // { low: 20, high: 29 }
 */
export function ageRange(text: string): AgeRange | undefined {
  for (const [pattern, range] of AGES) {
    const found = pattern.exec(text.trim().toLowerCase());
    if (found !== null) return range(Number(found[1]), Number(found[2]));
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
  const [x, y] = [ageRange(a), ageRange(b)];
  if (x !== undefined && y !== undefined && (x.low !== y.low || x.high !== y.high)) {
    return x.low === y.low ? compareNumbers(x.high, y.high) : compareNumbers(x.low, y.low);
  }
  if ((x === undefined) !== (y === undefined)) return x === undefined ? 1 : -1;
  return a < b ? -1 : 1;
}

const compareNumbers = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0);
