// Faults of values against schemas, in the house's words.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as mini from "zod/mini";
import { AppError } from "./errors.ts";
import { parseJson, safeParse, schemaFault, wordSchema } from "./schema.ts";
import { parseAge } from "./vocabulary.ts";

/** Wording of the schema library itself. */
const RAW = /Invalid|Too (small|big)|Unrecognized|expected one of|received/;

const fault = (schema: z.core.$ZodType, value: unknown) =>
  schemaFault(safeParse(schema, value).error!, value);

describe("schemaFault", () => {
  it.each([
    [z.enum(["train", "val", "test"]), "Val", "train, val or test", "the nearest is val"],
    [z.enum(["hand", "face"]), "ear", "hand or face", "there are hand, face"],
    [z.union([z.literal(0), z.literal(1)]).nullable(), "x", "0 or 1", undefined],
    [z.string(), 3, "text", undefined],
    [z.number(), undefined, "a number", undefined],
    [z.int(), 2.5, "a whole number", undefined],
    [z.number().min(0), -1, "a number from 0", undefined],
    [z.number().max(1), 2, "a number up to 1", undefined],
    [z.number().positive(), 0, "a number above 0", undefined],
    [z.number().multipleOf(32), 3, "a multiple of 32", undefined],
    [z.array(z.int()).min(1), [], "at least 1 entry", undefined],
    [z.array(z.int()).length(4), [1], "4 entries", undefined],
    [z.string().min(1), "", "at least 1 character", undefined],
    [z.string().regex(/^a$/), "b", "text like /^a$/", undefined],
    [z.string().min(1, "expected a name"), "", "a name", undefined],
    [wordSchema(parseAge), "old", "an age bucket such as 20-29 or 70+", /^the nearest is /],
    [z.union([z.string(), z.array(z.string())]), 3, "text or a list", undefined],
  ])("%#", (schema, value, expected, hint) => {
    const found = fault(schema, value);
    expect(found).toMatchObject({ expected, key: "", got: value });
    if (hint instanceof RegExp) expect(found.hint).toMatch(hint);
    else expect(found.hint).toBe(hint);
    expect(JSON.stringify(found)).not.toMatch(RAW);
  });

  it.each([
    [mini.enum(["train", "val", "test"]), "Val", "train, val or test", "the nearest is val"],
    [mini.nullable(mini.union([mini.literal(0), mini.literal(1)])), "x", "0 or 1", undefined],
    [mini.string(), 3, "text", undefined],
    [mini.int(), 2.5, "a whole number", undefined],
    [mini.int().check(mini.nonnegative()), -1, "a number from 0", undefined],
    [mini.number().check(mini.gte(0), mini.lte(1)), 2, "a number up to 1", undefined],
    [mini.number().check(mini.positive()), 0, "a number above 0", undefined],
    [mini.array(mini.int()).check(mini.minLength(1)), [], "at least 1 entry", undefined],
    [mini.tuple([mini.int(), mini.int()]), [1], "at least 2 entries", undefined],
    [mini.string().check(mini.minLength(1)), "", "at least 1 character", undefined],
    [
      mini.array(mini.string()).check(mini.refine(() => false, "expected each once")),
      [],
      "each once",
      undefined,
    ],
  ])("of zod/mini, %#", (schema, value, expected, hint) => {
    const found = fault(schema, value);
    expect(found).toMatchObject({ expected });
    expect(found.hint).toBe(hint);
  });

  it("names the place, and an unknown key before what is missing", () => {
    const schema = z.strictObject({ a: z.strictObject({ b: z.int() }), c: z.string() });
    expect(fault(schema, { a: { b: "x" }, c: "y" })).toMatchObject({ key: "a.b", got: "x" });
    expect(fault(schema, { a: { b: 1 }, C: "y" })).toMatchObject({
      expected: "a known key",
      got: "C",
      hint: 'correct or take out "C"',
    });
  });
});

it("parseJson reports what is wrong, where, and what to do", () => {
  const schema = z.strictObject({ split: z.enum(["train", "val"]) });
  try {
    parseJson('{"split": "Val"}', schema, "note.json");
    expect.unreachable();
  } catch (error) {
    expect((error as AppError).describe()).toBe(
      'Expected train or val for split, got "Val" (note.json)\nTry: the nearest is val',
    );
  }
  expect(() => parseJson("[]", schema, "note.json")).toThrow(
    "Expected an object for the document, got [] (note.json)",
  );
  expect(() => parseJson("[]", schema, "note.json")).toThrow(AppError);
});
