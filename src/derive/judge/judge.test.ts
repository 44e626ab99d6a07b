import { describe, expect, it } from "vitest";
import { SIDES } from "../../../test/rule-sides.ts";
import type { LedgerColumn } from "../../dataset/ledger-columns.ts";
import { type Facts, RULE_NAMES, RULES, ruleSettings } from "./clean.ts";
import { factsOfRow, judge, judgeAll } from "./judge.ts";

const SETTINGS = ruleSettings();

/** The same facts as cells of a ledger. */
function rowOf({ twin, repeats: _, votes: __, ...numbers }: Facts): { [C in LedgerColumn]?: string } {
  const cells = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]));
  return { ...cells, ...(twin === undefined ? {} : { twin }) };
}

describe("judge", () => {
  it.each(RULE_NAMES)("%s removes one side and keeps the other, asked of the frame or of its row", (name) => {
    const [broken, kept, words] = SIDES[name];
    expect(judge(name, broken, SETTINGS)).toEqual({ reason: RULES[name].reason, detail: words });
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
