import { describe, expect, test } from "vitest";
import { AppError } from "../../core/errors.ts";
import { checkPredictions, PREDICTION_COLUMNS } from "./prediction-row.ts";

const row = {
  id: "7/hand",
  source: "pairs",
  subject: "pairs:u1",
  modality: "hand",
  split: "test",
  target: 1,
  probability: 1 / (1 + Math.exp(-0.75)),
  modalityUsed: "face",
  gateHand: 0.25,
  logit: 0.75,
  age: "",
  race: "",
  gesture: "palm",
};

describe("rows of predictions", () => {
  test("have these columns, in this order", () => {
    expect(PREDICTION_COLUMNS).toEqual(Object.keys(row));
  });

  test("pass unchanged, with nulls where allowed", () => {
    const bare = { ...row, id: "8", target: null, gateHand: null, modalityUsed: null };
    expect(checkPredictions([row, bare], "x")).toEqual([row, bare]);
  });

  test("have one key for a person, and words as their source writes them", () => {
    const hex = "00AB".repeat(8);
    const [one, other] = checkPredictions(
      [
        { ...row, subject: `pairs:${hex}`, race: "east_asian" },
        { ...row, id: "8", subject: `pairs:${hex.toLowerCase()}`, gesture: "Palm" },
      ],
      "x",
    );
    expect(one).toMatchObject({ subject: other!.subject, race: "East Asian", gesture: "palm" });
    const hands = ["0", "0000000", "0.0"].map((id, i) => {
      return { ...row, id: `h${i}`, source: "hands11k", subject: `hands11k:${id}`, gesture: "dorsal left" };
    });
    expect(new Set(checkPredictions(hands, "x").map(({ subject }) => subject))).toEqual(
      new Set(["hands11k:0000000"]),
    );
    const theirs = { ...row, source: "file", race: "Hispanic" };
    expect(() => checkPredictions([theirs, { ...theirs, id: "8", race: "hispanic" }], "x")).toThrow(
      'Expected one spelling of a value ("Hispanic" is at x:1) for column race, got "hispanic" (x:2)',
    );
    const file = { ...row, source: "utkface", id: "a.JPG", subject: "utkface:a.JPG" };
    expect(checkPredictions([file, { ...file, id: "a.jpg", subject: "utkface:a.jpg" }], "x")).toHaveLength(2);
  });

  test("may have classes of age and race", () => {
    const extended = {
      ...row,
      ageProbabilities: { "0-2": 0.5, "3-9": 0.5 },
      raceProbabilities: { a: 0, b: 1 },
    };
    expect(checkPredictions([extended], "x")).toEqual([extended]);
  });

  test("one id may occur in two sources or two splits", () => {
    const rows = [row, { ...row, source: "utkface" }, { ...row, split: "val" }];
    expect(checkPredictions(rows, "x")).toHaveLength(3);
  });

  test.each<[string, object, string, RegExp]>([
    ["target 2", { target: 2 }, "PREDICTION_ROW", /for column target, got 2 \(run\/p\.parquet:2\)$/],
    ["a target as text", { target: "1" }, "PREDICTION_ROW", /for column target, got "1"/],
    ["another modality", { modality: "foot" }, "PREDICTION_ROW", /for column modality, got "foot"/],
    ["p above 1", { probability: 1.5 }, "PREDICTION_ROW", /for column probability, got 1\.5/],
    ["NaN", { logit: Number.NaN }, "PREDICTION_ROW", /for column logit, got NaN/],
    [
      "a subject with a blank",
      { subject: "pairs:u1 " },
      "FIELD_BLANKS",
      /for column subject, got "pairs:u1 "/,
    ],
    ["a subject that cannot be seen", { subject: "u\u200b" }, "FIELD_UNSEEN", /printable characters/],
    [
      "a subject in another spelling",
      { subject: "pairs:U1" },
      "SUBJECT_SPELLING",
      /\("u1" is at run\/p\.parquet:1\) for column subject/,
    ],
    [
      "an age of a spreadsheet",
      { age: "Oct-19" },
      "AGE_VALUE",
      /an age bucket such as 20-29 or 70\+ for column age/,
    ],
    ["no race", { race: "nan" }, "FIELD_NOTHING", /a recorded value for column race, got "nan"/],
    [
      "a race of another source",
      { source: "utkface", race: "tan" },
      "RACE_VALUE",
      /for column race, got "tan"/,
    ],
    ["a gesture", { gesture: "plam" }, "GESTURE_VALUE", /a known gesture for column gesture, got "plam"/],
    ["no subject", { subject: "" }, "PREDICTION_ROW", /for column subject, got ""/],
    ["a missing group", { race: undefined }, "PREDICTION_ROW", /for column race, got nothing/],
    ["another column", { colour: "red" }, "PREDICTION_ROW", /for a prediction, got .*\(run\/p\.parquet:2\)$/],
    [
      "a p that is not the logit's",
      { probability: 0.6 },
      "PREDICTION_LOGIT",
      /^Expected sigmoid\(logit\) = 0\.679178699175\d+ for column probability, got 0\.6 \(run\/p\.parquet:2\)$/,
    ],
    [
      "classes whose sum is not 1",
      { ageProbabilities: { a: 0.5, b: 0.25 } },
      "PREDICTION_CLASSES",
      /^Expected two or more probabilities with sum 1 for the classes of age, got "a sum of 0\.75" \(run\/p\.parquet:2\)$/,
    ],
    [
      "a single class",
      { raceProbabilities: { a: 1 } },
      "PREDICTION_CLASSES",
      /for the classes of race, got 1 /,
    ],
    [
      "a class below 0",
      { raceProbabilities: { a: -1, b: 2 } },
      "PREDICTION_ROW",
      /for column raceProbabilities/,
    ],
    [
      "the same image again",
      { id: "7/hand" },
      "PREDICTION_DUPLICATE",
      /^Expected each image once in a split for id, got "7\/hand, as in row 1" \(run\/p\.parquet:2\)$/,
    ],
  ])("%s is refused", (_name, change, code, message) => {
    const run = () => checkPredictions([row, { ...row, id: "8", ...change }], "run/p.parquet");
    expect(run).toThrowError(expect.objectContaining({ kind: "data", code }));
    expect(run).toThrowError(message);
    expect(run).toThrowError(AppError);
  });
});
