import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { agreementOf, figuresOf, type Rated } from "./agreement.ts";

/** Columns of text, one row an annotator; `.` is missing. */
const ratings = (...rows: readonly string[]): Rated[] =>
  rows[0]!.split(" ").map((_, thing) => ({
    subject: `s${thing}`,
    answers: rows.map((row) => (row.split(" ")[thing] === "." ? undefined : row.split(" ")[thing])),
  }));

describe("figures", () => {
  it("are those of Krippendorff's worked examples (2011)", () => {
    const binary = ratings("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0");
    const nominal = ratings("a a b b d c c c e d d a", "b a b b b c c c e d d d");
    const many = ratings(
      "1 2 3 3 2 1 4 1 2 . . .",
      "1 2 3 3 2 2 4 1 2 5 . 3",
      ". 3 3 3 2 3 4 2 2 5 1 .",
      "1 2 3 3 2 4 4 1 2 5 1 .",
    );
    expect(figuresOf(binary).alpha).toBeCloseTo(0.095, 3);
    expect(figuresOf(nominal).alpha).toBeCloseTo(0.692, 3);
    expect(figuresOf(many).alpha).toBeCloseTo(0.743, 3);
  });

  it("give the kappa of a table by hand: 20 and 15 alike, 5 and 10 apart", () => {
    const of = (n: number, a: string, b: string) =>
      Array.from({ length: n }, (_, i) => ({ subject: `${a}${b}${i}`, answers: [a, b] }));
    const things = [
      ...of(20, "yes", "yes"),
      ...of(5, "yes", "no"),
      ...of(10, "no", "yes"),
      ...of(15, "no", "no"),
    ];
    expect(figuresOf(things).percent).toBeCloseTo(0.7, 12);
    expect(figuresOf(things).kappa).toBeCloseTo(0.4, 12);
  });

  const golden = JSON.parse(
    readFileSync(new URL("../../test/parity/goldens/audit.json", import.meta.url), "utf8"),
  ) as { cases: { answers: (number | null)[][]; alpha: number; kappa: number | null }[] };
  it.each(golden.cases)(
    "are those of krippendorff and scikit-learn, case %#",
    ({ answers, alpha, kappa }) => {
      const things = answers.map((row, i) => ({
        subject: `s${i}`,
        answers: row.map((value) => (value === null ? undefined : String(value))),
      }));
      expect(figuresOf(things).alpha).toBeCloseTo(alpha, 10);
      if (kappa === null) expect(figuresOf(things).kappa).toBeNull();
      else expect(figuresOf(things).kappa).toBeCloseTo(kappa, 10);
    },
  );

  it("are not defined where chance alone would give them, or nobody answered twice", () => {
    expect(figuresOf(ratings("a a a", "a a a"))).toEqual({ percent: 1, kappa: null, alpha: null });
    expect(figuresOf(ratings("a b .", ". . c"))).toEqual({ percent: null, kappa: null, alpha: null });
  });
});

describe("intervals", () => {
  const options = { replicates: 400, seed: 1, level: 0.95 };

  it("count subjects, not their pairs", () => {
    const things = ratings("a b a b a b a b", "a b a a b b a b");
    const often = Array.from({ length: 40 }, (_, i) => things[i % 8]!);
    const few = agreementOf(things, options);
    const many = agreementOf(often, options);
    expect(many).toMatchObject({ things: 40, subjects: 8 });
    expect(many.percent.high! - many.percent.low!).toBeCloseTo(few.percent.high! - few.percent.low!, 1);
    const apart = often.map((one, i) => ({ ...one, subject: `other${i}` }));
    const wide = agreementOf(apart, options).percent;
    expect(wide.high! - wide.low!).toBeLessThan(0.7 * (many.percent.high! - many.percent.low!));
  });

  it("claim no certainty where all agree", () => {
    const { percent, alpha } = agreementOf(ratings("a b a b a b", "a b a b a b"), options);
    expect(percent).toMatchObject({ estimate: 1, method: "wilson", high: 1 });
    expect(percent.low).toBeLessThan(0.7);
    expect(alpha).toMatchObject({ estimate: 1, low: null, high: null, method: "none" });
  });

  it("are none of one subject", () => {
    const things = ratings("a b", "a a").map((one) => ({ ...one, subject: "only" }));
    expect(agreementOf(things, options)).toMatchObject({
      subjects: 1,
      percent: { estimate: 0.5, low: null },
    });
  });
});
