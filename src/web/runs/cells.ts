// ◇ Browser-safe. A figure of one run or of several seeds, as a table's cell has it.
// Invariants: what rests on too few subjects is not shown; over several seeds it is their mean, and says so.
import type { Part, Summary } from "../../evaluate/analysis/summary.ts";
import { overSeeds } from "../../evaluate/intervals/seeds.ts";
import type { MetricName } from "../../evaluate/metrics/table.ts";
import { FEW, figure, intervalText, TOO_SMALL } from "../../report/figure-text.ts";

/** What a cell says, and what it is sorted by. */
export interface Cell {
  readonly text: string;
  /** Behind the figure: its interval over subjects, or its spread over seeds. */
  readonly beside: string;
  readonly value?: number | undefined;
}

/** Metrics that the table can show. */
export const SHOWN_METRICS = [
  "balancedAccuracy",
  "accuracy",
  "tprFemale",
  "tprMale",
  "rocAuc",
  "prAuc",
  "f1Macro",
  "brier",
  "nll",
  "ece",
] as const satisfies readonly MetricName[];

/** A part of a summary: all images, or those of one modality. */
export const partOf = ({ overall, byModality }: Summary, name: string): Part | undefined =>
  name === "overall" ? overall : byModality.find((part) => part.name === name);

/** The cell of one part. */
export function cellOf(summaries: readonly Summary[], name: string, metric: MetricName): Cell {
  const parts = summaries.map((summary) => partOf(summary, name));
  if (parts.length === 0 || parts.includes(undefined)) return { text: "-", beside: "" };
  const known = parts as readonly Part[];
  if (known.some(({ tooSmall }) => tooSmall.includes(metric))) return { text: TOO_SMALL, beside: "" };
  const few = known.some((part) => part.few.includes(metric)) ? FEW : "";
  if (known.length > 1) {
    const found = overSeeds(known.map(({ metrics }) => metrics[metric]));
    if (found === null) return { text: "-", beside: "" };
    return { text: figure(found.mean) + few, beside: `± ${figure(found.std)}`, value: found.mean };
  }
  const { metrics, intervals } = known[0]!;
  const value = metrics[metric] ?? undefined;
  const interval = intervals?.[metric as keyof typeof intervals];
  const beside = value === undefined || interval === undefined ? "" : intervalText(interval);
  return { text: value === undefined ? "-" : figure(value) + few, beside, value };
}
