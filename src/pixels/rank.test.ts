import fc from "fast-check";
import { expect, it } from "vitest";
import { valueAtRank } from "./rank.ts";

it("is what sorting gives, with ties, at every rank", () => {
  const value = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.25, 0.2501, 1));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), (list) => {
      const values = Float64Array.from(list);
      const sorted = values.slice().sort();
      for (const [rank, expected] of sorted.entries()) {
        const below = list.filter((v) => v < expected).length;
        expect(valueAtRank(values, rank, 1)).toEqual({ value: expected, below });
      }
    }),
    { numRuns: 100 },
  );
});
