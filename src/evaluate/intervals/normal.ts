// ◇ Browser-safe. The normal distribution, as far as intervals need it.
// Source: the everywhere convergent series of erf (Abramowitz and Stegun 7.1.6), inverted by Newton's method.
import { unexpected } from "../../core/errors.ts";

/** Standard normal distribution function, to about 1e-15 for |z| <= 6. */
export function normalCdf(z: number): number {
  if (Math.abs(z) > 9) return z > 0 ? 1 : 0;
  let term = z;
  let sum = z;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) {
    term *= (z * z) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

/**
 * Half width, in standard errors, of a two-sided normal interval.
 *
 * @param level - coverage, .5 to .9999
 * @throws AppError("input", "BAD_LEVEL")
 * @example criticalValue(0.95) // 1.959963984540054
 */
export function criticalValue(level: number): number {
  checkLevel(level);
  return normalQuantile((1 + level) / 2);
}

/**
 * Quantile of the standard normal distribution above its median.
 *
 * @param target - in (.5, 1)
 * @example normalQuantile(0.8) // .8416
 */
export function normalQuantile(target: number): number {
  let z = 2;
  for (let i = 0; i < 50; i++) {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    const step = (normalCdf(z) - target) / density;
    // Halved where Newton would leave the half line on which the function is concave.
    z = z - step > 0 ? z - Math.min(step, 1) : z / 2;
    if (Math.abs(step) < 1e-14) break;
  }
  return z;
}

/** Checks the coverage asked of an interval. */
export function checkLevel(level: number): number {
  if (level >= 0.5 && level <= 0.9999) return level;
  throw unexpected("input", {
    code: "BAD_LEVEL",
    expected: "a number from .5 to .9999",
    name: "the confidence level",
    got: level,
  });
}
