import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { holm, mcnemar } from "./mcnemar.ts";

const golden = JSON.parse(
  readFileSync(new URL("../../../test/parity/goldens/evaluate.json", import.meta.url), "utf8"),
) as { mcnemar: { b: number; c: number; p: number }[]; holm: { ps: number[]; adjusted: number[] }[] };

describe("McNemar", () => {
  test.each(golden.mcnemar)("$b against $c as in statsmodels", ({ b, c, p }) => {
    expect(mcnemar(b, c).p).toBeCloseTo(p, 12);
    expect(mcnemar(c, b).p).toBeCloseTo(p, 12);
    expect(mcnemar(b, c).method).toBe(b + c < 25 ? "exact" : "chi-square");
  });

  test("equal counts say nothing", () => {
    expect(mcnemar(0, 0).p).toBe(1);
    expect(mcnemar(200, 200).p).toBe(1);
  });

  test.each([-1, 0.5, Number.NaN])("refuses %d images", (count) => {
    expect(() => mcnemar(count, 2)).toThrowError(
      `Expected an integer from 0 for a discordant count, got ${count}`,
    );
  });
});

describe("Holm", () => {
  test.each(golden.holm)("$ps as in statsmodels", ({ ps, adjusted }) => {
    holm(ps).forEach((p, i) => {
      expect(p).toBeCloseTo(adjusted[i]!, 14);
    });
  });

  test("refuses what is no p value", () => {
    expect(() => holm([0.5, 1.5])).toThrowError(
      "Expected at least one value, all from 0 to 1 for Holm's correction, got 1.5",
    );
    expect(() => holm([])).toThrowError('got "none"');
    expect(() => holm([Number.NaN])).toThrowError("got NaN");
  });
});
