// ◇ Browser-safe. What the address says of an audit: which queue, what is asked, and how a queue is drawn.
// Source: our own. Invariants: a second pass is always blind; what reveals a label by its nature never is.
import { JUDGED_LABELS, type JudgedLabel } from "../../../audit/annotation.ts";
import { RULE_NAMES, RULES, type RuleName } from "../../../derive/judge/clean.ts";
import type { Choices } from "../../app/address.ts";
import { CONTROL_SIZE, QUEUES, type QueueName } from "./queues.ts";

/** How a queue is shown. */
export interface QueueKind {
  readonly title: string;
  readonly what: string;
  readonly key: string;
  readonly blind: "never" | "may" | "always";
  /** What of others' or of models' answers is on the screen. */
  readonly shows?: "predictions" | "judgements" | undefined;
}

/** All queues, in the order in which they are offered. */
export const QUEUE_KINDS: { readonly [queue in QueueName]: QueueKind } = {
  control: {
    title: "Random control sample",
    what: "Pairs drawn at random. The labels' own error, and that of the audit, are estimated from these alone.",
    key: "a",
    blind: "may",
  },
  "second-pass": {
    title: "Blind second pass",
    what: "Pairs that somebody else judged, without label, predictions or what they said: what agreement is computed from.",
    key: "b",
    blind: "always",
  },
  contradictions: {
    title: "Face and hand contradict the label",
    what: "Pairs whose two pictures are both predicted against the record, by runs that were not trained on them.",
    key: "d",
    blind: "never",
    shows: "predictions",
  },
  conflicts: {
    title: "Conflicting subjects",
    what: "Subjects with two recorded genders, or of whose frames some were recorded otherwise: all of a subject is judged at once.",
    key: "e",
    blind: "never",
  },
  "near-threshold": {
    title: "Near a threshold",
    what: "Kept pairs that a cleaning rule would almost have removed, nearest first.",
    key: "g",
    blind: "never",
  },
  filter: {
    title: "Chosen by filter",
    what: "Pairs of recorded groups of your choice.",
    key: "h",
    blind: "never",
  },
  disputes: {
    title: "Disputes",
    what: "What people said otherwise, with their answers: whoever judges here has the last word.",
    key: "i",
    blind: "never",
    shows: "judgements",
  },
};

/** What the address asks for. */
export interface Plan {
  /** None: queues are offered. */
  readonly queue?: QueueName | undefined;
  readonly asked: JudgedLabel;
  readonly blind: boolean;
  readonly size: number;
  readonly seed: number;
  /** What was skipped is shown again. */
  readonly again: boolean;
  /** Agreement is shown. */
  readonly agreement: boolean;
}

/** Largest number that is a size or a seed. */
const MOST = 1_000_000;

/** Reads the address; what it does not say, or not well, is as usual. */
export function planOf(choices: Choices): Plan {
  const one = (name: string) => choices[name]?.[0];
  const queue = QUEUES.find((name) => name === one("queue"));
  const blind = queue === undefined ? "never" : QUEUE_KINDS[queue].blind;
  return {
    queue,
    asked: JUDGED_LABELS.find((label) => label === one("ask")) ?? "gender",
    blind: blind === "always" || (blind === "may" && one("blind") === "yes"),
    size: wholeOf(one("size"), 1) ?? CONTROL_SIZE,
    seed: wholeOf(one("seed"), 0) ?? 0,
    again: one("again") === "yes",
    agreement: one("panel") === "agreement",
  };
}

/** Rules that a single frame may be near to: not those that compare it with others, and none without a number. */
export const NEAR_RULES: readonly RuleName[] = RULE_NAMES.filter(
  (name) => name !== "label" && !("beside" in RULES[name]),
);

/** The rule whose threshold a queue is near to. */
export const ruleOfChoice = (choices: Choices): RuleName =>
  NEAR_RULES.find((name) => name === choices["rule"]?.[0]) ?? "blur";

/** A whole number from a text, undefined for any other. */
export function wholeOf(text: string | undefined, least: number): number | undefined {
  const value = /^\d{1,7}$/.test(text ?? "") ? Number(text) : Number.NaN;
  return value >= least && value <= MOST ? value : undefined;
}

/** Classes of a label, in their order, with a key each: the first letter of a sex, further letters for longer lists. */
export function classKeys(
  classes: readonly string[],
): readonly (readonly [value: string, key: string | undefined])[] {
  if (classes.every((value) => value === "female" || value === "male"))
    return classes.map((value) => [value, value[0]!]);
  return classes.map((value, at) => [value, LETTERS[at]]);
}

/** Letters that no other key of the judging screen has. */
const LETTERS = "abdeghiklopt";
