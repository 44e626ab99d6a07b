// ◇ Browser-safe. Figures of all cells of a study: models that saw other images stand in other tables.
// Invariants: all figures of a table are of the same images, which are counted; each is a mean over seeds of metrics of
// stored predictions; the best row is chosen by validation, among cells that were validated on the same images.
import { MODALITIES, type Modality } from "../../core/words.ts";
import { overSeeds } from "../../evaluate/intervals/seeds.ts";
import { countSubjects } from "../../evaluate/metrics/groups.ts";
import type { Limit } from "../../evaluate/metrics/small.ts";
import {
  type ReportTable,
  seedCell,
  type TableCell,
  type TableRow,
  tooSmall,
  withoutSmallColumns,
  words,
} from "../../report/table.ts";
import { bestEpoch, selectionFigure } from "../../train/runlog.ts";
import type { Cell } from "../study.ts";
import { idsOf, imageKey, metricCell, SEED_NOTE } from "./result-tables.ts";
import {
  judgedMetrics,
  type RunResult,
  rankedCells,
  rowsOf,
  runsOf,
  type StudyResults,
  validationImages,
} from "./results.ts";

/** Cells that can be compared, and what of their images they share. */
interface Section {
  /** Ends the table's id and title; empty for the only one. */
  readonly id: string;
  readonly words: string;
  readonly cells: readonly Cell[];
  /** Only these images; null for all. */
  readonly modality: Modality | null;
}

const learnt = ({ axes }: Cell) => axes["modality"] ?? "both";

/**
 * All cells: the figure that chooses, then figures of the reported split. The best by validation is bold. Where some
 * cells know one modality only, they and the others are compared on images of that modality, in a table of its own.
 */
export function figuresTables(results: StudyResults, minSubjects: number): ReportTable[] {
  return sectionsOf(results).map((section) => figuresTable(results, section, minSubjects));
}

function sectionsOf({ study: { cells } }: StudyResults): Section[] {
  const sets = [...new Set(cells.map(({ data }) => data))];
  return sets.flatMap((set): Section[] => {
    const own = cells.filter(({ data }) => data === set);
    const name = sets.length === 1 ? [] : [set];
    const both = own.filter((cell) => learnt(cell) === "both");
    const special = MODALITIES.filter((modality) => own.some((cell) => learnt(cell) === modality));
    const all: Section[] =
      both.length === 0 ? [] : [{ id: name.join(""), words: name.join(""), cells: both, modality: null }];
    return [
      ...all,
      ...special.map((modality) => ({
        id: [...name, modality].join("-"),
        words: [...name, `${modality}s`].join(", "),
        cells: own.filter((cell) => ["both", modality].includes(learnt(cell))),
        modality,
      })),
    ];
  });
}

/** Images that every finished run of the cells has predicted. */
function sharedImages(results: StudyResults, { cells, modality }: Section): ReadonlySet<string> {
  const sets = cells
    .flatMap((cell) => runsOf(results, cell))
    .map((run) => new Set(rowsOf(run.rows, results.split, modality).map(imageKey)));
  const [first = new Set<string>(), ...others] = sets;
  return new Set([...first].filter((key) => others.every((set) => set.has(key))));
}

