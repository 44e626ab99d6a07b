// Lines of training for people: a modality's figure is shown only where enough subjects of each class stand behind it.
import { describe, expect, it } from "vitest";
import { inventedLog } from "../../test/run-fixture.ts";
import { formatEpoch, formatPart, isPartSmall, type PartLog, parseRunLog } from "./runlog.ts";

const [epoch] = inventedLog(1);
const part = epoch!.val.all;
const withSubjects = (female: number, male: number): PartLog => ({ ...part, subjects: { female, male } });

describe("a modality of the validation images", () => {
  it("is too small by the rarer class, where its figure needs both", () => {
    expect(isPartSmall(withSubjects(20, 20))).toBe(false);
    expect(isPartSmall(withSubjects(19, 80))).toBe(true);
    expect(isPartSmall(withSubjects(80, 19))).toBe(true);
  });

  it("is too small by all subjects, where one class occurs and accuracy selects", () => {
    expect(isPartSmall({ ...withSubjects(20, 0), balancedAccuracy: null })).toBe(false);
    expect(isPartSmall({ ...withSubjects(19, 0), balancedAccuracy: null })).toBe(true);
  });

  it("is too small where a log of before does not say how many there were", () => {
    const { subjects: _, ...old } = part;
    expect(isPartSmall(old)).toBe(true);
    expect(
      parseRunLog(JSON.stringify({ ...epoch, val: { ...epoch!.val, hand: old } }), "log.jsonl"),
    ).toHaveLength(1);
  });

  it("is shown as its figure, as too small, or as absent", () => {
    expect(formatPart(withSubjects(20, 20))).toBe("0.6000");
    expect(formatPart(withSubjects(12, 6))).toBe("too small");
    expect(formatPart(null)).toBe("-");
    const line = formatEpoch({ ...epoch!, val: { ...epoch!.val, hand: withSubjects(12, 6), face: null } }, 8);
    expect(line).toContain("val balanced accuracy 0.6000  (hand too small, face -)");
  });
});
