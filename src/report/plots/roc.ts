// ◇ Browser-safe. The points of a ROC curve. Source: scikit-learn's roc_curve: images of one probability enter together.
import { scores } from "../../evaluate/metrics/binary.ts";

/** One threshold: shares of the recorded females and of the recorded males that are decided male. */
export interface RocPoint {
  readonly fpr: number;
  readonly tpr: number;
}

/**
 * ROC curve from (0, 0) to (1, 1), one point a distinct probability.
 *
 * @param y - targets, 0 female or 1 male; both must occur
 * @param p - probabilities of male
 * @throws AppError("input", ...) for arrays of other lengths or values
 * @example rocPoints([0, 1], [0.2, 0.9]) // [(0, 0), (0, 1), (1, 1)]
 */
export function rocPoints(y: ArrayLike<number>, p: ArrayLike<number>): RocPoint[] {
  const { female, male } = scores(y, p);
  const thresholds = [...new Set([...female, ...male])].sort((a, b) => b - a);
  let females = 0;
  let males = 0;
  // Both are sorted ascending, so walk them from their ends.
  const points = thresholds.map((threshold) => {
    while (females < female.length && female[female.length - 1 - females]! >= threshold) females++;
    while (males < male.length && male[male.length - 1 - males]! >= threshold) males++;
    return { fpr: females / female.length, tpr: males / male.length };
  });
  return [{ fpr: 0, tpr: 0 }, ...points];
}
