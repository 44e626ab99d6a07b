// Asks the rules of clean.ts about one frame: of a derivation's journal, or as its ledger tells it.
// Invariant: there is one answer: whoever wants to know what a rule says of a frame, the court or the report, asks here.

import type { LedgerColumn } from "../../dataset/ledger-columns.ts";
import { MEASURES } from "../../dataset/ledger-columns.ts";
import type { SubjectLabel } from "../hagrid/labels.ts";
import type { FrameResult } from "../run/journal.ts";
import { type Judged, RULE_NAMES, RULES, type RuleName, type RuleSettings } from "./clean.ts";
import { REASONS, type Reason } from "./reasons.ts";

/** Why a frame is removed. */
export interface Verdict {
  readonly reason: Reason;
  readonly detail: string;
}

/** An earlier kept frame that a frame repeats. */
export interface Twin {
  readonly id: string;
  /** Bits of the perceptual hash that differ; undefined where the very bytes are the same. */
  readonly bits?: number;
}

/** What rules judge of one frame; a number that has no meaning for it is absent. */
export type Facts = { readonly [J in Judged]?: number | undefined } & {
  readonly twin?: string | undefined;
  readonly votes?: string | undefined;
};

/**
 * The facts of a frame that is known.
 *
 * @param frame - its journal entry, relabelled where a decision did
 * @param label - of its subject; undefined where a decision settled it, so that votes no longer count
 * @param twin - the earlier frame that it repeats
 */
export function factsOf(
  { measures, faceScore, meta }: FrameResult,
  label: SubjectLabel | undefined,
  twin?: Twin,
): Facts {
  return {
    ...measures,
    face_score: faceScore,
    gender_entries: meta.gender.length,
    gender_agreement: label && Number(label.agreement.toFixed(4)), // as the ledger has it
    votes: label && `votes female ${label.female}, male ${label.male}`,
    ...factsOfTwin(twin),
  };
}

function factsOfTwin(twin: Twin | undefined): Facts {
  if (twin === undefined) return {};
  return twin.bits === undefined ? { twin: twin.id, repeats: 1 } : { twin: twin.id, twin_bits: twin.bits };
}

/** A row of a ledger as text; columns that it lacks are absent. */
export type LedgerText = { readonly [C in LedgerColumn]?: string | undefined };

/**
 * The facts of a frame as its ledger tells them.
 *
 * @param settled - a decision settled the label of its subject
 */
export function factsOfRow(row: LedgerText, settled: boolean): Facts {
  const number = (cell: string | undefined) => (cell === undefined || cell === "" ? undefined : Number(cell));
  const bits = number(row.twin_bits);
  return {
    ...Object.fromEntries(MEASURES.map((name) => [name, number(row[name])])),
    face_score: number(row.face_score),
    gender_entries: number(row.gender_entries),
    gender_agreement: settled ? undefined : row.gender_votes === "0" ? 0 : number(row.gender_agreement),
    ...(row.twin ? factsOfTwin({ id: row.twin, ...(bits === undefined ? {} : { bits }) }) : {}),
  };
}

/** The number that a rule judges, and which it is; undefined if it has nothing to judge. */
export function judgedValue(name: RuleName, facts: Facts): { value: number; what: Judged } | undefined {
  let least: { value: number; what: Judged } | undefined;
  for (const what of RULES[name].judged) {
    const value = facts[what];
    if (value !== undefined && (least === undefined || value < least.value)) least = { value, what };
  }
  return least;
}

/**
 * What a rule says of a frame.
 *
 * @returns undefined if it does not remove it, or has nothing to judge
 * @example judge("blur", { face_sharpness: 4 }, ruleSettings())?.reason // "blurred"
 */
export function judge(name: RuleName, facts: Facts, settings: RuleSettings): Verdict | undefined {
  const judged = judgedValue(name, facts);
  if (judged === undefined) return undefined;
  const { value } = judged;
  const rule = RULES[name];
  if ("never" in rule && value <= rule.never) return { reason: rule.reason, detail: facts.votes ?? "" };
  const threshold = settings[name];
  const broken = threshold !== null && (rule.removes === "below" ? value < threshold : value > threshold);
  return broken ? { reason: rule.reason, detail: tell(name, judged, settings, facts) } : undefined;
}

const WORDS: { readonly [J in Judged]?: string } = {
  gender_entries: "entries",
  face_score: "score",
  gender_agreement: "agreement",
};

function tell(
  name: RuleName,
  { value, what }: { value: number; what: Judged },
  settings: RuleSettings,
  { twin, votes }: Facts,
): string {
  if (what === "repeats") return `same bytes as ${twin}`;
  if (what === "twin_bits") return `${value} bits from ${twin}`;
  const told = `${WORDS[what] ?? what} ${value} ${RULES[name].removes} ${settings[name]}`;
  return what === "gender_agreement" ? `${told}, ${votes}` : told;
}

/**
 * What all rules say of a frame: the first reason in the order of REASONS.
 *
 * @param made - why no pair can be made of it, if so
 * @returns undefined if nothing speaks against it
 */
export function judgeAll(
  facts: Facts,
  settings: RuleSettings,
  made: Verdict | undefined,
): Verdict | undefined {
  return [made, ...RULE_NAMES.map((name) => judge(name, facts, settings))]
    .filter((verdict) => verdict !== undefined)
    .sort((a, b) => REASONS.indexOf(a.reason) - REASONS.indexOf(b.reason))[0];
}
