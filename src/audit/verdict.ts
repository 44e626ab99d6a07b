// ◇ Browser-safe. What the judgements about one thing come to together.
// Source: our own. Invariants: whoever settles it has the last word; otherwise all who answered must say the same, and one
// who was not sure makes it disputed: in doubt nothing is decided.
import { type Annotation, answer, JUDGED_LABELS, type JudgedLabel, QUESTIONS } from "./annotation.ts";

/** What is to be done about one thing. */
export type Verdict =
  | {
      readonly state: "agreed";
      readonly remove: boolean;
      /** Of those that were asked about. */
      readonly labels: Readonly<Partial<Record<JudgedLabel, string>>>;
      /** The judgements that it rests on. */
      readonly by: readonly Annotation[];
    }
  | { readonly state: "disputed"; readonly why: string }
  /** Nobody answered. */
  | { readonly state: "open" };

/**
 * The verdict about one thing.
 *
 * @param judgements - those that stand, all of one thing
 * @example verdictOf(judgements).state
 */
export function verdictOf(judgements: readonly Annotation[]): Verdict {
  const last = judgements.filter(({ settles }) => settles === true).at(-1);
  const heard = last === undefined ? judgements : [last];
  const answered = heard.filter((one) => answer(one, "keep") !== undefined);
  if (answered.length === 0) return { state: "open" };
  const unsure = heard.filter(({ choice }) => choice === "unsure");
  if (unsure.length > 0) return { state: "disputed", why: `${unsure.length} of ${heard.length} unsure` };
  for (const question of QUESTIONS) {
    const answers = [...new Set(answered.flatMap((one) => answer(one, question) ?? []))];
    if (answers.length > 1) return { state: "disputed", why: `${question}: ${answers.join(" or ")}` };
  }
  const labels = JUDGED_LABELS.flatMap((label) => {
    const found = answered.flatMap((one) => answer(one, label) ?? [])[0];
    return found === undefined ? [] : [[label, found] as const];
  });
  const remove = answered.some(({ choice }) => choice === "remove");
  return { state: "agreed", remove, labels: Object.fromEntries(labels), by: answered };
}
