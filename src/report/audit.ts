// ◇ Browser-safe. What an audit found, as sentences and table cells: agreement of people, and the error of recorded labels.
import { FIGURES } from "../audit/agreement.ts";
import { thingOf } from "../audit/annotation.ts";
import type { Standing } from "../audit/standing.ts";
import type { AgreementRow, LabelError } from "../audit/summary.ts";
import { count, figure, intervalText, TOO_SMALL } from "./figure-text.ts";

/** What tables call the figures of agreement. */
export const AGREEMENT_TITLES = {
  percent: "percent agreement",
  kappa: "Cohen's kappa",
  alpha: "Krippendorff's alpha",
} as const;

/** What was asked, as tables call it. */
export const questionText = ({ question }: Pick<AgreementRow, "question">) =>
  question === "keep" ? "keep or remove" : question;

/** One figure with its interval; `-` where it is not defined. */
export function agreementCell(row: AgreementRow, name: (typeof FIGURES)[number]): string {
  const value = row[name];
  return value.estimate === null ? "-" : `${figure(value.estimate)} ${intervalText(value)}`;
}

/** One row of agreement as a sentence. */
export function agreementText(row: AgreementRow): string {
  const on = `${questionText(row)}: ${count(row.things)} pairs of ${count(row.subjects)} subjects judged by two or more, ${count(row.blind)} of them blind`;
  if (row.small) return `Agreement on ${on}: ${TOO_SMALL} for a figure.`;
  const figures = FIGURES.map((name) => `${AGREEMENT_TITLES[name]} ${agreementCell(row, name)}`);
  return `Agreement on ${on}: ${figures.join(", ")} (95 % intervals over subjects).`;
}

/** The estimated error of one label as a sentence. */
export function labelErrorText({ label, things, subjects, wrong, open, small, rate }: LabelError): string {
  const rest = open > 0 ? `; ${count(open)} more disputed, removed or unsure` : "";
  const of = `${count(wrong)} of ${count(things)} pairs of the random control sample (${count(subjects)} subjects${rest})`;
  const tells = small ? `${TOO_SMALL} for a rate` : `${figure(rate.estimate)} ${intervalText(rate)}`;
  return `Recorded ${label} taken for wrong: ${of}: ${tells}.`;
}

/** Heads of the table of agreement; its cells are those of `agreementCells`. */
export const AGREEMENT_HEAD: readonly string[] = [
  "question",
  "recorded",
  "things",
  "subjects",
  "blind",
  ...FIGURES.map((name) => AGREEMENT_TITLES[name]),
];

/** A row of the table of agreement. */
export const agreementCells = (row: AgreementRow): readonly string[] => [
  questionText(row),
  row.group === undefined ? "all" : `${row.group.label} ${row.group.value}`,
  ...[row.things, row.subjects, row.blind].map(count),
  ...FIGURES.map((name) => agreementCell(row, name)),
];

/** Said below every table of agreement. */
export const AGREEMENT_NOTE =
  "Intervals: 95 %, over subjects. A judgement made beside the label, a prediction or what others said leans on it; blind counts the rest.";

/** Said where no two people judged the same. */
export const NO_AGREEMENT = "Nothing was judged by two people: there is no agreement to tell.";

/** What a log consists of, as a sentence. */
export function logText(
  { judgements, annotators, reverted, replaced }: Standing,
  unfinishedBytes = 0,
): string {
  const things = new Set(judgements.map(thingOf)).size;
  const parts = [
    `${count(judgements.length)} judgements of ${count(things)} pairs and subjects by ${annotators.length} annotators`,
    ...(reverted > 0 ? [`${count(reverted)} taken back`] : []),
    ...(replaced > 0 ? [`${count(replaced)} judged again by the same person, of which the last counts`] : []),
    ...(unfinishedBytes > 0 ? [`a last line was cut off: ${count(unfinishedBytes)} bytes left out`] : []),
  ];
  return `${parts.join("; ")}.`;
}
