import { describe, expect, it } from "vitest";
import { ageRange, overlappingAges, parseAge, parseGesture, parseRace, parseSex } from "./vocabulary.ts";

const hintOf = (reading: ReturnType<typeof parseAge>) => ("fault" in reading ? reading.fault.hint : "none");

describe("parseAge", () => {
  it.each(["", "0-2", "3-9", "20-29", "70+", "18-64", "0", "17", "0-17", "65+"])("takes %j", (text) =>
    expect(parseAge(text)).toEqual({ value: text }),
  );

  it.each([
    ["Oct-19", "10-19"],
    ["19-Oct", "10-19"],
    ["19. Okt", "10-19"],
    ["October 2019", "10-19"],
    ["3-Sep", "3-9"],
    ["09-Mar", "3-9"],
    ["2026-10-19 00:00:00", "10-19"],
    ["2019-10-01", "10-19"],
    ["2026-03-09T00:00:00", "3-9"],
  ])("knows that %j was made of %s by a spreadsheet", (text, bucket) => {
    expect(hintOf(parseAge(text))).toContain(bucket);
  });

  it.each([
    ["20–29", "20-29"],
    ["20 - 29", "20-29"],
    ["20 to 29", "20-29"],
    ["20-29.0", "20-29"],
    ["27.5", "20-29"],
    ["020-029", "20-29"],
    ["29-20", "20-29"],
    ["70 +", "70+"],
    ["20-", "20-29"],
    ["20s", "20-29"],
    ["7O+", "70+"],
    ["more than 70", "70+"],
  ])("refuses %j and suggests %s", (text, nearest) => {
    const reading = parseAge(text);
    expect(reading).toMatchObject({ fault: { code: "AGE_VALUE" } });
    expect(hintOf(reading)).toBe(`the nearest is ${nearest}; leave the cell empty where no age is recorded`);
  });

  it.each([
    ["(20, 30]", "21-30"],
    ["[20.0, 30.0)", "20-29"],
    ["(19, 29]", "20-29"],
  ])("suggests the years that are in %j of pandas.cut", (text, bucket) =>
    expect(hintOf(parseAge(text))).toBe(`write the years that are in it: ${bucket}`),
  );
  it.each(["20.0", "7.00"])("takes %j of a column of numbers with gaps for the year", (text) =>
    expect(parseAge(text)).toEqual({ value: String(Number(text)) }),
  );
  it.each(["nan", "unknown"])("takes %j for nothing recorded", (text) =>
    expect(parseAge(text)).toMatchObject({ fault: { code: "FIELD_NOTHING" } }),
  );
  it.each(["20-29 ", " 70+"])("sees the blank of %j", (text) =>
    expect(parseAge(text)).toMatchObject({ fault: { code: "FIELD_BLANKS" } }),
  );
});

it("ageRange and overlappingAges", () => {
  expect(["20-29", "70+", "5"].map(ageRange)).toEqual([
    [20, 29],
    [70, 130],
    [5, 5],
  ]);
  expect(["20-20", "20-19", "20-200", "02-9", "-5", ""].map(ageRange)).toEqual(Array(6).fill(undefined));
  expect(overlappingAges(["70+", "20-29", "30-39", ""])).toBeUndefined();
  expect(overlappingAges(["70+", "20-29", "25"])).toEqual(["20-29", "25"]);
  expect(overlappingAges(["65+", "70-79"])).toEqual(["65+", "70-79"]);
});

describe("parseRace and parseGesture", () => {
  it("mend case, blanks and dashes between words", () => {
    expect(parseRace("east_asian", "pairs")).toEqual({ value: "East Asian" });
    expect(parseRace("latino hispanic", "fairface")).toEqual({ value: "Latino_Hispanic" });
    expect(parseRace("Very Fair", "hands11k")).toEqual({ value: "very fair" });
    expect(parseGesture("Two-Up", "pairs")).toEqual({ value: "two_up" });
    expect(parseGesture("Dorsal Left", "hands11k")).toEqual({ value: "dorsal left" });
  });

  it("have the classes of each source, not of another", () => {
    expect(parseRace("White", "hands11k")).toMatchObject({ fault: { code: "RACE_VALUE" } });
    expect(parseRace("fair", "fairface")).toMatchObject({ fault: { code: "RACE_VALUE" } });
    expect(parseRace("Asian", "utkface")).toEqual({ value: "Asian" });
    expect(parseGesture("palm", "hands11k")).toMatchObject({ fault: { code: "GESTURE_VALUE" } });
    expect(parseRace("Hispanic", "theirs")).toEqual({ value: "Hispanic" });
  });

  it.each([
    [parseRace("lihgt", "pairs"), "RACE_VALUE", "the nearest is light"],
    [parseRace("Whte", "fairface"), "RACE_VALUE", "the nearest is White"],
    [parseRace("Caucasian", "utkface"), "RACE_VALUE", "there are White, Black, Asian, Indian, Others"],
    [parseRace("light ", "pairs"), "FIELD_BLANKS", "data repair"],
    [parseRace("nan", "theirs"), "FIELD_NOTHING", "leave the cell empty"],
    [parseRace("li\u200bght", "pairs"), "FIELD_UNSEEN", "U+200B"],
    [parseGesture("plam", "pairs"), "GESTURE_VALUE", "the nearest is palm"],
  ])("refuse %j", (reading, code, hint) => {
    expect(reading).toMatchObject({ fault: { code } });
    expect(hintOf(reading)).toContain(hint);
  });
});

it("parseSex takes any case and nothing else", () => {
  expect(["Male", "FEMALE", "m", "male ", ""].map(parseSex)).toEqual([
    "male",
    "female",
    undefined,
    undefined,
    undefined,
  ]);
});
