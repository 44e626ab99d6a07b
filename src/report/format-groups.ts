// ◇ Browser-safe. Group tables as aligned text: figures of each group, and how far groups are apart.

import { withinWords } from "../evaluate/analysis/strata.ts";
import type { BootstrapIntervals, BootstrapMetric } from "../evaluate/intervals/bootstrap.ts";
import type { GroupTableIntervals, SpreadIntervals } from "../evaluate/intervals/group-intervals.ts";
import type { Comparison, GroupMetrics, GroupTable } from "../evaluate/metrics/groups.ts";
import { GROUP_METRICS, type MetricName } from "../evaluate/metrics/table.ts";
import {
  alignTable,
  CLASS_MIX,
  count,
  dropSmallColumns,
  figure,
  intervalText,
  METRIC_TITLES,
  TOO_SMALL,
} from "./figure-text.ts";

/** Metrics of a table of groups. */
export const GROUP_COLUMNS = [...GROUP_METRICS, "rocAuc", "ece"] as const;
const SPREAD_COLUMNS = [...GROUP_METRICS, "rocAuc"] as const;

/** One group table. */
export function formatGroups(table: GroupTable, intervals?: GroupTableIntervals): string {
  const header = [
    `${table.keys.join(" x ")}, ${withinWords(table.within)}`,
    "images",
    "subjects",
    "female / male subjects",
    ...GROUP_COLUMNS.map((m) => METRIC_TITLES[m]),
  ];
  const rows = table.groups.map((group, g) => groupRow(group, intervals?.groups[g]));
  const { rows: shown, note } = dropSmallColumns([header, ...rows], table.minSubjects);
  const small = shown.slice(1).flat().includes(TOO_SMALL);
  const compared = table.comparisons.filter(({ metric }) =>
    (SPREAD_COLUMNS as readonly string[]).includes(metric),
  );
  return [
    alignTable(shown),
    ...(note === undefined ? [] : [note]),
    ...(small
      ? [`${TOO_SMALL}: the figure rests on under ${table.minSubjects} subjects; it is not compared`]
      : []),
    ...(compared.length === 0 && !lacksAccuracy(table)
      ? []
      : [formatComparisons(compared, intervals?.spreads, lacksAccuracy(table))]),
    ...rareClassNote(table),
  ].join("\n");
}

/** Whether groups are large enough to be compared in accuracy, but too few of them have enough of both recorded classes. */
export function lacksAccuracy({ groups, comparisons, rareClass }: GroupTable): boolean {
  const large = groups.filter(({ compared }) => compared).length;
  return rareClass.length > 0 && large >= 2 && !comparisons.some(({ metric }) => metric === "accuracy");
}

/** Which groups with too few subjects of a recorded class are not compared with the others, if there are others. */
export function rareClassNote({ groups, rareClass, minSubjects }: GroupTable): string[] {
  if (rareClass.length === 0 || groups.filter(({ compared }) => compared).length < 2) return [];
  const names = rareClass.map(groupName).join(", ");
  return [
    `${CLASS_MIX}: no gap but of TPR is shown with groups of which under ${minSubjects} subjects are recorded as female, or under ${minSubjects} as male (${names}): it would be one of the classes, not of the groups`,
  ];
}

function groupRow(group: GroupMetrics, intervals?: BootstrapIntervals): string[] {
  return [
    groupName(group.group),
    count(group.nImages),
    count(group.nSubjects),
    `${count(group.nSubjectsFemale)} / ${count(group.nSubjectsMale)}`,
    ...GROUP_COLUMNS.map((metric) => groupFigure(group, metric, intervals)),
  ];
}

/** The values of a group's keys, as text. */
export const groupName = (group: Readonly<Record<string, string>>) =>
  Object.values(group)
    .map((value) => (value === "" ? "not recorded" : value))
    .join(" x ");

/** The worst group's name; where all groups are alike, none is. */
export const worstName = ({ worst, difference }: Comparison) =>
  difference === 0 ? "none, all alike" : groupName(worst);

function groupFigure(group: GroupMetrics, metric: MetricName, intervals?: BootstrapIntervals): string {
  if (group.tooSmall.includes(metric)) return TOO_SMALL;
  const value = figure(group.metrics[metric]);
  if (intervals === undefined || group.metrics[metric] === null || !(metric in intervals)) return value;
  return `${value} ${intervalText(intervals[metric as BootstrapMetric])}`;
}

function formatComparisons(
  comparisons: readonly Comparison[],
  spreads: readonly SpreadIntervals[] = [],
  withoutAccuracy = false,
): string {
  const row = (c: Comparison) => {
    const spread = spreads.find(({ metric }) => metric === c.metric);
    const withInterval = (value: number | null, name: "difference" | "ratio" | "worst") =>
      spread === undefined || value === null
        ? figure(value)
        : `${figure(value)} ${intervalText(spread[name])}`;
    return [
      `  ${METRIC_TITLES[c.metric]}`,
      withInterval(c.difference, "difference"),
      withInterval(c.ratio, "ratio"),
      figure(c.errorMaxMin, 2),
      figure(c.errorMaxGeomean, 2),
      worstName(c),
      withInterval(spread?.worst.estimate ?? c.min, "worst"),
    ];
  };
  const header = ["  between groups", "difference", "ratio", "error max/min", "error max/geomean"];
  const refused = [`  ${METRIC_TITLES.accuracy}`, ...Array.from({ length: 4 }, () => CLASS_MIX), "-", "-"];
  return alignTable([
    [...header, "worst group", "its value"],
    ...(withoutAccuracy ? [refused] : []),
    ...comparisons.map(row),
  ]);
}