function figuresTable(results: StudyResults, section: Section, minSubjects: number): ReportTable {
  const { split, study } = results;
  const { modality } = section;
  const shared = sharedImages(results, section);
  const best = bestCells(results, section);
  const own = (of?: Modality) => (run: RunResult) =>
    rowsOf(run.rows, split, of ?? modality).filter((row) => shared.has(imageKey(row)));
  const parts = modality === null ? MODALITIES : [];
  const limit = { minSubjects, whole: modality === null };
  const rows = section.cells.map((cell): TableRow => {
    const runs = runsOf(results, cell);
    const cells = [
      words(cell.label),
      words(`${runs.length} of ${study.seeds.length}`),
      validationCell(runs, modality, limit),
      metricCell(runs, own(), "balancedAccuracy", limit),
      ...parts.map((part) => metricCell(runs, own(part), "balancedAccuracy", { minSubjects })),
      ...(["rocAuc", "prAuc", "f1Macro", "brier", "nll", "ece"] as const).map((metric) =>
        metricCell(runs, own(), metric, limit),
      ),
    ];
    return { cells: cells.map((c) => (best.has(cell.id) ? { ...c, bold: true } : c)), sources: idsOf(runs) };
  });
  const title = `Agreement with the recorded label, split ${split}`;
  return withoutSmallColumns(
    {
      id: ["figures", section.id].filter((part) => part !== "").join("-"),
      title: section.words === "" ? title : `${title}: ${section.words}`,
      note: `${imagesNote(results, section, shared)} ${SEED_NOTE}. Validation: balanced accuracy of the best epoch${modality === null ? "" : ` on ${modality}s`}, which chose the best row (bold) of those that were validated on the same images; all other figures are of split ${split}.`,
      header: [
        "configuration",
        "seeds",
        "validation",
        "balanced accuracy",
        ...parts,
        "ROC-AUC",
        "PR-AUC",
        "F1 macro",
        "Brier",
        "NLL",
        "ECE",
      ],
      rows,
    },
    minSubjects,
  );
}

function imagesNote(
  results: StudyResults,
  { cells, modality }: Section,
  shared: ReadonlySet<string>,
): string {
  const runs = cells.flatMap((cell) => runsOf(results, cell));
  const rows = rowsOf(runs[0]?.rows ?? [], results.split, modality).filter((row) =>
    shared.has(imageKey(row)),
  );
  const { nSubjects, nSubjectsFemale, nSubjectsMale } = countSubjects(rows);
  const images = `All rows: the same ${rows.length} images of ${nSubjects} subjects (${nSubjectsFemale} female, ${nSubjectsMale} male).`;
  const more = runs.filter((run) => rowsOf(run.rows, results.split, modality).length > rows.length).length;
  return more === 0
    ? images
    : `${images} Further images of ${more} runs, which others lack, are in no figure.`;
}

/** Balanced accuracy of the best epoch on validation images, of one modality where the table is. */
function validationOf({ log }: RunResult, modality: Modality | null): number | null {
  const { val } = bestEpoch(log);
  return modality === null ? selectionFigure(val.all) : (val[modality]?.balancedAccuracy ?? null);
}

/** The figure that chooses; on images of one modality judged as other figures of them are. */
function validationCell(runs: readonly RunResult[], modality: Modality | null, limit: Limit): TableCell {
  const judged = runs.map((run) => judgedMetrics(rowsOf(run.rows, "val", modality), limit));
  if (judged.some((one) => one?.tooSmall.includes("balancedAccuracy"))) return tooSmall;
  return seedCell(overSeeds(runs.map((run) => validationOf(run, modality))));
}

/** The best cell by validation of each set of validation images, where several cells have that set. */
function bestCells(results: StudyResults, { cells, modality }: Section): ReadonlySet<string> {
  const ranked = new Map<string, { id: string; figure: number }[]>();
  for (const { cell, runs } of rankedCells(results)) {
    if (!cells.some(({ id }) => id === cell.id)) continue;
    const figure = overSeeds(runs.map((run) => validationOf(run, modality)))?.mean;
    if (figure === undefined) continue;
    const images =
      modality === null
        ? validationImages(cell)
        : validationImages({ ...cell, axes: { ...cell.axes, modality } });
    ranked.set(images, [...(ranked.get(images) ?? []), { id: cell.id, figure }]);
  }
  return new Set(
    [...ranked.values()].flatMap((some) =>
      some.length < 2 ? [] : [some.reduce((a, b) => (b.figure > a.figure ? b : a)).id],
    ),
  );
}
