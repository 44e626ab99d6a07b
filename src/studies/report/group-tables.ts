// Tables by recorded group of one run: rates with intervals, and how far groups are apart, each within one modality and
// one vocabulary. Figures that rest on too few subjects are too small, wherever they would stand (evaluate/metrics/small.ts).
// Words: groups are what somebody recorded.

import { withinId, withinWords } from "../../evaluate/analysis/strata.ts";
import { summarize } from "../../evaluate/analysis/summary.ts";
import type { GroupTableIntervals } from "../../evaluate/intervals/group-intervals.ts";
import type { GroupMetrics, GroupTable } from "../../evaluate/metrics/groups.ts";
import { GROUP_METRICS } from "../../evaluate/metrics/table.ts";
import { CLASS_MIX, METRIC_TITLES } from "../../report/figure-text.ts";
import { groupName, lacksAccuracy, rareClassNote, worstName } from "../../report/format-groups.ts";
import {
  count,
  INTERVAL_NOTE,
  intervalCell,
  type ReportTable,
  rate,
  type TableRow,
  tooSmall,
  withoutSmallColumns,
  words,
} from "../../report/table.ts";
import type { Judging } from "./comparison-table.ts";
import { type Labelled, type RunResult, rowsOf, type StudyResults, sourceId } from "./results.ts";
import { shortNames } from "./short-names.ts";

/** Sets of keys that are broken down; those without a recorded value are left out. */
const GROUPS = [["age"], ["race"], ["gesture"], ["race", "age"]];

type Split = StudyResults["split"];

/** One run as tables name it: a study's, or one that stands alone. */
export interface ShownRun {
  /** Its configuration and seed, in words. */
  readonly name: string;
  /** Ends the ids of its tables. */
  readonly suffix: string;
  readonly sources: readonly string[];
  /** All splits. */
  readonly rows: readonly Labelled[];
}

/** A study's run as tables name it. */
export function shownRun(run: RunResult, study: StudyResults["study"]): ShownRun {
  const { cell, seed, rows } = run;
  return {
    name: `${shortNames(study.cells).get(cell.id)!}, seed ${seed}`,
    suffix: runSuffix(run, study),
    sources: [sourceId(run)],
    rows,
  };
}

/** Architecture, set and modality where a study has several, and seed: the name of a shown run in files. */
export function runSuffix({ cell, seed }: RunResult, { cells }: StudyResults["study"]): string {
  const several = (of: (cell: RunResult["cell"]) => string) => new Set(cells.map(of)).size > 1;
  const modality = cell.axes["modality"] ?? "both";
  return [
    cell.arch,
    ...(several(({ data }) => data) ? [cell.data] : []),
    ...(modality === "both" ? [] : [modality]),
    `seed${seed}`,
  ].join("-");
}

/** Group tables of one run, by its stored predictions. */
export function groupTables(run: ShownRun, split: Split, judging: Judging): ReportTable[] {
  const rows = rowsOf(run.rows, split);
  const summary = summarize(rows, { ...judging, groups: GROUPS, groupIntervals: true });
  return summary.byGroup.flatMap((table, t) => {
    const intervals = summary.groupIntervals![t]!;
    const within = withinWords(table.within);
    const id = `${table.keys.join("-")}-${withinId(table.within)}-${run.suffix}`;
    const of = `${within}, ${run.name}, split ${split}`;
    const shown = withoutSmallColumns(
      {
        id: `groups-${id}`,
        title: `By ${table.keys.join(" x ")}: ${of}`,
        note: `Share of ${within} decided as recorded. ${INTERVAL_NOTE} Too small: the figure rests on under ${table.minSubjects} subjects (a rate of females on those recorded so).`,
        header: [
          "group",
          "images",
          "subjects",
          "female",
          "male",
          ...GROUP_METRICS.map((metric) => METRIC_TITLES[metric]),
        ],
        rows: table.groups.map((group, g) => groupRow(group, intervals.groups[g]!, run.sources)),
      },
      table.minSubjects,
    );
    return [shown, ...spreadTable(table, intervals, { id: `spread-${id}`, of, sources: run.sources })];
  });
}

function groupRow(
  group: GroupMetrics,
  intervals: GroupTableIntervals["groups"][number],
  sources: readonly string[],
): TableRow {
  const counts = [group.nImages, group.nSubjects, group.nSubjectsFemale, group.nSubjectsMale].map(count);
  const figures = GROUP_METRICS.map((metric) =>
    group.tooSmall.includes(metric) ? tooSmall : intervalCell(intervals[metric]),
  );
  return { cells: [words(groupName(group.group)), ...counts, ...figures], sources };
}

function spreadTable(
  table: GroupTable,
  { spreads }: GroupTableIntervals,
  { id, of, sources }: { readonly id: string; readonly of: string; readonly sources: readonly string[] },
): ReportTable[] {
  const rows = GROUP_METRICS.flatMap((metric): TableRow[] => {
    const comparison = table.comparisons.find((known) => known.metric === metric);
    const interval = spreads.find((known) => known.metric === metric);
    if (comparison === undefined || interval === undefined) return [];
    const { nGroups, errorMaxMin, errorMaxGeomean } = comparison;
    const cells = [
      words(METRIC_TITLES[metric]),
      count(nGroups),
      intervalCell(interval.difference),
      intervalCell(interval.ratio),
      rate(errorMaxMin, 2),
      rate(errorMaxGeomean, 2),
      words(worstName(comparison)),
      intervalCell(interval.worst),
    ];
    return [{ cells, sources }];
  });
  if (lacksAccuracy(table)) {
    const refused = Array.from({ length: 4 }, () => words(CLASS_MIX));
    const cells = [words(METRIC_TITLES.accuracy), count(0), ...refused, words("-"), words("-")];
    rows.unshift({ cells, sources });
  }
  if (rows.length === 0) return [];
  return [
    {
      id,
      title: `Spread between groups of ${table.keys.join(" x ")}: ${of}`,
      note: `Over groups whose figure rests on at least ${table.minSubjects} subjects. Difference: largest minus smallest; ratio: smallest over largest; error max/min and max/geomean: of 1 - rate. Intervals of difference and ratio hold whichever groups are the best and the worst (all groups' intervals at once, Bonferroni), so they are wide; that of the worst group is its own, and does not know that it was chosen.${rareClassNote(table).map((note) => ` ${note}.`)}`,
      header: [
        "figure",
        "groups",
        "difference",
        "ratio",
        "error max/min",
        "error max/geomean",
        "worst group",
        "its value",
      ],
      rows,
    },
  ];
}
