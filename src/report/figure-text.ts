// ◇ Browser-safe. How single figures are written in text, wherever they are shown: the only place that rounds.
// Words: the label is apparent and recorded by machines or annotators; a figure is agreement with that record.
import { MAX_COLUMNS, visible } from "../core/visible.ts";
import type { Interval } from "../evaluate/intervals/intervals.ts";
import type { SeedSummary } from "../evaluate/intervals/seeds.ts";
import { METRICS, type MetricName, metricRow } from "../evaluate/metrics/table.ts";

/** Printed wherever figures are shown. */
export const LABEL_NOTE =
  "The label is an apparent one, recorded by machines or annotators; it is never a person's identity.";

/** What tables call the metrics. */
export const METRIC_TITLES = Object.fromEntries(
  METRICS.map((metric) => [metric, metricRow(metric).title]),
) as Readonly<Record<MetricName, string>>;

/** What tables call the further targets. */
export const TARGET_TITLES = {
  age: "Apparent age, by bucket",
  race: "Apparent race or skin tone, by class",
} as const;

/** In the place of a figure that rests on too few subjects. */
export const TOO_SMALL = "too small";

/** In the place of a gap between groups that do not each have enough subjects of both recorded classes. */
export const CLASS_MIX = "class mix";

/** In the place of an interval that the draws do not give. */
export const CANNOT_TELL = "[?, ?]";

/** Behind a figure of a whole set that rests on few subjects. */
export const FEW = "*";

/**
 * One figure over seeds as text, e.g. `0.911 ± 0.003 (n 3, sample std)`.
 *
 * @example formatSeeds(seedSummary([0.91, 0.9085, 0.9137]))
 */
export function formatSeeds({ n, mean, std }: SeedSummary): string {
  return std === null
    ? `${figure(mean)} (n 1)`
    : `${figure(mean)} ± ${figure(std)} (n ${n}, sample std, ddof 1)`;
}

/** A figure with its digits, `-` where it is not defined. */
export function figure(value: number | null, digits = 3): string {
  return value === null ? "-" : value.toFixed(digits);
}

/**
 * `[low, high]`, or that the draws give none.
 *
 * @example intervalText({ estimate: 0.9, low: 0.84, high: 0.95, level: 0.95 }) // "[0.840, 0.950]"
 */
export function intervalText({ low, high }: Pick<Interval, "low" | "high">): string {
  return low === null || high === null ? CANNOT_TELL : `[${figure(low)}, ${figure(high)}]`;
}

/** Integer with thousands commas. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 pair`, `2 pairs`. */
export const counted = (n: number, what: string): string => `${count(n)} ${what}${n === 1 ? "" : "s"}`;

/** Aligns cells in columns, the first one left, the others right; two blanks between. */
export function alignColumns(texts: readonly (readonly string[])[]): string {
  const rows = texts.map((row) => row.map(visible)); // a cell of a file stays a cell
  const widths = rows[0]!.map((_, k) => Math.max(...rows.map((row) => row[k]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, k) => (k === 0 ? cell.padEnd(widths[k]!) : cell.padStart(widths[k]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/**
 * Aligns a table whose first row is its header, at most `MAX_COLUMNS` wide where cells allow it. One that is wider gets headers of
 * several lines, and is divided if that is not enough: its parts stand one below the other, each with the first column.
 *
 * @example alignTable([["race, hands", "images"], ["dark", "15"]])
 */
export function alignTable(texts: readonly (readonly string[])[]): string {
  const whole = alignColumns(texts);
  if (widthOf(whole) <= MAX_COLUMNS) return whole;
  const [header = [], ...body] = texts.map((row) => row.map(visible));
  const filled = header.map((_, k) => Math.max(0, ...body.map((row) => row[k]!.length)));
  const heads = header.map((title, k) => (k === 0 ? [title] : wrapWords(title, filled[k]!)));
  const widths = heads.map((lines, k) => Math.max(...lines.map(lengthOf), filled[k]!));
  const parts: number[][] = [];
  let width = 0;
  for (let k = 1; k < widths.length; k++) {
    width += 2 + widths[k]!;
    if (parts.length === 0 || width > MAX_COLUMNS) {
      parts.push([0]);
      width = widths[0]! + 2 + widths[k]!;
    }
    parts.at(-1)!.push(k);
  }
  return parts.map((columns) => alignPart(heads, body, columns)).join("\n");
}

/** Some columns of a table; headers of few lines stand at the bottom of the others. */
function alignPart(
  heads: readonly (readonly string[])[],
  body: readonly (readonly string[])[],
  columns: readonly number[],
): string {
  const tall = Math.max(...columns.map((k) => heads[k]!.length));
  const lines = Array.from({ length: tall }, (_, i) =>
    columns.map((k) => heads[k]![i - tall + heads[k]!.length] ?? ""),
  );
  return alignColumns([...lines, ...body.map((row) => columns.map((k) => row[k]!))]);
}

/** Breaks lines that are wider than `MAX_COLUMNS` at blanks. */
export const fitLines = (text: string): string =>
  text
    .split("\n")
    .flatMap((line) => (line.length > MAX_COLUMNS ? wrapWords(line, MAX_COLUMNS) : [line]))
    .join("\n");

const lengthOf = ({ length }: string) => length;
const widthOf = (text: string) => Math.max(...text.split("\n").map(lengthOf));

/** Lines of whole words, each at most so wide; a longer word has its own. */
function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.match(/^ *\S+|\S+/g) ?? [""]) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * Leaves out columns without a figure of which some cell is too small, and reports it in one line.
 *
 * @param rows - the header first; as many cells in each
 * @returns the rows that are left, and the line; no line if nothing was left out
 * @example dropSmallColumns([["group", "accuracy"], ["70+", "too small"]], 20).note
 */
export function dropSmallColumns(
  rows: readonly (readonly string[])[],
  minSubjects: number,
): { rows: string[][]; note: string | undefined; shown: number[] } {
  const [header = [], ...body] = rows;
  const small = (k: number) =>
    body.some((row) => row[k] === TOO_SMALL) && body.every((row) => [TOO_SMALL, "-", ""].includes(row[k]!));
  const out = header.map((_, k) => k).filter(small);
  const shown = header.map((_, k) => k).filter((k) => !out.includes(k));
  const names = out.map((k) => header[k]!).join(", ");
  const columns = out.length === 1 ? "1 column" : `${out.length} columns`;
  return {
    rows: rows.map((row) => shown.map((k) => row[k]!)),
    note:
      out.length === 0
        ? undefined
        : `${columns} left out, every figure too small (under ${minSubjects} subjects): ${names}`,
    shown,
  };
}
