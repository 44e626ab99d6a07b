// A check as text for a terminal: counts by split and group, then the findings, a few of each kind.

import { compareGroupValues } from "../../core/group-order.ts";
import { visible } from "../../core/visible.ts";
import { SPLITS } from "../../core/words.ts";
import { LABEL_NOTE } from "../show.ts";
import type { CheckReport } from "./check.ts";
import { COUNTED, type Counted, type DatasetCounts, type JointCount, SMALL_GROUP } from "./counts.ts";
import { FINDINGS, type Finding, type FindingCode } from "./findings.ts";

/** Findings of one code that are printed; the rest is counted. */
const SHOWN = 5;

/** The report as text, final newline; `--json` has all findings and the joint counts. */
export function formatCheck({ root, counts, images, totals, findings }: CheckReport, shown = SHOWN): string {
  const { serious, warning, note } = totals;
  return `${[
    root,
    ...countLines(counts),
    "",
    ...crossLines(counts),
    "",
    ...findingLines(findings, shown),
    `${images} images opened; findings: ${serious} serious, ${warning} warnings, ${note} notes`,
    `Note: ${LABEL_NOTE}.`,
  ].join("\n")}\n`;
}

/** Pairs (and subjects) by split, in all and by each label; a star marks groups that are too small to compare. */
export function countLines(counts: DatasetCounts): string[] {
  const columns = [...SPLITS, "all"] as const;
  const cell = (n: { pairs: number; subjects: number } | undefined) =>
    n === undefined ? "-" : `${n.pairs} (${n.subjects}${n.subjects < SMALL_GROUP ? "*" : ""})`;
  const rows = [["pairs (subjects)", ...columns]];
  rows.push(["all", ...columns.map((split) => cell(counts.splits.find((n) => n.split === split)))]);
  for (const by of COUNTED) {
    const of = counts.groups.filter((n) => n.by === by);
    for (const value of [...new Set(of.map((n) => n.value))].sort(compareGroupValues)) {
      const values = columns.map((split) => cell(of.find((n) => n.split === split && n.value === value)));
      rows.push([`${by} ${named(value)}`, ...values]);
    }
  }
  return [...aligned(rows), `* under ${SMALL_GROUP} subjects: too small to compare`];
}

/** Labels with more values than this have no column each. */
const MOST_COLUMNS = 8;

/** Pairs by gender and race (columns) and age (rows), of all splits; what has one value only is not shown. */
function crossLines({ joint, splits }: DatasetCounts): string[] {
  const values = (by: Counted) => [...new Set(joint.map((cell) => cell[by]))].sort(compareGroupValues);
  const races = values("race");
  const columnsBy =
    races.length > 1 && races.length * 2 <= MOST_COLUMNS
      ? (["gender", "race"] as const)
      : (["gender"] as const);
  const keyOf = (cell: JointCount) => columnsBy.map((by) => named(cell[by])).join(" ");
  const columns = [...new Set(joint.map(keyOf))].sort();
  const rows = [["pairs", ...columns]];
  for (const age of values("age")) {
    const of = joint.filter((cell) => cell.age === age);
    const pairs = (key: string) =>
      of.filter((cell) => keyOf(cell) === key).reduce((sum, cell) => sum + cell.pairs, 0);
    rows.push([`age ${named(age)}`, ...columns.map((key) => String(pairs(key) || "-"))]);
  }
  const cells = `${joint.length} cells of split x gender x age x race x gesture`;
  return splits.length === 0 ? [] : [...aligned(rows), `--json has all ${cells}, with their subjects`];
}

const named = (value: string) => (value === "" ? "(unknown)" : value);

/** Rows as lines, first column to the left, others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const shown = rows.map((row) => row.map(visible));
  const widths = shown[0]!.map((_, i) => Math.max(...shown.map((row) => row[i]!.length)));
  return shown.map((row) =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join("  "),
  );
}

function findingLines(findings: readonly Finding[], shown: number): string[] {
  const codes = [...new Set(findings.map(({ code }) => code))];
  return codes.flatMap((code) => {
    const of = findings.filter((finding) => finding.code === code);
    const more = of.length > shown ? [`  … and ${of.length - shown} more (--json has all)`] : [];
    return [
      heading(code, of.length),
      ...of.slice(0, shown).map(({ message }) => `  ${message}`),
      ...more,
      "",
    ];
  });
}

function heading(code: FindingCode, count: number): string {
  const { severity, mended } = FINDINGS[code];
  return `${severity}  ${code}  ${count}${mended ? "  (data repair mends it)" : ""}`;
}
