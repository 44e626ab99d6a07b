import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seedSummary } from "../../evaluate/intervals/seeds.ts";
import { auditRow, printed } from "./audit.ts";

const verdicts = (row: Parameters<typeof auditRow>[0]) =>
  Object.fromEntries(auditRow(row).map(({ what, consistent }) => [what, consistent]));

describe("published figures", () => {
  test("upstream's best UMCC: ddof 1 fits; the mean does not follow from the rounded values, but may from others", () => {
    const findings = auditRow({ values: ["0.9100", "0.9085", "0.9137"], mean: "0.9108", std: "0.0027" });
    expect(findings.map(({ what, consistent }) => [what, consistent])).toEqual([
      ["mean of the printed values", false],
      ["mean", true],
      ["std, ddof 1", true],
      ["std, ddof 0", false],
    ]);
    expect(findings[0]!.expected).toContain("rounded 0.9107");
  });

  test("an impossible mean is one for every choice within the rounding", () => {
    expect(verdicts({ values: ["0.91", "0.92"], mean: "0.925" })).toMatchObject({ mean: false });
    expect(verdicts({ values: ["0.91", "0.92"], mean: "0.919" })).toMatchObject({ mean: true });
  });

  test("GRIM: an accuracy of n images is a whole number of them", () => {
    expect(auditRow({ values: ["0.33"], n: 3 })[0]).toMatchObject({
      what: "accuracy of n",
      consistent: true,
    });
    expect(auditRow({ values: ["0.35"], n: 3 })[0]).toMatchObject({
      consistent: false,
      expected: "0.3333 or 0.6667",
    });
    expect(auditRow({ values: ["1.00"], n: 7 })[0]).toMatchObject({ consistent: true });
  });

  test("figures of real values are never called inconsistent, however they were rounded", () => {
    const value = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 1, max: 5 }),
        (values, digits) => {
          const { mean, std } = seedSummary(values);
          const text = (x: number) => x.toFixed(digits);
          const found = verdicts({ values: values.map(text), mean: text(mean), std: text(std!) });
          expect(found).toMatchObject({ mean: true, "std, ddof 1": true });
        },
      ),
    );
  });

  test.each(["", "91 %", "1e-3", "nan"])("%j is no printed number", (text) => {
    expect(() => printed(text)).toThrowError(/Expected a decimal number as it was printed/);
  });

  test("refuses nothing, and half an image", () => {
    expect(() => auditRow({ values: [] })).toThrowError("Expected at least one value for a row");
    expect(() => auditRow({ values: ["0.5"], n: 0.5 })).toThrowError("for the number of images, got 0.5");
  });
});
