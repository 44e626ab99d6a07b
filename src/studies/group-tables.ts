// Tables by recorded group of one run: rates with intervals, spread between groups, calibration, abstention, and
// decisions that a perturbation flips. Groups under 20 subjects are counted and shown as too small.
// Words: groups are what somebody recorded; thresholds by group are analysis only (evaluate/thresholds).
import { AppError } from "../core/errors.ts";
import { analyseSelective, analyseThresholds, calibrate } from "../evaluate/analysis.ts";
import { METRIC_TITLES } from "../evaluate/format.ts";
import { type GroupTable, SMALL_SUBJECTS } from "../evaluate/groups.ts";
import { summarize } from "../evaluate/summary.ts";
import { ANALYSIS_ONLY } from "../evaluate/thresholds.ts";
import type { Resampling } from "./comparison-table.ts";
import {
  count,
  intervalCell,
  type ReportTable,
  rate,
  type TableCell,
  type TableRow,
  words,
} from "./report-table.ts";
import { decided, pairWithOwn } from "./result-tables.ts";
import { type Labelled, type RunResult, rowsOf, type StudyResults, sourceId } from "./results.ts";

const RATES = ["accuracy", "tprFemale", "tprMale"] as const;
/** Sets of keys that are broken down; those without a recorded value are left out. */
const GROUPS = [
  ["gender"],
  ["age"],
  ["race"],
  ["gesture"],
  ["modality"],
  ["age", "modality"],
  ["race", "age", "modality"],
];
/** Field whose groups are compared by thresholds and abstention: the first that enough subjects have recorded. */
const PRIMARY = ["race", "age", "gesture"] as const;

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
export function shownRun(run: RunResult): ShownRun {
  const { cell, seed, rows } = run;
  return {
    name: `${cell.label}, seed ${seed}`,
    suffix: `${cell.arch}-seed${seed}`,
    sources: [sourceId(run)],
    rows,
  };
}

/** Group tables of one run, by its stored predictions. */
export function groupTables(run: ShownRun, split: Split, resampling: Resampling): ReportTable[] {
  const rows = rowsOf(run.rows, split);
  const of = `${run.name}, split ${split}`;
  const { suffix, sources } = run;
  const summary = summarize(rows, { ...resampling, groups: GROUPS, groupIntervals: true });
  return summary.byGroup.flatMap((table, t) => {
    const intervals = summary.groupIntervals![t]!;
    const body = table.groups.map((group, g): TableRow => {
      const figures = RATES.map((metric) =>
        group.small ? words("too small") : intervalCell(intervals.groups[g]![metric]),
      );
      const counts = [group.nImages, group.nSubjects, group.nSubjectsFemale, group.nSubjectsMale].map(count);
      return { cells: [words(nameOf(group.group)), ...counts, ...figures], sources };
    });
    const name = table.keys.join("-");
    return [
      {
        id: `groups-${name}-${suffix}`,
        title: `By ${table.keys.join(" x ")}: ${of}`,
        note: `Share decided as recorded, with 95 % bootstrap intervals over subjects. Groups of under ${SMALL_SUBJECTS} subjects are too small to say anything of.`,
        header: [
          "group",
          "images",
          "subjects",
          "female",
          "male",
          ...RATES.map((metric) => METRIC_TITLES[metric]),
        ],
        rows: body,
      },
      ...spreadTable(table, intervals, { id: `spread-${name}-${suffix}`, of, sources }),
    ];
  });
}

const nameOf = (group: Readonly<Record<string, string>>) =>
  Object.values(group)
    .map((value) => (value === "" ? "not recorded" : value))
    .join(", ");

