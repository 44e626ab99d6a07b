import { describe, expect, it } from "vitest";
import type { LedgerColumn } from "../../dataset/ledger-columns.ts";
import { RULE_NAMES, RULES, type RuleName, ruleSettings } from "./clean.ts";
import { type Facts, factsOfRow, judge, judgeAll } from "./judge.ts";

const SETTINGS = ruleSettings();

/** Facts on both sides of every rule, and what is said of the first: written out, not made from the thresholds. */
const SIDES: { readonly [N in RuleName]: readonly [broken: Facts, kept: Facts, said: string] } = {
  label: [{ gender_entries: 0 }, { gender_entries: 1 }, "entries 0 below 1"],
  landmarks: [{ landmark_fit: 0.29 }, { landmark_fit: 0.3 }, "landmark_fit 0.29 below 0.3"],
  landmarks_seen: [{ landmark_off: 0.26 }, { landmark_off: 0.25 }, "landmark_off 0.26 above 0.25"],
  hand_inside: [{ hand_inside: 0.49 }, { hand_inside: 0.5 }, "hand_inside 0.49 below 0.5"],
  face_score: [{ face_score: 0.59 }, { face_score: 0.6 }, "score 0.59 below 0.6"],
  face_size: [{ face_px: 27 }, { face_px: 28 }, "face_px 27 below 28"],
  owner_fit: [{ owner_fit: 5.1 }, { owner_fit: 5 }, "owner_fit 5.1 above 5"],
  owner_lead: [{ owner_lead: 1.4 }, { owner_lead: 1.5 }, "owner_lead 1.4 below 1.5"],
  face_inside: [{ face_inside: 0.69 }, { face_inside: 0.7 }, "face_inside 0.69 below 0.7"],
  hidden: [{ hidden: 0.26 }, { hidden: 0.25 }, "hidden 0.26 above 0.25"],
  blur: [
    { face_sharpness: 50, hand_sharpness: 4.9 },
    { face_sharpness: 5, hand_sharpness: 50 },
    "hand_sharpness 4.9 below 5",
  ],
  dark: [{ highlight: 89 }, { highlight: 90 }, "highlight 89 below 90"],
  bright: [{ clipped: 0.16 }, { clipped: 0.15 }, "clipped 0.16 above 0.15"],
  duplicate: [{ twin: "a", repeats: 1 }, { repeats: 0 }, "same bytes as a"],
  near_duplicate: [{ twin: "a", twin_bits: 12 }, { twin: "a", twin_bits: 13 }, "12 bits from a"],
  agreement: [
    { gender_agreement: 0.5, votes: "votes female 1, male 1" },
    { gender_agreement: 0.6667, votes: "votes female 2, male 1" },
    "votes female 1, male 1",
  ],
};

/** The same facts as cells of a ledger. */
function rowOf({ twin, repeats: _, votes: __, ...numbers }: Facts): { [C in LedgerColumn]?: string } {
  const cells = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]));
  return { ...cells, ...(twin === undefined ? {} : { twin }) };
}

describe("judge", () => {
  it.each(RULE_NAMES)("%s removes one side and keeps the other, asked of the frame or of its row", (name) => {
    const [broken, kept, said] = SIDES[name];
    expect(judge(name, broken, SETTINGS)).toEqual({ reason: RULES[name].reason, detail: said });
    expect(judge(name, kept, SETTINGS)).toBeUndefined();
    expect(judge(name, factsOfRow(rowOf(broken), false), SETTINGS)?.reason).toBe(RULES[name].reason);
    expect(judge(name, factsOfRow(rowOf(kept), false), SETTINGS)).toBeUndefined();
    expect(judgeAll(broken, SETTINGS, undefined)?.reason).toBe(RULES[name].reason);
    expect(judge(name, {}, SETTINGS)).toBeUndefined(); // nothing to judge
  });

  it("lets no tie pass, whatever the threshold, and asks no votes where a decision settled the label", () => {
    for (const threshold of [null, 0.5, 0.75]) {
      const settings = ruleSettings([{ name: "agreement", threshold }]);
      const tie = { gender_agreement: 0.5, votes: "votes female 2, male 2" };
      expect(judge("agreement", tie, settings)?.detail).toBe("votes female 2, male 2");
    }
    const row = { gender_agreement: "0.5", gender_votes: "4" };
    expect(judge("agreement", factsOfRow(row, false), SETTINGS)?.reason).toBe("label_conflict");
    expect(judge("agreement", factsOfRow(row, true), SETTINGS)).toBeUndefined();
    const none = factsOfRow({ gender_agreement: "", gender_votes: "0" }, false);
    expect(judge("agreement", none, SETTINGS)?.reason).toBe("label_conflict");
  });
});
