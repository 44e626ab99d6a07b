// ◇ Browser-safe. Figures over seeds as text: what format.ts is for one run.

import type { SeedJudgement, SeedPart, SeedsSummary, SeedTable } from "../evaluate/analysis/seed-summary.ts";
import { withinWords } from "../evaluate/analysis/strata.ts";
import type { ImageCounts, Part } from "../evaluate/analysis/summary.ts";
import { METRICS, type MetricName } from "../evaluate/metrics/table.ts";
import {
  alignTable,
  count,
  dropSmallColumns,
  FEW,
  figure,
  fitLines,
  LABEL_NOTE,
  METRIC_TITLES,
  TOO_SMALL,
} from "./figure-text.ts";
import { formatHeading, partNotes, withoutTwin } from "./format.ts";
import { GROUP_COLUMNS, groupName } from "./format-groups.ts";

/**
 * Names the seeds that figures are of, e.g. `seeds 42, 123, 999 (n 3)`.
 *
 * @example seedsText([42])
 */
export function seedsText(seeds: readonly number[]): string {
  return `${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")} (n ${seeds.length})`;
}

/** `mean ± std`, or that it is too small; `-` where a seed leaves the metric undefined. */
export function meanText({ metrics, tooSmall, few }: SeedJudgement, metric: MetricName): string {
  if (tooSmall.includes(metric)) return TOO_SMALL;
  const summary = metrics[metric];
  if (summary === null) return "-";
  const spread = summary.std === null ? "" : ` ± ${figure(summary.std)}`;
  return `${figure(summary.mean)}${spread}${few.includes(metric) ? FEW : ""}`;
}

/**
 * A summary over seeds as aligned text; its first line names the seeds.
 *
 * @param images - how the images were chosen, for the first line
 * @returns lines without colour, no trailing newline
 * @example console.log(formatSeedsSummary(summarizeSeeds(runs)))
 */
export function formatSeedsSummary(summary: SeedsSummary, images?: ImageCounts): string {
  const { seeds, overall, byModality, minSubjects } = summary;
  const parts = withoutTwin([overall, ...byModality]);
  const note = seeds.length === 1 ? "One seed: no spread." : "mean ± sample std over seeds (ddof 1)";
  return [
    formatHeading(summary, images, `, ${seedsText(seeds)}`),
    LABEL_NOTE,
    `${note}\n${formatParts(parts)}`,
    partNotes(parts, minSubjects),
    formatRuns(summary),
    ...summary.byGroup.map(formatTable),
  ]
    .filter((block) => block !== "")
    .map(fitLines)
    .join("\n\n");
}

function formatParts(parts: readonly SeedPart[]): string {
  return alignTable([
    ["", ...parts.map(({ name }) => name)],
    ["images", ...parts.map(({ nImages }) => count(nImages))],
    ["subjects", ...parts.map(({ nSubjects }) => count(nSubjects))],
    ...METRICS.map((metric) => [METRIC_TITLES[metric], ...parts.map((part) => meanText(part, metric))]),
  ]);
}

/** Each single seed, as far as the limit lets it be shown. */
function formatRuns({ runs, byModality }: SeedsSummary): string {
  const cell = ({ metrics, tooSmall }: Part) =>
    tooSmall.includes("balancedAccuracy") ? TOO_SMALL : figure(metrics.balancedAccuracy);
  const names = withoutTwin(["all", ...byModality.map(({ name }) => name)]);
  return alignTable([
    ["balanced accuracy", ...names],
    ...runs.map(({ seed, summary }) => [
      `  seed ${seed}`,
      ...withoutTwin([summary.overall, ...summary.byModality]).map(cell),
    ]),
  ]);
}

function formatTable({ keys, within, minSubjects, groups }: SeedTable): string {
  const header = [
    `${keys.join(" x ")}, ${withinWords(within)}`,
    "images",
    "subjects",
    ...GROUP_COLUMNS.map((metric) => METRIC_TITLES[metric]),
  ];
  const body = groups.map((group) => [
    groupName(group.group),
    count(group.nImages),
    count(group.nSubjects),
    ...GROUP_COLUMNS.map((metric) => meanText(group, metric)),
  ]);
  const { rows, note } = dropSmallColumns([header, ...body], minSubjects);
  const small = rows.flat().includes(TOO_SMALL);
  return [
    alignTable(rows),
    ...(note === undefined ? [] : [note]),
    ...(small ? [`${TOO_SMALL}: the figure rests on under ${minSubjects} subjects`] : []),
  ].join("\n");
}
