// ◇ Browser-safe. From judgements to decisions, as `derive --decisions` replays them.
// Source: our own. Invariants: only what is agreed or settled becomes a decision; a label that stays as recorded needs none;
// free notes stay in the log.
import { AppError } from "../core/errors.ts";
import { BETWEEN_NAMES } from "../core/words.ts";
import { type Annotation, thingOf } from "./annotation.ts";
import type { Standing } from "./standing.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** Columns of a decisions file. */
export const DECISION_COLUMNS = [
  "who",
  "when",
  "what",
  "why",
  "image_id",
  "user_id",
  "gender",
  "age",
  "race",
] as const;

/** One line of a decisions file; empty where nothing is said. */
export type DecisionRow = Readonly<Record<(typeof DECISION_COLUMNS)[number], string>>;

/** What a log comes to. */
export interface Resolved {
  readonly decisions: readonly DecisionRow[];
  /** Decisions that one person alone made. */
  readonly alone: number;
  /** Things whose labels stay as they are recorded. */
  readonly confirmed: number;
  /** Things that nobody answered. */
  readonly open: number;
}

/** As many disputes are named. */
const NAMED = 20;

/**
 * Decisions of a log.
 *
 * @throws AppError("data", "AUDIT_DISPUTED") with the first 20 disputes, until somebody settles them
 * @example resolveAudit(standing(lines)).decisions
 */
export function resolveAudit({ judgements }: Standing): Resolved {
  const things = new Map<string, Annotation[]>();
  for (const one of judgements) things.set(thingOf(one), [...(things.get(thingOf(one)) ?? []), one]);
  const verdicts = [...things].map(([thing, list]) => ({ thing, list, verdict: verdictOf(list) }));
  const disputes = verdicts.flatMap(({ thing, verdict }) =>
    verdict.state === "disputed" ? [`${thing}: ${verdict.why}`] : [],
  );
  if (disputes.length > 0) throw disputed(disputes);
  const decided = verdicts.flatMap(({ list, verdict }) =>
    verdict.state === "agreed" ? [{ row: decisionOf(list[0]!, verdict), by: verdict.by }] : [],
  );
  const made = decided.filter(({ row }) => row !== undefined);
  return {
    decisions: made.map(({ row }) => row!),
    alone: made.filter(({ by }) => peopleOf(by).length === 1).length,
    confirmed: decided.length - made.length,
    open: verdicts.filter(({ verdict }) => verdict.state === "open").length,
  };
}

const peopleOf = (by: readonly Annotation[]) => [...new Set(by.map(({ annotator }) => annotator))];

/** Undefined where the labels stay. */
function decisionOf(
  first: Annotation,
  { remove, labels, by }: Verdict & { state: "agreed" },
): DecisionRow | undefined {
  const changed = Object.entries(labels).filter(
    ([label, value]) => first.recorded[label as keyof typeof labels] !== value,
  );
  if (!remove && changed.length === 0) return undefined;
  const { image_id: image = "", user_id: user } = first;
  return {
    ...{ who: peopleOf(by).join(BETWEEN_NAMES), when: lastOf(by), what: remove ? "remove" : "relabel" },
    why: remove ? reasonsOf(by) : `seen in the picture by ${peopleOf(by).length}`,
    ...{ image_id: image, user_id: image === "" ? user : "" },
    ...{ gender: "", age: "", race: "", ...(remove ? {} : Object.fromEntries(changed)) },
  };
}

const lastOf = (by: readonly Annotation[]) =>
  by.map(({ when }) => when).reduce((last, when) => (Date.parse(when) > Date.parse(last) ? when : last));

const reasonsOf = (by: readonly Annotation[]) =>
  [...new Set(by.flatMap(({ reason }) => reason?.trim() ?? []))].join("; ");

function disputed(lines: readonly string[]): AppError {
  const more = lines.length > NAMED ? [`and ${lines.length - NAMED} more`] : [];
  const message = `Expected judgements that agree, got ${lines.length} disputes`;
  const hint =
    "settle each: a judgement of somebody who has seen them all, with `settles` (the page's queue of disputes)";
  return new AppError("data", "AUDIT_DISPUTED", message, {
    hint,
    lines: [...lines.slice(0, NAMED), ...more],
  });
}
