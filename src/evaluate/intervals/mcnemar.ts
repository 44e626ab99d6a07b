// ◇ Browser-safe. McNemar's test of two models on the same images, and Holm's correction of several such tests.
// Sources: McNemar 1947, with the exact binomial under 25 discordant images and Edwards' continuity correction from
// there on; Holm 1979. McNemar takes images as independent: with several images a subject, prefer compare.ts.
import { unexpected } from "../../core/errors.ts";
import { normalCdf } from "./normal.ts";

/** Fewer discordant images than this: the exact test. */
export const EXACT_BELOW = 25;

/** McNemar's test. */
export interface McNemar {
  /** Images that only the first model decides as recorded. */
  readonly onlyFirst: number;
  /** Images that only the second model decides as recorded. */
  readonly onlySecond: number;
  /** Two-sided; 1 without discordant images. */
  readonly p: number;
  readonly method: "exact" | "chi-square";
}

/**
 * McNemar's test from its two discordant counts.
 *
 * @param onlyFirst - images right with the first model only, integer >= 0
 * @param onlySecond - images right with the second model only, integer >= 0
 * @throws AppError("input", "BAD_COUNT")
 * @example mcnemar(3, 12).p // .0352 (exact)
 */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  checkCount(onlyFirst);
  checkCount(onlySecond);
  const n = onlyFirst + onlySecond;
  const exact = n < EXACT_BELOW;
  const p = exact
    ? Math.min(1, 2 * binomialHalfCdf(Math.min(onlyFirst, onlySecond), n))
    : 2 * normalCdf(-Math.max(0, Math.abs(onlyFirst - onlySecond) - 1) / Math.sqrt(n));
  return { onlyFirst, onlySecond, p, method: exact ? "exact" : "chi-square" };
}

function checkCount(count: number): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw unexpected("input", {
    code: "BAD_COUNT",
    expected: "an integer from 0",
    name: "a discordant count",
    got: count,
  });
}

/** P(X <= k) for X binomial with n tries of probability 1/2. */
function binomialHalfCdf(k: number, n: number): number {
  let term = 0.5 ** n;
  let sum = term;
  for (let i = 0; i < k; i++) {
    term *= (n - i) / (i + 1);
    sum += term;
  }
  return sum;
}

/**
 * Holm's adjusted p values: the chance of any false rejection in the family stays below the level.
 *
 * @param ps - p values in [0, 1], in any order; at least one
 * @returns adjusted values in the same order
 * @throws AppError("input", "BAD_P")
 * @example holm([0.01, 0.04, 0.03]) // [.03, .06, .06]
 */
export function holm(ps: readonly number[]): number[] {
  const bad = ps.find((p) => !(p >= 0 && p <= 1));
  if (ps.length === 0 || bad !== undefined) {
    throw unexpected("input", {
      code: "BAD_P",
      expected: "at least one value, all from 0 to 1",
      name: "Holm's correction",
      got: bad ?? "none",
    });
  }
  const order = ps.map((_, i) => i).sort((a, b) => ps[a]! - ps[b]!);
  const adjusted = ps.map(() => 0);
  let highest = 0;
  order.forEach((i, rank) => {
    highest = Math.max(highest, Math.min(1, (ps.length - rank) * ps[i]!));
    adjusted[i] = highest;
  });
  return adjusted;
}
