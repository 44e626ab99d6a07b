import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AppError } from "../core/errors.ts";
import { type Literal, readLiteral, writeLiteral } from "./python-literal.ts";

describe("Python literals", () => {
  test.each<[string, Literal]>([
    ["{'mean_acc': 0.9108, 'flag_on': True}", { mean_acc: 0.9108, flag_on: true }],
    ["{\"a\": None, 'b': [1, -2.5, 3e-4,], }", { a: null, b: [1, -2.5, 3e-4] }],
    ["('x',)", ["x"]],
    ["('x')", "x"],
    ["()", []],
    ["[(1, 2), {}]", [[1, 2], {}]],
    ["'it\\'s \\u00e9 \\x41 \\n'", "it's \u00e9 A \n"],
    ["u'x'", "x"],
    ["1_000", 1000],
    ["[nan, inf, -inf]", [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    [" False ", false],
    ["1E+3", 1000],
  ])("%s", (text, value) => {
    expect(readLiteral(text)).toEqual(value);
  });

  test.each([
    ["", "Expected a literal in a Python literal, got its end (character 1)"],
    ["{'a' 1}", 'Expected ":" in a Python literal, got "1}" (character 6)'],
    ["[1 2]", 'Expected "," or "]" in a Python literal, got "2]" (character 4)'],
    ["{1: 2}", "Expected a string as key"],
    ["__import__('os')", "Expected a literal in a Python literal, got \"__import__('os')\" (character 1)"],
    ["'abc", "Expected a closing '"],
    ["'\\q'", "Expected a known escape"],
    ["1 + 1", 'Expected the end in a Python literal, got "+ 1" (character 3)'],
    ["[".repeat(200), "Expected fewer nested brackets"],
  ])("%j is refused", (text, message) => {
    expect(() => readLiteral(text)).toThrowError(message);
  });

  test("what is written is read again", () => {
    const { value } = fc.letrec<{ value: Literal }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.string(),
        fc.double(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(
          fc.string().filter((key) => key !== "__proto__"),
          tie("value"),
          { maxKeys: 4, noNullPrototype: true },
        ),
      ),
    }));
    fc.assert(
      fc.property(value, (item) => {
        expect(readLiteral(writeLiteral(item))).toEqual(item);
      }),
    );
  });

  test("any text gives a value or an AppError", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."{}[](),:'\"\\ue1.x -TrueNon") }), (text) => {
        try {
          readLiteral(text);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
    );
  });
});
