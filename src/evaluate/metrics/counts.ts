// ◇ Browser-safe. Figures of the four counts of decisions against records.
// Source: scikit-learn's definitions; null where a denominator is empty.
import { ratio } from "./binary.ts";

/** Decisions against targets; "positive" is male. */
export interface Confusion {
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly trueNegative: number;
  readonly falseNegative: number;
}

/** How many images. */
export const total = (c: Confusion) => c.truePositive + c.trueNegative + (c.falsePositive + c.falseNegative);
const wrong = (c: Confusion) => c.falsePositive + c.falseNegative;
/** Share of the images recorded as female that are decided so. */
export const tprFemale = (c: Confusion) => ratio(c.trueNegative, c.trueNegative + c.falsePositive);
/** Share of the images recorded as male that are decided so. */
export const tprMale = (c: Confusion) => ratio(c.truePositive, c.truePositive + c.falseNegative);
/** F1 with male as positive. */
export const f1Male = (c: Confusion) => ratio(2 * c.truePositive, 2 * c.truePositive + wrong(c));
/** F1 with female as positive. */
export const f1Female = (c: Confusion) => ratio(2 * c.trueNegative, 2 * c.trueNegative + wrong(c));

/** Males' share minus females'; null unless both classes occur. */
export function tprGap(c: Confusion): number | null {
  const [female, male] = [tprFemale(c), tprMale(c)];
  return male === null || female === null ? null : male - female;
}

/** Matthews' correlation; null unless both classes are recorded and decided. */
export function mccOf({
  truePositive,
  falsePositive,
  trueNegative,
  falseNegative,
}: Confusion): number | null {
  const recordedMale = truePositive + falseNegative;
  const recordedFemale = trueNegative + falsePositive;
  const scale =
    recordedMale * recordedFemale * (truePositive + falsePositive) * (trueNegative + falseNegative);
  return ratio(truePositive * trueNegative - falsePositive * falseNegative, Math.sqrt(scale));
}

/** Cohen's kappa; null if records and decisions are all of one and the same class. */
export function kappaOf({
  truePositive,
  falsePositive,
  trueNegative,
  falseNegative,
}: Confusion): number | null {
  const n = truePositive + falsePositive + trueNegative + falseNegative;
  const byChance =
    (truePositive + falseNegative) * (truePositive + falsePositive) +
    (trueNegative + falsePositive) * (trueNegative + falseNegative);
  return ratio(n * (truePositive + trueNegative) - byChance, n * n - byChance);
}

/** Null if either is. */
export function mean(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : (a + b) / 2;
}
