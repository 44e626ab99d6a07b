// What validation images decide and how it turns out, for one run: calibration, thresholds by group and abstention, and
// decisions that perturbations flip; by group within one modality and one vocabulary.
// Words: thresholds by group are analysis only (evaluate/analysis/thresholds).
import { AppError } from "../../core/errors.ts";
import { compareGroupValues } from "../../core/group-order.ts";
import { MODALITIES } from "../../core/words.ts";
import {
  analyseSelective,
  analyseThresholds,
  calibrate,
  type SelectiveAnalysis,
  THRESHOLD_RATES,
  type ThresholdAnalysis,
} from "../../evaluate/analysis/analysis.ts";
import { strata, withinId, withinWords } from "../../evaluate/analysis/strata.ts";
import { ANALYSIS_ONLY } from "../../evaluate/analysis/thresholds.ts";
import { CLASS_MIX, METRIC_TITLES } from "../../report/figure-text.ts";
import {
  count,
  type ReportTable,
  rate,
  type TableCell,
  type TableRow,
  tooSmall,
  withoutSmallColumns,
  words,
} from "../../report/table.ts";
import { runSuffix, type ShownRun } from "./group-tables.ts";
import { decided, type OwnPairs, otherwiseNote, pairWithOwn } from "./result-tables.ts";
import { type Labelled, type RunResult, rowsOf, type StudyResults, sourceId } from "./results.ts";
import { shortNames } from "./short-names.ts";

/** Field whose groups are compared by thresholds and abstention: the first that two groups of enough subjects have. */
const PRIMARY = ["race", "age", "gesture"] as const;

type Split = StudyResults["split"];

/** Calibration, thresholds by group, and abstention of one run; what its images do not allow is left out. */
export function analysisTables(run: ShownRun, split: Split, minSubjects: number): ReportTable[] {
  const naming = { of: `${run.name}, split ${split}`, suffix: run.suffix, sources: run.sources, minSubjects };
  const key = primaryKey(rowsOf(run.rows, split), minSubjects);
  return [
    ...(split === "val" ? [] : attempt(() => [calibrationTable(run, split, naming)])),
    ...(split === "val" || key === undefined
      ? []
      : attempt(() =>
          analyseThresholds(run.rows, split, key, minSubjects).map((one) => thresholdTable(one, naming)),
        )),
    ...(key === undefined
      ? []
      : analyseSelective(run.rows, split, key, minSubjects).map((one) => selectiveTable(one, naming))),
  ];
}

interface Naming {
  readonly of: string;
  readonly suffix: string;
  readonly sources: readonly string[];
  readonly minSubjects: number;
}

/** Tables, or none where validation images do not allow them. */
function attempt(make: () => ReportTable[]): ReportTable[] {
  try {
    return make();
  } catch (error) {
    if (error instanceof AppError && ["NO_VALIDATION", "ONE_CLASS"].includes(error.code)) return [];
    throw error;
  }
}

/** The first field with two groups of enough subjects, of one modality. */
function primaryKey(rows: readonly Labelled[], minSubjects: number): (typeof PRIMARY)[number] | undefined {
  return PRIMARY.find((key) =>
    strata(rows, [key]).some(({ rows: own }) => {
      const names = [...new Set(own.map((row) => row[key]))].filter((name) => name !== "");
      const large = names.filter(
        (name) =>
          !fewSubjects(
            own.filter((row) => row[key] === name),
            minSubjects,
          ),
      );
      return large.length >= 2;
    }),
  );
}

const fewSubjects = (rows: readonly Labelled[], minSubjects: number) =>
  new Set(rows.map(({ subject }) => subject)).size < minSubjects;

function calibrationTable(run: ShownRun, split: Split, naming: Naming): ReportTable {
  const { of, suffix, sources, minSubjects } = naming;
  const metrics = ["nll", "brier", "ece", "eceAdaptive"] as const;
  const parts = calibrate(run.rows, split, minSubjects);
  const rows = parts.map(({ name, nImages, nSubjects, temperature, before, after }): TableRow => {
    const figures = metrics.flatMap((metric) =>
      before === null || after === null ? [tooSmall, tooSmall] : [rate(before[metric]), rate(after[metric])],
    );
    const counts = [count(nImages), count(nSubjects)];
    return { cells: [words(name), ...counts, rate(temperature.temperature), ...figures], sources };
  });
  return withoutSmallColumns(
    {
      id: `calibration-${suffix}`,
      title: `Calibration: ${of}`,
      note: "Temperature by modality, fitted on validation images by NLL and applied frozen; each figure before and after it.",
      header: [
        "modality",
        "images",
        "subjects",
        "temperature",
        ...metrics.flatMap((metric) => [METRIC_TITLES[metric], `${METRIC_TITLES[metric]} after`]),
      ],
      rows,
    },
    minSubjects,
  );
}

/** A figure, or that it is too small. */
const judged = (value: number | null): TableCell => (value === null ? tooSmall : rate(value));

