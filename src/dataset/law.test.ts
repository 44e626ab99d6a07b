import { describe, expect, it } from "vitest";
import { ACTS, LAW_NOTE, LAW_PLACES, LAW_TEXT, lawMarkdown, lawPlain } from "./law.ts";

describe("the words on law", () => {
  it.each([
    ["short", lawPlain(LAW_NOTE)],
    ["long", LAW_TEXT.map(lawPlain).join(" ")],
    ["places", LAW_PLACES],
  ])("name the articles: %s", (_, text) => {
    expect(text).toMatch(/AI Act.*Art\. 5\(1\)\(g\).*Annex III.*1\(b\).*GDPR.*Art\. 9/s);
  });

  it("say what is excepted, and lead to the texts by their European identifiers", () => {
    for (const text of [lawPlain(LAW_NOTE), lawPlain(LAW_TEXT[0]!)])
      expect(text).toMatch(/labelling (and|or) filtering of lawfully acquired/);
    expect(lawPlain(LAW_TEXT[0]!)).toContain("recital 30");
    expect(Object.values(ACTS).map(({ url }) => url)).toEqual([
      "https://eur-lex.europa.eu/eli/reg/2024/1689/oj",
      "https://eur-lex.europa.eu/eli/reg/2016/679/oj",
    ]);
    expect(lawMarkdown(LAW_NOTE)).toContain(`[AI Act (EU) 2024/1689](${ACTS.ai.url}), Art. 5(1)(g)`);
    expect(lawPlain(LAW_NOTE)).toContain(`GDPR (EU) 2016/679 (${ACTS.gdpr.url}), Art. 9`);
  });

  it("advise nobody", () => {
    expect(lawPlain(LAW_TEXT.at(-1)!)).toContain("not legal advice");
    for (const text of [LAW_NOTE, ...LAW_TEXT.slice(0, -1)])
      expect(lawPlain(text)).not.toMatch(/\b(you|must|should|may not|allowed for)\b/i);
  });
});
