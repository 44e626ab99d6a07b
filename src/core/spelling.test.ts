import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accept, looseForm, nameFault, nearestWord, Spellings } from "./spelling.ts";

describe("nameFault", () => {
  it.each(["a", "ü, x", "a b", "F_1.jpg", "East Asian", "Latino_Hispanic", "名前", "0", "-1"])(
    "has nothing against %j",
    (text) => expect(nameFault(text)).toBeUndefined(),
  );

  it.each([" a", "a ", "\u00a0a", "a\u3000", "a\t", "\ufeffa", " "])("sees the blank of %j", (text) => {
    expect(nameFault(text)).toMatchObject({ code: "FIELD_BLANKS", expected: "no blanks around the value" });
  });

  it.each([
    ["a\u200bb", "U+200B"],
    ["a\u200b", "U+200B"],
    ["\u2060a", "U+2060"],
    ["a\u00adb", "U+00AD"],
    ["a\u00a0b", "U+00A0"],
    ["a\u202eb", "U+202E"],
    ["a\u3164", "U+3164"],
    ["a\u2800b", "U+2800"],
    ["a\nb", "U+000A"],
    ["a\u0000", "U+0000"],
    ["a\ud800b", "U+D800"],
    ["a\u{e0041}", "U+E0041"],
  ])("names what cannot be seen in %j", (text, point) => {
    expect(nameFault(text)).toEqual({
      code: "FIELD_UNSEEN",
      expected: "printable characters",
      hint: `take out ${point}, which cannot be seen`,
    });
  });

  it.each(["nan", "NaN", "None", "NULL", "n/a", "NA", "#N/A", "<NA>", "unknown", "?", "-", "--"])(
    "takes %j for nothing recorded",
    (text) => expect(nameFault(text)).toMatchObject({ code: "FIELD_NOTHING", expected: "a recorded value" }),
  );
});

describe("looseForm", () => {
  it.each([
    ["7", "007", "7.0", "7.", "+7", "７", "0000007.00"],
    ["ab1", "AB1", "Ab1", "ａb1"],
    ["a b", "a_b", "A-b", "a  b"],
    ["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"],
  ])("is one of all spellings of %s", (...texts) => {
    expect(new Set(texts.map(looseForm)).size).toBe(1);
  });

  it.each([
    ["7", "70"],
    ["7.1", "71"],
    ["1-11", "11-1"],
    ["a1", "a-1"],
    ["male", "female"],
    ["0", "o"],
  ])("distinguishes %s from %s", (a, b) => expect(looseForm(a)).not.toBe(looseForm(b)));
});

it("Spellings remember the first of each word, whatever came between", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("7", "07", "7.0", "8", "a", "A")), (texts) => {
      const spellings = new Spellings();
      const first = new Map<string, { text: string; where: string }>();
      texts.forEach((text, i) => {
        const loose = text === "A" ? "a" : /7/.test(text) ? "7" : text;
        const before = first.get(loose);
        if (before === undefined) first.set(loose, { text, where: `${i}` });
        expect(spellings.clash(text, `${i}`)).toEqual(before?.text === text ? undefined : before);
      });
    }),
  );
});

it("nearestWord and accept", () => {
  expect(nearestWord("Lihgt", ["dark", "light", "tan"])).toBe("light");
  expect(accept({ value: "x" }, { name: "n", got: "x" })).toBe("x");
  const fault = { code: "AGE_VALUE", expected: "an age", hint: "write one" } as const;
  expect(() => accept({ fault }, { name: "column age", got: "x", where: "a.csv:2" })).toThrow(
    'Expected an age for column age, got "x" (a.csv:2)',
  );
});
