// Every table with freely named groups takes one reading of their words: by --groups, --join, --selective, --thresholds.
import { describe, expect, test } from "vitest";
import { inventedPredictions } from "../../../test/run-fixture.ts";
import { analyseSelective, analyseThresholds } from "../analysis/analysis.ts";
import { metricsByGroup, tablesByGroup } from "../metrics/groups.ts";
import { checkPredictions } from "./prediction-row.ts";
import { checkGroupValues } from "./words.ts";

const invented = inventedPredictions(24);
/** Hands have the first of the values, faces the second: no table of one modality has both. */
const withTone = (hand: string, face: string) =>
  invented.map((row, i) => ({
    ...row,
    split: (i % 4 < 2 ? "val" : "test") as "val" | "test",
    tone: row.modality === "hand" ? hand : face,
  }));
const rows = (hand: string, face: string) => withTone(hand, face) as unknown as typeof invented;
type Toned = Parameters<typeof metricsByGroup<"tone">>[0];

describe("words of free groups", () => {
  test.each([
    ["light", "light ", /^Expected no blanks around the value for group tone, got "light "/],
    ["light", "Light", /^Expected one spelling of a value \("light"\) for group tone, got "Light"/],
    ["1", "1.0", /^Expected one spelling of a value/],
    ["a-b", "a–b", /^Expected one spelling of a value/],
    ["light", "nan", /^Expected a recorded value for group tone, got "nan"/],
    ["light", "li\u200bght", /^Expected printable characters/],
    ["20-29", "Oct-19", /^Expected an age bucket such as 20-29 or 70\+ for group tone, got "Oct-19"/],
    ["70+", "2026-03-09 00:00:00", /^Expected an age bucket/],
  ])("%j beside %j is refused by every table", (hand, face, message) => {
    expect(() => tablesByGroup(withTone(hand, face) as never, ["tone"] as never)).toThrow(message);
    expect(() => metricsByGroup(withTone(hand, face) as unknown as Toned, ["tone"])).toThrow(message);
    expect(() => analyseSelective(rows(hand, face), "test", "tone", 1)).toThrow(message);
    expect(() => analyseThresholds(rows(hand, face), "test", "tone", 1)).toThrow(message);
  });

  test("a column that is called by age has no dates, one of months may", () => {
    expect(() => checkGroupValues("age_group", ["Oct-19"])).toThrow(/a? ?date|age bucket/);
    expect(() => checkGroupValues("month", ["Oct-19", "Nov-19"])).not.toThrow();
    expect(() => checkGroupValues("stage", ["Oct-19", "early"])).not.toThrow();
    expect(() => checkGroupValues("age_group", ["young", "old"])).not.toThrow();
  });

  test("one source in two spellings would make two people of one", () => {
    const [a, b] = invented as [(typeof invented)[0], (typeof invented)[0]];
    const theirs = { ...a, source: "Lab", subject: "Lab:1" };
    const other = { ...b, source: "lab", subject: "lab:1" };
    expect(() => checkPredictions([theirs, other], "x.csv")).toThrow(
      'Expected one spelling of a value ("Lab" is at x.csv:1) for column source, got "lab" (x.csv:2)',
    );
  });
});
