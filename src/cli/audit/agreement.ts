// `facehand audit agreement`: how far people agree who judged the same pairs, and what that says of the labels.
import type { Command } from "commander";
import { FIGURES } from "../../audit/agreement.ts";
import {
  type AgreementRow,
  type AuditSummary,
  type LabelError,
  summarizeAudit,
} from "../../audit/summary.ts";
import { REPLICATES } from "../../evaluate/intervals/intervals.ts";
import {
  alignColumns,
  count,
  figure,
  intervalText,
  LABEL_NOTE,
  TOO_SMALL,
} from "../../report/figure-text.ts";
import { type Context, jsonOption, minSubjectsOption, verb, wholeNumber } from "../context.ts";
import { openLog } from "./open-log.ts";

interface Flags {
  readonly bootstrap: number;
  readonly minSubjects: number;
  readonly json?: boolean | undefined;
}

const TITLES = {
  percent: "percent agreement",
  kappa: "Cohen's kappa",
  alpha: "Krippendorff's alpha",
} as const;

/** `facehand audit agreement`. */
export function auditAgreementCommand({ print }: Context): Command {
  return verb(
    "agreement",
    "percent agreement, Cohen's kappa, Krippendorff's alpha, and the labels' estimated error",
  )
    .argument("<log>", "annotations.jsonl")
    .option(
      "--bootstrap <n>",
      "draws over subjects for the intervals",
      wholeNumber("--bootstrap", 100, 1_000_000),
      REPLICATES,
    )
    .addOption(minSubjectsOption())
    .addOption(jsonOption())
    .action(async (path: string, { bootstrap, minSubjects, json }: Flags) => {
      const { log, heading, unfinishedBytes } = await openLog(path);
      const summary = summarizeAudit(log, { replicates: bootstrap, minSubjects });
      const { reverted, replaced } = log;
      const found = { note: LABEL_NOTE, ...summary, reverted, replaced, unfinishedBytes };
      print(json === true ? JSON.stringify(found, null, 2) : text(heading, summary, minSubjects));
    });
}

function text(heading: string, { rows, errors, perThing }: AuditSummary, minSubjects: number): string {
  const shown = rows.filter(({ small }) => !small);
  const small = rows.length - shown.length;
  return [
    `${heading} ${perThing.toFixed(2)} judgements each.`,
    ...(rows.length === 0 ? ["Nothing was judged by two people: there is no agreement to tell."] : []),
    ...(shown.length === 0 ? [] : [table(shown)]),
    ...(small === 0
      ? []
      : [`${small} rows rest on fewer than ${minSubjects} subjects: ${TOO_SMALL} for a figure.`]),
    ...errors.map((error) => errorText(error, minSubjects)),
    "Intervals: 95 %, over subjects. A judgement made beside the label, a prediction or what others said leans on it; blind counts the rest.",
    LABEL_NOTE,
  ].join("\n");
}

function table(rows: readonly AgreementRow[]): string {
  const head = [
    "question",
    "recorded",
    "things",
    "subjects",
    "blind",
    ...FIGURES.map((name) => TITLES[name]),
  ];
  const cells = rows.map((row) => [
    row.question === "keep" ? "keep or remove" : row.question,
    row.group === undefined ? "all" : `${row.group.label} ${row.group.value}`,
    ...[row.things, row.subjects, row.blind].map(count),
    ...FIGURES.map((name) => cell(row, name)),
  ]);
  return alignColumns([head, ...cells]);
}

function cell(row: AgreementRow, name: (typeof FIGURES)[number]): string {
  const value = row[name];
  return value.estimate === null ? "-" : `${figure(value.estimate)} ${intervalText(value)}`;
}

function errorText(
  { label, things, subjects, wrong, open, small, rate }: LabelError,
  minSubjects: number,
): string {
  const rest = open > 0 ? `; ${count(open)} more disputed, removed or unsure` : "";
  const of = `${count(wrong)} of ${count(things)} pairs of the random control sample (${count(subjects)} subjects${rest})`;
  const tells = small
    ? `fewer than ${minSubjects} subjects: ${TOO_SMALL} for a rate`
    : `${figure(rate.estimate)} ${intervalText(rate)}`;
  return `Recorded ${label} taken for wrong: ${of}: ${tells}.`;
}