function spreadTable(
  table: GroupTable,
  { spreads }: NonNullable<ReturnType<typeof summarize>["groupIntervals"]>[number],
  { id, of, sources }: { readonly id: string; readonly of: string; readonly sources: readonly string[] },
): ReportTable[] {
  const rows = RATES.flatMap((metric): TableRow[] => {
    const comparison = table.comparisons.find((known) => known.metric === metric);
    const interval = spreads.find((known) => known.metric === metric);
    if (comparison === undefined || interval === undefined) return [];
    const { worst, errorMaxMin, errorMaxGeomean } = comparison;
    const cells = [
      words(METRIC_TITLES[metric]),
      intervalCell(interval.difference),
      intervalCell(interval.ratio),
      rate(errorMaxMin, 2),
      rate(errorMaxGeomean, 2),
      words(nameOf(worst)),
      intervalCell(interval.worst),
    ];
    return [{ cells, sources }];
  });
  if (rows.length === 0) return [];
  return [
    {
      id,
      title: `Spread between groups of ${table.keys.join(" x ")}: ${of}`,
      note: "Over groups with at least 20 subjects. Difference: largest minus smallest; ratio: smallest over largest; error max/min and max/geomean: of 1 - rate. Draws of a spread are never negative, so its interval leans upward.",
      header: [
        "figure",
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

/** Calibration, thresholds by group, and abstention of one run; what its images do not allow is left out. */
export function analysisTables(run: ShownRun, split: Split): ReportTable[] {
  const of = `${run.name}, split ${split}`;
  const { suffix, sources } = run;
  const key = primaryKey(rowsOf(run.rows, split));
  return [
    ...(split === "val" ? [] : attempt(() => calibrationTable(run, split, { of, suffix, sources }))),
    ...(split === "val" || key === undefined
      ? []
      : attempt(() => thresholdTable(run, split, key, { of, suffix, sources }))),
    ...(key === undefined ? [] : [selectiveTable(run, split, key, { of, suffix, sources })]),
  ];
}

interface Naming {
  readonly of: string;
  readonly suffix: string;
  readonly sources: readonly string[];
}

/** A table, or none where validation images do not allow it. */
function attempt(make: () => ReportTable): ReportTable[] {
  try {
    return [make()];
  } catch (error) {
    if (error instanceof AppError && ["NO_VALIDATION", "ONE_CLASS"].includes(error.code)) return [];
    throw error;
  }
}

/** The first field with two groups of enough subjects. */
function primaryKey(rows: readonly Labelled[]): (typeof PRIMARY)[number] | undefined {
  return PRIMARY.find((key) => {
    const subjects = new Map<string, Set<string>>();
    for (const row of rows) {
      if (row[key] === "") continue;
      const own = subjects.get(row[key]) ?? new Set();
      subjects.set(row[key], own.add(row.subject));
    }
    return [...subjects.values()].filter(({ size }) => size >= SMALL_SUBJECTS).length >= 2;
  });
}

function calibrationTable(run: ShownRun, split: Split, { of, suffix, sources }: Naming): ReportTable {
  const metrics = ["nll", "brier", "ece", "eceAdaptive"] as const;
  const rows = calibrate(run.rows, split).map(({ name, nImages, temperature, before, after }): TableRow => {
    const figures = metrics.flatMap((metric) => [rate(before[metric]), rate(after[metric])]);
    return { cells: [words(name), count(nImages), rate(temperature.temperature), ...figures], sources };
  });
  return {
    id: `calibration-${suffix}`,
    title: `Calibration: ${of}`,
    note: "Temperature by modality, fitted on validation images by NLL and applied frozen; each figure before and after it.",
    header: [
      "modality",
      "images",
      "temperature",
      ...metrics.flatMap((metric) => [METRIC_TITLES[metric], `${METRIC_TITLES[metric]} after`]),
    ],
    rows,
  };
}

function thresholdTable(
  run: ShownRun,
  split: Split,
  key: string,
  { of, suffix, sources }: Naming,
): ReportTable {
  const { thresholds, plain, common, byGroup } = analyseThresholds(run.rows, split, key);
  const row = (name: string, figures: typeof plain): TableRow => ({
    cells: [
      words(name),
      ...[figures.accuracy, figures.balancedAccuracy, figures.tprFemale, figures.tprMale].map((value) =>
        rate(value),
      ),
    ],
    sources,
  });
  const chosen = Object.entries(thresholds.byValue).map(([value, t]) => `${value} ${t.toFixed(3)}`);
  return {
    id: `thresholds-${suffix}`,
    title: `Thresholds by ${key}, ${ANALYSIS_ONLY}: ${of}`,
    note: `Chosen on validation images by balanced accuracy (${chosen.join(", ") || "no group is large enough"}) and applied frozen.`,
    header: ["threshold", "accuracy", "balanced accuracy", "TPR female", "TPR male"],
    rows: [
      row(".5", plain),
      row(`one for all, ${thresholds.common.toFixed(3)}`, common),
      row(`one a group of ${key}`, byGroup),
    ],
  };
}

function selectiveTable(
  run: ShownRun,
  split: Split,
  key: string,
  { of, suffix, sources }: Naming,
): ReportTable {
  const { curve } = analyseSelective(run.rows, split, key);
  return {
    id: `abstention-${suffix}`,
    title: `Abstention: ${of}`,
    note: `Images with the smallest |p - .5| left out; the worst group of ${key} among those with at least ${SMALL_SUBJECTS} subjects.`,
    header: ["coverage", "|p - .5| from", "accuracy", "worst group", "its accuracy", "its coverage"],
    rows: curve.map(({ coverage, confidence, accuracy, worst }) => ({
      cells: [
        rate(coverage),
        rate(confidence),
        rate(accuracy),
        words(worst?.group ?? "-"),
        rate(worst?.accuracy ?? null),
        rate(worst?.coverage ?? null),
      ],
      sources,
    })),
  };
}

/** Decisions that perturbations flip, by modality and by group of one run; undefined without perturbations. */
export function flipTable(run: RunResult, results: StudyResults): ReportTable | undefined {
  const perturbed = results.study.evaluations.filter(
    ({ name, perturb }) => perturb !== null && run.evaluations.has(name),
  );
  const key = primaryKey(rowsOf(run.rows, results.split));
  const groupOf = (row: Labelled) => (key === undefined ? "" : row[key]);
  const groups = [...new Set(rowsOf(run.rows, results.split).map(groupOf))]
    .filter((name) => name !== "")
    .sort();
  if (perturbed.length === 0) return undefined;
  const share = (pairs: ReturnType<typeof pairWithOwn>): TableCell =>
    pairs.length === 0
      ? words("-")
      : rate(pairs.filter(([own, row]) => decided(own) !== decided(row)).length / pairs.length);
  const rows = perturbed.map(({ name }): TableRow => {
    const pairs = pairWithOwn(run, rowsOf(run.evaluations.get(name)!, results.split));
    const by = (wanted: (row: Labelled) => boolean) => pairs.filter(([, row]) => wanted(row));
    const byGroup = groups.map((group): TableCell => {
      const own = by((row) => groupOf(row) === group);
      const small = new Set(own.map(([, { subject }]) => subject)).size < SMALL_SUBJECTS;
      return small ? words("too small") : share(own);
    });
    const modalities = (["hand", "face"] as const).map((m) => share(by((row) => row.modality === m)));
    const cells = [words(name), count(pairs.length), share(pairs), ...modalities, ...byGroup];
    return { cells, sources: [sourceId(run, name), sourceId(run)] };
  });
  return {
    id: `flips-${run.cell.arch}-seed${run.seed}`,
    title: `Decisions flipped by perturbations: ${run.cell.label}, seed ${run.seed}, split ${results.split}`,
    note: `Share of images whose decision differs from that on the image as it is${key === undefined ? "" : `; groups of ${key}`}.`,
    header: ["perturbation", "images", "all", "hand", "face", ...groups],
    rows,
  };
}
