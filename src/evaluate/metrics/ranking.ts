// ◇ Browser-safe. Metrics that follow from the order of the probabilities alone: areas under curves, and the equal
// error rate. Sources: scikit-learn's roc_auc_score (midranks), average_precision_score and roc_curve.
// Each is one merge of the two classes, both sorted; `null` unless both classes occur.
import type { Scores } from "./binary.ts";

/**
 * Area under the ROC curve: P(male's p > female's p) + P(equal) / 2, by merging the two sorted classes.
 *
 * @returns null unless both classes occur
 */
export function rocAucOf({ female, male }: Scores): number | null {
  if (female.length === 0 || male.length === 0) return null;
  let below = 0; // females with a smaller p
  let upTo = 0; // females with a smaller or equal p
  let twice = 0;
  for (const value of male) {
    while (below < female.length && female[below]! < value) below++;
    while (upTo < female.length && female[upTo]! <= value) upTo++;
    twice += below + upTo;
  }
  return twice / 2 / (female.length * male.length);
}

/**
 * Average precision with male as positive; images of one p enter together, as in scikit-learn.
 *
 * @returns null unless both classes occur
 */
export function prAucOf({ female, male }: Scores): number | null {
  if (female.length === 0 || male.length === 0) return null;
  let f = female.length;
  let m = male.length;
  let sum = 0;
  while (m > 0) {
    const value = male[m - 1]!;
    const before = m;
    while (m > 0 && male[m - 1] === value) m--;
    while (f > 0 && female[f - 1]! >= value) f--;
    const taken = male.length - m;
    sum += (before - m) * (taken / (taken + female.length - f));
  }
  return sum / male.length;
}

/**
 * Average precision with female as positive: the ranking from the smallest p on.
 *
 * @returns null unless both classes occur
 */
export function prAucFemaleOf({ female, male, ...rest }: Scores): number | null {
  return prAucOf({ ...rest, female: mirrored(male), male: mirrored(female) });
}

/** Ascending again; not 1 - p, which would make ties of tiny values. */
const mirrored = (values: Float64Array) => values.map((value) => -value).reverse();

/**
 * Equal error rate: where the ROC curve, linear between its points, has as many recorded males decided female as
 * recorded females decided male, each as a share of its class.
 *
 * @returns in [0, 1]; null unless both classes occur
 */
export function eerOf({ female, male }: Scores): number | null {
  if (female.length === 0 || male.length === 0) return null;
  let f = female.length; // below the threshold
  let m = male.length;
  let rate = 0; // of females above it, before this threshold
  let excess = -1; // rate - share of males below it
  for (;;) {
    const value = Math.max(
      female[f - 1] ?? Number.NEGATIVE_INFINITY,
      male[m - 1] ?? Number.NEGATIVE_INFINITY,
    );
    while (f > 0 && female[f - 1] === value) f--;
    while (m > 0 && male[m - 1] === value) m--;
    const next = 1 - f / female.length;
    const above = next - m / male.length;
    if (above >= 0) return rate + (next - rate) * (-excess / (above - excess));
    [rate, excess] = [next, above];
  }
}
