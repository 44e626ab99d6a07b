// ◇ Browser-safe. What European law says about data and models of these kinds: the only place of the words, which reports, pages
// and cards show. Sources: Regulation (EU) 2024/1689 (AI Act), Art. 5(1)(g), recital 30 and Annex III 1(b); Regulation (EU)
// 2016/679 (GDPR), Art. 9 and recital 51. Invariant: facts with the place where they stand; what follows for anybody's use
// is not judged here.

/** A text of law, at its European Legislation Identifier. */
interface Act {
  readonly name: string;
  readonly url: string;
}

/** The acts that the words below name. */
export const ACTS = {
  ai: { name: "Regulation (EU) 2024/1689 (AI Act)", url: "https://eur-lex.europa.eu/eli/reg/2024/1689/oj" },
  gdpr: { name: "Regulation (EU) 2016/679 (GDPR)", url: "https://eur-lex.europa.eu/eli/reg/2016/679/oj" },
} as const satisfies Readonly<Record<string, Act>>;

/** A sentence in parts; those that are acts are links. */
export type LawText = readonly (string | Act)[];

/** What a page shows before anybody asks for more; it fits a phone's line. */
export const LAW_PLACES = "EU AI Act Art. 5(1)(g), Annex III 1(b); GDPR Art. 9";

/** For reports and pages. */
export const LAW_NOTE: LawText = [
  { name: "AI Act (EU) 2024/1689", url: ACTS.ai.url },
  ", Art. 5(1)(g), prohibits systems that infer people's race from biometric data (labelling or filtering of lawfully acquired " +
    "datasets excepted); Annex III 1(b): inferring other protected attributes is high-risk. ",
  { name: "GDPR (EU) 2016/679", url: ACTS.gdpr.url },
  ", Art. 9, covers data on racial or ethnic origin, and biometric data that identify people.",
];

/** For cards and datasheets, a paragraph each. */
export const LAW_TEXT: readonly LawText[] = [
  [
    ACTS.ai,
    ", Art. 5(1)(g), prohibits placing on the market, putting into service for this purpose, and using biometric categorisation " +
      "systems that categorise single natural persons by their biometric data to deduce or infer their race, political opinions, trade " +
      "union membership, religious or philosophical beliefs, sex life or sexual orientation. The labelling or filtering of lawfully " +
      "acquired biometric datasets, such as images, and the categorising of biometric data in law enforcement are not covered by this " +
      "prohibition (the same point, and recital 30).",
  ],
  [
    "Annex III, point 1(b), of the same regulation lists AI systems intended for biometric categorisation by sensitive or protected " +
      "attributes or characteristics, based on the inference of these, among the high-risk systems of Art. 6(2).",
  ],
  [
    ACTS.gdpr,
    ", Art. 9(1), prohibits the processing of personal data that reveal racial or ethnic origin, and of biometric data for the purpose of " +
      "uniquely identifying a natural person, unless one of the conditions of Art. 9(2) applies; by recital 51, photographs are biometric " +
      "data only where they are processed by specific technical means that allow a person to be identified.",
  ],
  ["These are facts about the law's text, stated for the reader; they are not legal advice."],
];

/** With the address behind each act's name. @example lawPlain(LAW_NOTE) */
export function lawPlain(text: LawText): string {
  return text.map((part) => (typeof part === "string" ? part : `${part.name} (${part.url})`)).join("");
}

/** With links. @example lawMarkdown(LAW_NOTE) */
export function lawMarkdown(text: LawText): string {
  return text.map((part) => (typeof part === "string" ? part : `[${part.name}](${part.url})`)).join("");
}
