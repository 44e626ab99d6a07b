import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { frameOf, OF_ONE_FRAME, SIDES } from "../../../test/rule-sides.ts";
import { LEDGER_COLUMNS } from "../../dataset/ledger-columns.ts";
import type { FrameResult } from "../run/journal.ts";
import { type Facts, RULE_NAMES, RULES, type RuleName, ruleOf, ruleSettings } from "./clean.ts";
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

describe("rules", () => {
  it.each(OF_ONE_FRAME)("%s removes, and does not when it is off", (name) => {
    const [broken, kept] = SIDES[name].map((facts) => frame({}, frameOf(facts as Facts)));
    expect(reasonOf(broken!)).toBe(RULES[name].reason);
    expect(judgeFrame(broken!, ruleSettings([{ name, threshold: null }]))).toBeUndefined();
    expect(judgeFrame(kept!)).toBeUndefined();
  });

  it("keep a frame that has nothing to judge", () => {
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

  it("have a reason, a threshold in their range, a title, and columns of the ledger", () => {
    for (const name of RULE_NAMES) {
      const { reason, threshold, range, title, columns } = ruleOf(name);
      expect(REASONS).toContain(reason);
      expect(threshold).toBeGreaterThanOrEqual(range[0]);
      expect(threshold).toBeLessThanOrEqual(range[1]);
      expect(title).not.toBe("");
      expect(columns).not.toHaveLength(0);
      expect(LEDGER_COLUMNS).toEqual(expect.arrayContaining([...columns]));
    }
  });

  it("stand in the documentation with the reason and the threshold that they have", () => {
    const text = readFileSync(new URL("../../../docs/derivation.md", import.meta.url), "utf8");
    const rows = [...text.matchAll(/^\| `(\w+)` +\| (.*?) +\| `(\w+)` +\|/gm)];
    expect(rows.length).toBeGreaterThanOrEqual(16);
    for (const [, name, removes, reason] of rows) {
      const rule = ruleOf(name as RuleName);
      expect(reason, name).toBe(rule.reason);
      const numbers = removes!.match(/(?<![\w.])(\d*\.)?\d+/g) ?? [];
      if (numbers.length > 0) expect(numbers.map(Number), name).toContain(rule.threshold);
    }
  });
});

describe("REASONS", () => {
  it("are each there once: those that no rule gives before the rules that need what is missing", () => {
    expect(new Set(REASONS).size).toBe(REASONS.length);
    const inOrder = (...reasons: typeof REASONS) =>
      expect(reasons).toEqual(REASONS.filter((reason) => reasons.includes(reason)));
    inOrder("removed_by_decision", "duplicate_image", "missing_label", "no_hand_box", "image_missing");
    inOrder("image_unreadable", "annotation_misplaced", "hand_landmarks_implausible", "no_face");
    inOrder(
      "hand_outside_frame",
      "no_face",
      "low_face_score",
      "over_exposed",
      "near_duplicate",
      "label_conflict",
    );
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
