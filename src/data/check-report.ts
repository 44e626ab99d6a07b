// A check as text for a terminal: counts by split and group, then the findings, a few of each kind.
import type { CheckReport } from "./check.ts";
import { COUNTED, type DatasetCounts, SMALL_GROUP } from "./check-counts.ts";
import { FINDINGS, type Finding, type FindingCode } from "./findings.ts";
import { SPLITS } from "./record.ts";
import { LABEL_NOTE } from "./show.ts";

/** Findings of one code that are printed; the rest is counted. */
const SHOWN = 5;

/** The report as text, final newline; `--json` has all findings and the joint counts. */
export function formatCheck({ root, counts, images, totals, findings }: CheckReport, shown = SHOWN): string {
  const { serious, warning, note } = totals;
  return `${[
    root,
    ...countLines(counts),
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
    for (const value of [...new Set(of.map((n) => n.value))].sort()) {
      const values = columns.map((split) => cell(of.find((n) => n.split === split && n.value === value)));
      rows.push([`${by} ${value === "" ? "(unknown)" : value}`, ...values]);
    }
  }
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join("  "),
  );
  return [...lines, `* under ${SMALL_GROUP} subjects: too small to compare`];
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
