// Figures over seeds as text: what format.ts is for one run. Browser-safe.
import {
  alignColumns,
  count,
  dropSmallColumns,
  FEW,
  figure,
  LABEL_NOTE,
  METRIC_TITLES,
  TOO_SMALL,
} from "./figure-text.ts";
import { formatHeading, partNotes } from "./format.ts";
import { GROUP_COLUMNS, groupName } from "./format-groups.ts";
import { METRICS } from "./metrics.ts";
import type { SeedGroupTable, SeedPart, SeedsSummary } from "./seed-summary.ts";
import type { SeedSummary } from "./seeds.ts";
import { withinWords } from "./strata.ts";
import type { ImageCounts } from "./summary.ts";

/**
 * Says which seeds figures are of, e.g. `seeds 42, 123, 999 (n 3)`.
 *
 * @example seedsText([42])
 */
export function seedsText(seeds: readonly number[]): string {
  return `${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")} (n ${seeds.length})`;
}

/** `mean ± std`; `-` where a seed leaves the metric undefined. */
export function meanText(summary: SeedSummary | null): string {
  if (summary === null) return "-";
  return summary.std === null ? figure(summary.mean) : `${figure(summary.mean)} ± ${figure(summary.std)}`;
}

/**
 * A summary over seeds as aligned text; its first line names the seeds.
 *
 * @param images - how the images were chosen, for the first line
 * @returns lines without colour, no trailing newline
 * @example console.log(formatSeedsSummary(summarizeSeeds(runs)))
 */
export function formatSeedsSummary(summary: SeedsSummary, images?: ImageCounts): string {
  const { seeds, overall, byModality } = summary;
  const note = seeds.length === 1 ? "One seed: no spread." : "mean ± sample std over seeds (ddof 1)";
  return [
    formatHeading(summary, images, `, ${seedsText(seeds)}`),
    LABEL_NOTE,
    `${note}\n${formatParts([overall, ...byModality])}`,
    partNotes([overall, ...byModality], summary.minSubjects),
    formatRuns(summary),
    ...summary.byGroup.map(formatGroups),
  ]
    .filter((block) => block !== "")
    .join("\n\n");
}

function formatParts(parts: readonly SeedPart[]): string {
  const cell = ({ metrics, tooSmall, few }: SeedPart, metric: (typeof METRICS)[number]) =>
    tooSmall.includes(metric) ? TOO_SMALL : `${meanText(metrics[metric])}${few.includes(metric) ? FEW : ""}`;
  return alignColumns([
    ["", ...parts.map(({ name }) => name)],
    ["images", ...parts.map(({ nImages }) => String(nImages))],
    ["subjects", ...parts.map(({ nSubjects }) => String(nSubjects))],
    ...METRICS.map((metric) => [METRIC_TITLES[metric], ...parts.map((part) => cell(part, metric))]),
  ]);
}

function formatRuns({ runs, byModality }: SeedsSummary): string {
  return alignColumns([
    ["balanced accuracy", "all", ...byModality.map(({ name }) => name)],
    ...runs.map(({ seed, summary }) => [
      `  seed ${seed}`,
      ...[summary.overall, ...summary.byModality].map(({ metrics }) => figure(metrics.balancedAccuracy)),
    ]),
  ]);
}

function formatGroups({ keys, within, minSubjects, groups }: SeedGroupTable): string {
  const header = [
    `${keys.join(" x ")}, ${withinWords(within)}`,
    "images",
    "subjects",
    ...GROUP_COLUMNS.map((metric) => METRIC_TITLES[metric]),
  ];
  const body = groups.map(({ group, nImages, nSubjects, tooSmall, metrics }) => [
    groupName(group),
    count(nImages),
    count(nSubjects),
    ...GROUP_COLUMNS.map((metric) => (tooSmall.includes(metric) ? TOO_SMALL : meanText(metrics[metric]))),
  ]);
  const { rows, note } = dropSmallColumns([header, ...body], minSubjects);
  return [alignColumns(rows), ...(note === undefined ? [] : [note])].join("\n");
}