function thresholdTable(
  { within, thresholds, plain, common, byGroup }: ThresholdAnalysis,
  { of, suffix, sources, minSubjects }: Naming,
): ReportTable {
  const row = (name: string, figures: typeof plain): TableRow => ({
    cells: [words(name), ...THRESHOLD_RATES.map((metric) => judged(figures[metric]))],
    sources,
  });
  const { key } = thresholds;
  const chosen = Object.entries(thresholds.byValue).map(([value, t]) => `${value} ${t.toFixed(3)}`);
  return withoutSmallColumns(
    {
      id: `thresholds-${withinId(within)}-${suffix}`,
      title: `Thresholds by ${key}, ${ANALYSIS_ONLY}: ${withinWords(within)}, ${of}`,
      note: `Chosen on validation images by balanced accuracy (${chosen.join(", ") || "no group is large enough"}) and applied frozen.`,
      header: ["threshold", ...THRESHOLD_RATES.map((metric) => METRIC_TITLES[metric])],
      rows: [
        row(".5", plain),
        row(`one for all, ${thresholds.common.toFixed(3)}`, common),
        row(`one a group of ${key}`, byGroup),
      ],
    },
    minSubjects,
  );
}

function selectiveTable(
  { within, key, curve }: SelectiveAnalysis,
  { of, suffix, sources, minSubjects }: Naming,
): ReportTable {
  return {
    id: `abstention-${withinId(within)}-${suffix}`,
    title: `Abstention: ${withinWords(within)}, ${of}`,
    note: `Images with the smallest |p - .5| left out; the worst group of ${key} among those of which images of at least ${minSubjects} subjects and of both recorded classes are left.`,
    header: ["coverage", "|p - .5| from", "accuracy", "worst group", "its accuracy", "its coverage"],
    rows: curve.map(({ coverage, confidence, accuracy, worst, groups, rareClass }) => ({
      cells: [
        rate(coverage),
        rate(confidence),
        judged(accuracy),
        words(worst?.group ?? (rareClass.length > 0 && groups.length > 1 ? CLASS_MIX : "-")),
        rate(worst?.accuracy ?? null),
        rate(worst?.coverage ?? null),
      ],
      sources,
    })),
  };
}

/**
 * Decisions that perturbations flip: of all images and by modality, and a table of groups for each modality.
 *
 * @returns none without perturbations
 */
export function flipTables(run: RunResult, results: StudyResults, minSubjects: number): ReportTable[] {
  const perturbed = results.study.evaluations.filter(
    ({ name, perturb }) => perturb !== null && run.evaluations.has(name),
  );
  if (perturbed.length === 0) return [];
  const own = rowsOf(run.rows, results.split);
  const key = primaryKey(own, minSubjects);
  const suffix = runSuffix(run, results.study);
  const of = `${shortNames(results.study.cells).get(run.cell.id)!}, seed ${run.seed}, split ${results.split}`;
  const beside = new Map(
    perturbed.map(({ name }) => [name, pairWithOwn(run, rowsOf(run.evaluations.get(name)!, results.split))]),
  );
  const note = `Share of images whose decision differs from that on the image as it is.${otherwiseNote([...beside.values()])}`;
  const table = (id: string, title: string, columns: readonly Column[]) =>
    withoutSmallColumns(
      {
        id: `flips-${id}${suffix}`,
        title: `Decisions flipped by perturbations${title}: ${of}`,
        note,
        header: ["perturbation", "images", ...columns.map(({ name }) => name)],
        rows: perturbed.map(({ name }): TableRow => {
          const { pairs } = beside.get(name)!;
          const images = pairs.filter(([, row]) => columns.some(({ wanted }) => wanted(row)));
          const cells = columns.map((column) => flipped(pairs, column, minSubjects));
          const sources = [sourceId(run, name), sourceId(run)];
          return { cells: [words(name), count(images.length), ...cells], sources };
        }),
      },
      minSubjects,
    );
  const modalities = MODALITIES.map((m): Column => ({ name: m, wanted: (row) => row.modality === m }));
  const everything: Column = { name: "all", wanted: () => true, whole: true };
  const groups =
    key === undefined
      ? []
      : strata(own, [key]).map(({ within, rows }) => {
          const values = [...new Set(rows.map((row) => row[key]))].filter((value) => value !== "");
          const columns = values.sort(compareGroupValues).map(
            (value): Column => ({
              name: value,
              wanted: (row) => row[key] === value && isWithin(row, within),
            }),
          );
          return table(`${withinId(within)}-`, ` by ${key}, ${withinWords(within)}`, columns);
        });
  return [table("", "", [everything, ...modalities]), ...groups];
}

interface Column {
  readonly name: string;
  readonly wanted: (row: Labelled) => boolean;
  /** All images, not a part of them. */
  readonly whole?: boolean | undefined;
}

const isWithin = (row: Labelled, within: Readonly<Record<string, string>>) =>
  Object.entries(within).every(
    ([field, value]) => (row as unknown as Readonly<Record<string, string>>)[field] === value,
  );

function flipped(
  pairs: OwnPairs["pairs"],
  { wanted, whole = false }: Column,
  minSubjects: number,
): TableCell {
  const own = pairs.filter(([, row]) => wanted(row));
  if (own.length === 0) return words("-");
  if (
    !whole &&
    fewSubjects(
      own.map(([, row]) => row),
      minSubjects,
    )
  )
    return tooSmall;
  return rate(own.filter(([before, row]) => decided(before) !== decided(row)).length / own.length);
}
