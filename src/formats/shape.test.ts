// Shapes against the same schemas of zod/mini: what passes, what is handed on, and what is said of the rest.
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { type Shape, safeParse, schemaFault, schemaOf } from "../core/schema.ts";
import * as shape from "./shape.ts";

const VALUES: readonly unknown[] = [
  ...[undefined, null, true, "", "a", "b", 0, -0, 1, -1, 2.5, 3, 1e300, Number.NaN, Number.POSITIVE_INFINITY],
  ...[2 ** 53, -(2 ** 53), [], [1], [1, 2], [1, 2, 3], ["a"], ["a", "a"], ["a", "b"], [[1]], [2.5, "x"]],
  ...[{}, { a: 1 }, { a: "x" }, { a: 1, b: "y" }, { a: 1, b: 2 }, { b: "y", a: 1 }, { a: 1, c: 3 }, { A: 1 }],
  ...[{ a: 1, b: undefined }, { a: null }, { a: { a: 1 } }, { x: "y", z: "w" }, { x: 1 }],
];
const once = (names: readonly string[]) => new Set(names).size === names.length;

const CASES: readonly (readonly [string, Shape<unknown>, z.ZodMiniType])[] = [
  ["text", shape.text(), z.string()],
  ["text, longer", shape.text(shape.longer(1)), z.string().check(z.minLength(1))],
  ["truth", shape.truth, z.boolean()],
  ["a number", shape.number(), z.number()],
  ["within", shape.number(shape.least(0), shape.most(1)), z.number().check(z.gte(0), z.lte(1))],
  ["above", shape.number(shape.above(0)), z.number().check(z.positive())],
  ["whole", shape.whole(), z.int()],
  ["whole, least", shape.whole(shape.least(0)), z.int().check(z.nonnegative())],
  ["one of words", shape.oneOf("a", "c"), z.enum(["a", "c"])],
  ["one value", shape.oneOf(1), z.literal(1)],
  ["or null", shape.orNull(shape.oneOf("a")), z.nullable(z.enum(["a"]))],
  ["a list", shape.list(shape.number(), shape.shorter(2)), z.array(z.number()).check(z.maxLength(2))],
  [
    "a list, each once",
    shape.list(shape.text(), shape.longer(2), shape.that(once, "expected each once")),
    z.array(z.string()).check(z.minLength(2), z.refine(once, "expected each once")),
  ],
  ["a tuple", shape.tuple<[number, number]>(shape.number(), 2), z.tuple([z.number(), z.number()])],
  ["a record", shape.record(shape.text()), z.record(z.string(), z.string())],
  [
    "an object",
    shape.object({ a: shape.whole(), b: shape.optional(shape.text()) }),
    z.strictObject({ a: z.int(), b: z.optional(z.string()) }),
  ],
  [
    "an object in an object",
    shape.object({ a: shape.object({ a: shape.whole(shape.least(1)) }) }),
    z.strictObject({ a: z.strictObject({ a: z.int().check(z.gte(1)) }) }),
  ],
  ["anything", shape.anything, z.unknown()],
];

describe("a shape finds what the schema library finds", () => {
  it.each(CASES)("%s", (_, own, library) => {
    let passed = 0;
    for (const value of VALUES) {
      const [mine, theirs] = [safeParse(own, value), safeParse(library, value)];
      expect(mine.success, JSON.stringify(value)).toBe(theirs.success);
      if (mine.success && theirs.success) {
        passed++;
        expect(mine.data).toStrictEqual(theirs.data);
        expect(JSON.stringify(mine.data)).toBe(JSON.stringify(theirs.data)); // in the same order
      } else expect(schemaFault(mine.error!, value)).toEqual(schemaFault(theirs.error!, value));
      const held = safeParse(z.array(schemaOf(own)), [value]);
      expect(held.success).toBe(theirs.success);
      if (!held.success)
        expect(schemaFault(held.error, [value])).toEqual(
          schemaFault(safeParse(z.array(library), [value]).error!, [value]),
        );
    }
    expect(passed).toBeGreaterThan(0);
  });
});
