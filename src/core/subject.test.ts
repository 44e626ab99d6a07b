import { describe, expect, it } from "vitest";
import { hands11kKey, SubjectKeys, subjectKey } from "./subject.ts";

const HEX = "00ff".repeat(16);

describe("subjectKey", () => {
  it("folds the case of hexadecimal ids, with or without dashes, and the two ways to write an accent", () => {
    expect(subjectKey(HEX.toUpperCase())).toEqual({ value: HEX });
    const uuid = "123e4567-e89b-12d3-a456-426614174000";
    expect(subjectKey(uuid.toUpperCase())).toEqual({ value: uuid });
    expect(subjectKey("Andre\u0301")).toEqual(subjectKey("Andr\u00e9"));
    expect(subjectKey("Anna")).toEqual({ value: "Anna" });
    expect(subjectKey("FACE")).toEqual({ value: "FACE" });
  });

  it.each([
    ["", "FIELD_EMPTY"],
    [" ", "FIELD_EMPTY"],
    [`${HEX} `, "FIELD_BLANKS"],
    [`\u00a0${HEX}`, "FIELD_BLANKS"],
    [`${HEX}\u200b`, "FIELD_UNSEEN"],
    ["nan", "FIELD_NOTHING"],
    ["1.23457E+12", "SUBJECT_ROUNDED"],
    ["1E+06", "SUBJECT_ROUNDED"],
  ])("refuses %j", (text, code) => expect(subjectKey(text)).toMatchObject({ fault: { code } }));
});

it("hands11kKey gives the file's own form of seven digits", () => {
  const of = (text: string) => (hands11kKey(text) as { value: string }).value;
  expect(["0", "0.0", "0000000", "00000000"].map(of)).toEqual(Array(4).fill("0000000"));
  expect(["0001234", "1234", "1234.0", "12345678"].map(of)).toEqual([
    ...Array(3).fill("0001234"),
    "12345678",
  ]);
  expect(hands11kKey(" 7")).toMatchObject({ fault: { code: "FIELD_BLANKS" } });
});

it("SubjectKeys refuse a second spelling within a source", () => {
  const keys = new SubjectKeys();
  expect(keys.add("Anna", "a.csv:2")).toBeUndefined();
  expect(keys.add("Anna", "a.csv:3")).toBeUndefined();
  expect(keys.add("anna", "b.csv:2", "other")).toBeUndefined();
  expect(keys.add("ANNA", "b.csv:4")).toEqual({
    code: "SUBJECT_SPELLING",
    expected: 'one spelling of a subject ("Anna" is at a.csv:2)',
    hint: "write the id of a person alike everywhere, or other ids for other people",
  });
});
