// ◇ Browser-safe. A table of a report before it is drawn: text with the number behind it, and where the number came from.
// Invariants: rounding happens where `text` is made and nowhere else; every figure names its sources.

import type { Interval } from "../evaluate/intervals/intervals.ts";
import type { SeedSummary } from "../evaluate/intervals/seeds.ts";
import { CANNOT_TELL, dropSmallColumns, figure, intervalText, TOO_SMALL } from "./figure-text.ts";

/** One cell: what is shown, and the unrounded number where there is one. */
export interface TableCell {
  readonly text: string;
  readonly value?: number | undefined;
  readonly bold?: boolean | undefined;
}

/** One row; `sources` are ids of the report's list of sources. */
export interface TableRow {
  readonly cells: readonly TableCell[];
  readonly sources: readonly string[];
}

export interface ReportTable {
  /** File name without its ending, and anchor. */
  readonly id: string;
  readonly title: string;
  /** What the figures are, in sentences. */
  readonly note: string;
  readonly header: readonly string[];
  readonly rows: readonly TableRow[];
}

/** Text without a number. */
export const words = (text: string): TableCell => ({ text });

/** A whole number. */
export const count = (value: number): TableCell => ({ text: String(value), value });

/** A figure with three digits; null is not defined. */
export function rate(value: number | null, digits = 3): TableCell {
  return value === null ? words("-") : { text: figure(value, digits), value };
}

/** `mean ± std`; one seed has no spread. */
export function seedCell(summary: SeedSummary | null): TableCell {
  if (summary === null) return words("-");
  const spread = summary.std === null ? "" : ` ± ${figure(summary.std)}`;
  return { text: `${figure(summary.mean)}${spread}`, value: summary.mean };
}

/** `estimate [low, high]`, or that there is no interval. */
export function intervalCell(interval: Interval): TableCell {
  const { estimate } = interval;
  if (estimate === null) return words("-");
  return { text: `${figure(estimate)} ${intervalText(interval)}`, value: estimate };
}

/** In the place of a figure that rests on too few subjects. */
export const tooSmall = words(TOO_SMALL);

/** What the marks in the place of an interval mean. */
export const INTERVAL_NOTE = `Intervals: 95 % percentile bootstrap over subjects, Wilson by subjects for a rate of 0 or 1; ${CANNOT_TELL}: the draws cannot tell (all are alike, or most have no value).`;

/** A table without the columns of which every figure is too small; its note counts them. */
export function withoutSmallColumns(table: ReportTable, minSubjects: number): ReportTable {
  const text = [table.header, ...table.rows.map(({ cells }) => cells.map((cell) => cell.text))];
  const { shown, note } = dropSmallColumns(text, minSubjects);
  if (note === undefined) return table;
  return {
    ...table,
    note: `${table.note} ${note}.`,
    header: shown.map((k) => table.header[k]!),
    rows: table.rows.map((row) => ({ ...row, cells: shown.map((k) => row.cells[k]!) })),
  };
}

/** True if a table has no figure left: every one rests on too few subjects. */
export function isAllSmall({ rows, note }: ReportTable): boolean {
  const texts = rows.flatMap(({ cells }) => cells.map(({ text }) => text));
  const isSaid = texts.includes(TOO_SMALL) || note.includes("every figure too small");
  return isSaid && !texts.some((text) => /(^|[^\w])\d?\.\d{2}/.test(text));
}

/** A p value: three digits, or that it is smaller. */
export function pCell(p: number | null): TableCell {
  if (p === null) return words("-");
  return { text: p < 0.001 ? "<.001" : figure(p), value: p };
}
