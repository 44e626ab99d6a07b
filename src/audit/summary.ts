// ◇ Browser-safe. What a log says about its people and about the labels: agreement by question and recorded group, and the
// error of the recorded labels, estimated from the pairs that were drawn at random.
// Source: our own. Invariants: who settles disputes saw what others said and is left out of agreement; a row of few subjects
// is counted, not judged; labels are apparent, and agreement of people is no truth about a person.
import { LEVEL, REPLICATES } from "../evaluate/intervals/intervals.ts";
import { SMALL_SUBJECTS } from "../evaluate/metrics/small.ts";
import { type Agreement, agreementOf, type Rated } from "./agreement.ts";
import {
  type Annotation,
  answer,
  CONTROL_QUEUE,
  JUDGED_LABELS,
  type JudgedLabel,
  QUESTIONS,
  type Question,
  thingOf,
} from "./annotation.ts";
import type { Standing } from "./standing.ts";
import { verdictOf } from "./verdict.ts";

/** How figures are made. */
export interface AuditOptions {
  /** Draws of subjects; default 2000. */
  readonly replicates?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
  /** Fewer are counted, not judged; default 20. */
  readonly minSubjects?: number | undefined;
}

/** One row: a question, asked of all things or of those of one recorded group. */
export interface AgreementRow extends Agreement {
  readonly question: Question;
  readonly group?: { readonly label: JudgedLabel; readonly value: string } | undefined;
  /** Too few subjects for a figure. */
  readonly small: boolean;
  /** Things that two or more judged without seeing the label, a prediction, or what others said. */
  readonly blind: number;
}

/** What the random control sample says about the labels: shares of pairs whose recorded label people took for wrong. */
export interface LabelError {
  readonly label: JudgedLabel;
  /** Pairs with an agreed or settled label. */
  readonly things: number;
  readonly subjects: number;
  readonly wrong: number;
  /** Pairs of the sample without one: disputed, removed, unsure. */
  readonly open: number;
  readonly small: boolean;
  /** Share of `things`, with an interval over subjects. */
  readonly rate: Agreement["percent"];
}

/** A whole audit. */
export interface AuditSummary {
  readonly things: number;
  readonly subjects: number;
  readonly judgements: number;
  readonly annotators: number;
  /** Mean number of judgements of a thing, as RAI metadata calls it annotations per item. */
  readonly perThing: number;
  readonly rows: readonly AgreementRow[];
  readonly errors: readonly LabelError[];
}

/**
 * Agreement and label error of a log.
 *
 * @example summarizeAudit(standing(lines)).rows[0]?.alpha.estimate
 */
export function summarizeAudit(
  { judgements, annotators }: Standing,
  options: AuditOptions = {},
): AuditSummary {
  const things = groupBy(judgements, thingOf);
  const subjects = new Set(judgements.map(({ user_id: user }) => user));
  const rows = QUESTIONS.flatMap((question) => rowsOf(question, things, annotators, options));
  return {
    things: things.size,
    subjects: subjects.size,
    judgements: judgements.length,
    annotators: annotators.length,
    perThing: things.size === 0 ? 0 : judgements.length / things.size,
    rows,
    errors: JUDGED_LABELS.flatMap((label) => errorOf(label, things, options)),
  };
}

type Things = ReadonlyMap<string, readonly Annotation[]>;

function groupBy<T>(values: readonly T[], key: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(key(value), [...(groups.get(key(value)) ?? []), value]);
  return groups;
}

function rowsOf(
  question: Question,
  things: Things,
  annotators: readonly string[],
  options: AuditOptions,
): AgreementRow[] {
  const all = [...things.values()].map((list) => list.filter(({ settles }) => settles !== true));
  const whole = rowOf(question, all, annotators, options);
  if (whole.things === 0) return [];
  const parts = JUDGED_LABELS.flatMap((label) => {
    const groups = groupBy(all, (list) => list[0]?.recorded[label] ?? "");
    const values = [...groups.keys()].filter((value) => value !== "").sort();
    return values.map((value) => ({
      ...rowOf(question, groups.get(value)!, annotators, options),
      group: { label, value },
    }));
  });
  return [whole, ...parts.filter((row) => row.things > 0)];
}

function rowOf(
  question: Question,
  things: readonly (readonly Annotation[])[],
  annotators: readonly string[],
  { replicates = REPLICATES, seed = 0, minSubjects = SMALL_SUBJECTS }: AuditOptions,
): AgreementRow {
  const rated = things.map((list): Rated => {
    const of = (name: string) => list.find(({ annotator }) => annotator === name);
    const answers = annotators.map((name) =>
      of(name) === undefined ? undefined : answer(of(name)!, question),
    );
    return { subject: list[0]?.user_id ?? "", answers };
  });
  const blind = things.filter(
    (list) => list.filter((one) => isBlind(one) && answer(one, question) !== undefined).length >= 2,
  );
  const agreement = agreementOf(rated, { replicates, seed, level: LEVEL });
  return { question, ...agreement, small: agreement.subjects < minSubjects, blind: blind.length };
}

const isBlind = ({ seen }: Annotation) => !seen.label && !seen.predictions && !seen.judgements;

function errorOf(label: JudgedLabel, things: Things, options: AuditOptions): LabelError[] {
  const { replicates = REPLICATES, seed = 0, minSubjects = SMALL_SUBJECTS } = options;
  const sample = [...things.values()].filter((list) =>
    list.some(({ queue, asked }) => queue === CONTROL_QUEUE && asked.includes(label)),
  );
  if (sample.length === 0) return [];
  const judged = sample.flatMap((list) => {
    const recorded = list[0]!.recorded[label] ?? "";
    const verdict = verdictOf(list);
    const found = verdict.state === "agreed" && !verdict.remove ? verdict.labels[label] : undefined;
    return found === undefined || recorded === ""
      ? []
      : [{ subject: list[0]!.user_id, answers: [recorded, found] }];
  });
  // The record and the verdict as two who answered: their disagreement is the error.
  const { things: n, subjects, percent } = agreementOf(judged, { replicates, seed, level: LEVEL });
  const wrong = judged.filter(({ answers: [recorded, found] }) => recorded !== found).length;
  const turned = (rate: number | null) => (rate === null ? null : 1 - rate);
  const rate = {
    ...percent,
    estimate: n === 0 ? null : wrong / n,
    low: turned(percent.high),
    high: turned(percent.low),
  };
  return [
    { label, things: n, subjects, wrong, open: sample.length - n, small: subjects < minSubjects, rate },
  ];
}
