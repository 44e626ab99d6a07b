// Applies the rules of clean.ts to one frame: from a derivation's journal, or from a row of its ledger.
// Invariant: there is one answer: the court and the report both get a rule's verdict on a frame here.

import type { LedgerColumn } from "../../dataset/ledger-columns.ts";
import { MEASURES } from "../../dataset/ledger-columns.ts";
import type { SubjectLabel } from "../hagrid/labels.ts";
import type { FrameResult } from "../run/journal.ts";
import { type Facts, type Judged, RULE_NAMES, type RuleName, type RuleSettings, ruleOf } from "./clean.ts";
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
  readonly bits?: number | undefined;
}

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
 * The facts of a frame from its row of the ledger.
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
    ...(row.twin ? factsOfTwin({ id: row.twin, bits }) : {}),
  };
}

/**
 * A rule's verdict on a frame.
 *
 * @returns undefined if it does not remove it, or has nothing to judge
 * @example judge("blur", { face_sharpness: 4 }, ruleSettings())?.reason // "blurred"
 */
export function judge(name: RuleName, facts: Facts, settings: RuleSettings): Verdict | undefined {
  const { reason, never, removes, ...rule } = ruleOf(name);
  const value = rule.value(facts);
  if (value === undefined) return undefined;
  if (never !== undefined && value <= never) return { reason, detail: facts.votes ?? "" };
  const threshold = settings[name];
  const broken = threshold !== null && (removes === "below" ? value < threshold : value > threshold);
  if (!broken) return undefined;
  const word = rule.word ?? rule.columns.find((column) => facts[column as Judged] === value);
  const plain = `${word} ${value} ${removes} ${threshold}`;
  return { reason, detail: rule.detail?.(facts, plain) ?? plain };
}

/**
 * The verdict of all rules on a frame: the first reason in the order of REASONS.
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
