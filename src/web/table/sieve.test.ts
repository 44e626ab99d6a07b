import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BINS, binned, binRange, MISSING_BIN } from "./bins.ts";
import { formatInterval, parseInterval } from "./choose.ts";
import { jointCounts } from "./joint.ts";
import { grouped, orderBy, passingIn } from "./order.ts";
import { amongCodes, between, marked, Sieve } from "./sieve.ts";

const rows = fc.array(
  fc.record({
    a: fc.nat(3),
    b: fc.nat(2),
    x: fc.oneof(fc.double({ noNaN: false }), fc.constantFrom(0, -0, 1, 2)),
  }),
  { maxLength: 60 },
);

describe("Sieve", () => {
  it("counts each column by all filters but its own, as a filter of rows does", () => {
    fc.assert(
      fc.property(
        rows,
        fc.subarray([0, 1, 2, 3]),
        fc.subarray([0, 1, 2]),
        fc.boolean(),
        (list, as, bs, ranged) => {
          const [a, b] = [Uint8Array.from(list, (row) => row.a), Uint8Array.from(list, (row) => row.b)];
          const x = Float64Array.from(list, (row) => row.x);
          const sieve = new Sieve(list.length);
          sieve.set("gone", marked(new Uint8Array(list.length))); // nothing of it is left in the others
          sieve.set("a", amongCodes(a, 4, as));
          sieve.set("b", amongCodes(b, 3, bs));
          if (ranged) sieve.set("x", between(x, 0, 1));
          sieve.set("gone", undefined);
          const inX = (row: (typeof list)[number]) => !ranged || (row.x >= 0 && row.x <= 1);
          const passing = list.flatMap((row, i) =>
            as.includes(row.a) && bs.includes(row.b) && inX(row) ? [i] : [],
          );
          expect([...sieve.passing()]).toEqual(passing);
          const counts = [0, 1, 2, 3].map(
            (code) => list.filter((row) => row.a === code && bs.includes(row.b) && inX(row)).length,
          );
          expect([...sieve.count(a, 4, "a")]).toEqual(counts);
          expect(sieve.different(b, 3)).toBe(
            new Set(passing.map((i) => b[i]).filter((code) => code !== 0)).size,
          );
        },
      ),
    );
  });
});

describe("orderBy", () => {
  it("is a stable sort with missing numbers last in both directions", () => {
    fc.assert(
      fc.property(rows, fc.boolean(), (list, descending) => {
        const values = Float64Array.from(list, (row) => row.x);
        const sign = descending ? -1 : 1;
        const expected = [...values.keys()].sort((i, k) => {
          const [p, q] = [values[i]!, values[k]!];
          if (Number.isNaN(p) || Number.isNaN(q))
            return Number(Number.isNaN(p)) - Number(Number.isNaN(q)) || i - k;
          return sign * (p < q ? -1 : p > q ? 1 : 0) || i - k;
        });
        expect([...orderBy({ kind: "numbers", values }, descending)]).toEqual(expected);
      }),
    );
  });

  it("sorts words by their code, missing ones last", () => {
    const column = { kind: "words", codes: Uint8Array.of(2, 0, 1, 2), words: ["", "a", "b"] } as const;
    expect([...orderBy(column, false)]).toEqual([2, 0, 3, 1]);
    expect([...orderBy(column, true)]).toEqual([0, 3, 2, 1]);
  });

  it("keeps what passes, and puts groups together in the order of their first row", () => {
    const sieve = new Sieve(5);
    sieve.set("f", marked(Uint8Array.of(1, 1, 0, 1, 1)));
    const shown = passingIn(Uint32Array.of(4, 3, 2, 1, 0), sieve);
    expect([...shown]).toEqual([4, 3, 1, 0]);
    expect([...grouped(shown, [7, 1, 1, 1, 7], 8)]).toEqual([4, 0, 3, 1]);
  });
});

describe("binned", () => {
  it("puts every number into a bin whose values it lies in, far ones at the ends", () => {
    const values = Float64Array.from({ length: 4000 }, (_, i) =>
      i === 0 ? 1e6 : i === 1 ? Number.NaN : i % 100,
    );
    const found = binned(values)!;
    expect(found).toMatchObject({ low: 0, high: 99, least: 0, most: 1e6, missing: 1 });
    expect([found.bins[0], found.bins[1]]).toEqual([BINS - 1, MISSING_BIN]);
    for (let i = 2; i < values.length; i++) {
      const [from, to] = binRange(found, found.bins[i]!);
      expect(values[i]! >= from - 1e-9 && values[i]! <= to + 1e-9).toBe(true);
    }
  });

  it("has none where nothing is measured, and one bin where all are alike", () => {
    expect(binned(Float64Array.of(Number.NaN))).toBeUndefined();
    expect([...binned(Float64Array.of(3, 3))!.bins]).toEqual([0, 0]);
  });
});

describe("jointCounts", () => {
  it("counts pairs and different subjects of each cell", () => {
    const words = (codes: number[]) =>
      ({ kind: "words", codes: Uint8Array.from(codes), words: ["", "x", "y"] }) as const;
    const cells = jointCounts(
      Uint32Array.of(0, 1, 2, 3),
      words([1, 1, 1, 2]),
      words([2, 2, 2, 0]),
      words([1, 1, 2, 0]),
    );
    expect(cells[1]![2]).toEqual({ pairs: 3, subjects: 2 });
    expect(cells[2]![0]).toEqual({ pairs: 1, subjects: 0 });
  });
});

describe("intervals", () => {
  it.each([
    ["28..60", [28, 60]],
    ["..0.5", [Number.NEGATIVE_INFINITY, 0.5]],
    ["-1e-3..", [-0.001, Number.POSITIVE_INFINITY]],
  ] as const)("are read and written: %s", (text, interval) => {
    expect(parseInterval(text)).toEqual(interval);
    expect(parseInterval(formatInterval(interval))).toEqual(interval);
  });

  it.each(["..", "5", "a..b", undefined, "1..2..3", "-..3"])("are none: %s", (text) => {
    expect(parseInterval(text)).toBeUndefined();
  });
});
