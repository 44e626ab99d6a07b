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

const OWN = "19bdb28f02befc54584335761c9ab7d4";
it.each([
  ["a spreadsheet's sign of text", OWN, `'${OWN}`],
  ["a spreadsheet's formula", "12", '="12"'],
  ["quotes", "12", "“12”"],
  ["a GUID's braces", "123e4567-e89b-12d3-a456-426614174000", "{123e4567e89b12d3a456426614174000}"],
  ["a URN", "123e4567-e89b-12d3-a456-426614174000", "urn:uuid:123E4567-e89b-12d3-a456-426614174000"],
  ["hexadecimal's 0x", OWN, `0x${OWN}`],
  ["the source, as predictions name subjects", OWN, `pairs:${OWN}`],
  ["a number's sign", "12", "#12"],
  ["a stop behind it", "12", "12."],
  ["digits of Arabic", "0012", "١٢"],
  ["digits of Devanagari", "p90", "p९०"],
  ["digits of full width", "12", "１２"],
  ["a Cyrillic letter", OWN, OWN.replaceAll("a", "а")],
  ["a Greek letter, large", "Olga", "Οlga"],
])("SubjectKeys refuse a second spelling by %s", (_, one, other) => {
  for (const [first, second] of [
    [one, other],
    [other, one],
  ] as const) {
    const keys = new SubjectKeys();
    expect(keys.add(first, "a.csv:2")).toBeUndefined();
    expect(keys.add(second, "a.csv:3")).toMatchObject({ code: "SUBJECT_SPELLING" });
  }
});

it("SubjectKeys take people for two whose ids differ in letters, digits or words", () => {
  const keys = new SubjectKeys();
  const people = [
    "1",
    "10",
    "100",
    "p1",
    "p10",
    "1a",
    "a1",
    "siteA:1",
    "siteB:1",
    "#",
    "Ольга",
    "Олег",
    "١٣",
  ];
  expect(people.map((id, i) => keys.add(id, `a.csv:${i + 2}`))).toEqual(people.map(() => undefined));
});
