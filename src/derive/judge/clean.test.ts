import { describe, expect, it } from "vitest";
import type { FrameResult } from "../run/journal.ts";
import { JUDGED, RULE_NAMES, RULES, type RuleName, ruleSettings } from "./clean.ts";
import { factsOf, judgeAll } from "./judge.ts";
import { roundMeasures } from "./measures.ts";
import { REASONS } from "./reasons.ts";

const frame = (measures: FrameResult["measures"] = {}, more: Partial<FrameResult> = {}): FrameResult => ({
  ...{ imageId: "a", gesture: "palm", split: "train", userId: "u", faceScore: 0.9, measures },
  meta: { age: [], gender: ["female"], race: [] },
  ...more,
});
const DEFAULTS = ruleSettings();
const judgeFrame = (of: FrameResult, settings = DEFAULTS) =>
  judgeAll(factsOf(of, undefined), settings, of.reason && { reason: of.reason, detail: of.detail ?? "" });
const reasonOf = (of: FrameResult, settings = DEFAULTS) => judgeFrame(of, settings)?.reason;

/** A value just on the wrong side of each rule that judges a number of one frame. */
const BROKEN: { readonly [N in RuleName]?: FrameResult } = {
  label: frame({}, { meta: { age: [], gender: [], race: [] } }),
  landmarks: frame({ landmark_fit: 0.29 }),
  landmarks_seen: frame({ landmark_off: 0.26 }),
  hand_inside: frame({ hand_inside: 0.49 }),
  face_score: frame({}, { faceScore: 0.59 }),
  face_size: frame({ face_px: 27.9 }),
  owner_fit: frame({ owner_fit: 5.1 }),
  owner_lead: frame({ owner_lead: 1.4 }),
  face_inside: frame({ face_inside: 0.69 }),
  hidden: frame({ hidden: 0.26 }),
  blur: frame({ face_sharpness: 90, hand_sharpness: 4.9 }),
  dark: frame({ highlight: 89 }),
  bright: frame({ clipped: 0.16 }),
};

describe("rules", () => {
  it.each(Object.entries(BROKEN))("%s removes, and does not when it is off", (name, broken) => {
    expect(reasonOf(broken)).toBe(RULES[name as RuleName].reason);
    expect(judgeFrame(broken, ruleSettings([{ name, threshold: null }]))).toBeUndefined();
  });

  it("are all tried above but those that judge frames beside each other", () => {
    const beside = ["duplicate", "near_duplicate", "agreement"];
    expect([...Object.keys(BROKEN), ...beside].sort()).toEqual([...RULE_NAMES].sort());
  });

  it("keep a frame whose values are on their thresholds, or that has none", () => {
    const exact = {
      ...{
        landmark_fit: 0.3,
        landmark_off: 0.25,
        hand_inside: 0.5,
        face_px: 28,
        owner_fit: 5,
        owner_lead: 1.5,
        face_inside: 0.7,
      },
      ...{ hidden: 0.25, face_sharpness: 5, hand_sharpness: 5, highlight: 90, clipped: 0.15 },
    };
    expect(judgeFrame(frame(exact, { faceScore: 0.6 }), DEFAULTS)).toBeUndefined();
    expect(judgeFrame(frame(), DEFAULTS)).toBeUndefined();
  });

  it("give the first reason in the order of judging, and say what was measured", () => {
    const several = frame({ highlight: 10, face_sharpness: 3.25, hidden: 0.9 });
    expect(judgeFrame(several, DEFAULTS)).toEqual({ reason: "face_hidden", detail: "hidden 0.9 above 0.25" });
    expect(judgeFrame(several, ruleSettings([{ name: "hidden", threshold: 1 }]))).toEqual({
      reason: "blurred",
      detail: "face_sharpness 3.25 below 5",
    });
    const faceless = frame({ hand_inside: 0.1 }, { reason: "no_face", detail: "none" });
    expect(reasonOf(faceless)).toBe("hand_outside_frame");
    expect(reasonOf(frame({}, { reason: "no_face" }))).toBe("no_face");
  });

  it("have a reason, a threshold in their range, and judge known columns", () => {
    for (const name of RULE_NAMES) {
      const { reason, threshold, range, about } = RULES[name];
      expect(REASONS).toContain(reason);
      expect(threshold).toBeGreaterThanOrEqual(range[0]);
      expect(threshold).toBeLessThanOrEqual(range[1]);
      expect(about).not.toBe("");
      expect(JUDGED).toEqual(expect.arrayContaining([...RULES[name].judged]));
    }
  });
});

describe("ruleSettings", () => {
  it("takes the last of several choices for a rule", () => {
    const choices = [
      { name: "blur", threshold: null },
      { name: "blur", threshold: 80 },
    ];
    expect(ruleSettings(choices)).toEqual({ ...DEFAULTS, blur: 80 });
  });

  it("refuses unknown names and impossible thresholds", () => {
    expect(() => ruleSettings([{ name: "toString", threshold: 1 }])).toThrow(
      /^Expected one of label, landmarks, .*agreement for a rule, got "toString"/,
    );
    expect(() => ruleSettings([{ name: "agreement", threshold: 0.4 }])).toThrow(
      "Expected a number from 0.5 to 1 for rule agreement, got 0.4",
    );
    expect(() => ruleSettings([{ name: "label", threshold: 2 }])).toThrow("Expected 1 for rule label, got 2");
  });
});

describe("roundMeasures", () => {
  it("rounds to four decimals and leaves out what was not measured", () => {
    expect(roundMeasures({ hidden: 0.123456, ita: undefined, face_px: 40 })).toEqual({
      hidden: 0.1235,
      face_px: 40,
    });
  });
});
