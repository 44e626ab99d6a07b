// The best cells of a study: chosen by validation images alone; the test figure of a chosen one stands beside it.
// Every figure is computed from stored predictions. Mean and sample std (ddof 1) are over seeds.
// Only cells with all their seeds compete: one lucky seed is no cell.
import { unexpected } from "../../core/errors.ts";
import type { Modality, Split } from "../../core/words.ts";
import { type SeedSummary, seedSummary } from "../../evaluate/intervals/seeds.ts";
import { evaluateBinary } from "../../evaluate/metrics/metrics.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { storedPredictions } from "../../train/exchange/evaluation.ts";
import type { Match } from "../plan/file.ts";
import { checkMatch, matches } from "../plan/grid.ts";
import { studyStatus } from "../run/status.ts";
import { type Cell, type Study, taskPaths } from "../study.ts";

/** Figures that may choose; more is better in all of them. */
export const SELECTION_METRICS = ["balancedAccuracy", "accuracy", "rocAuc"] as const;
export type SelectionMetric = (typeof SELECTION_METRICS)[number];

/** Which cells compete, and in what. */
export interface BestOptions {
  /** How many; default 5. */
  readonly k?: number | undefined;
  /** Only cells with these axes. */
  readonly only?: Match | undefined;
  /** Only images of this modality; all if left out. */
  readonly modality?: Modality | undefined;
  readonly metric?: SelectionMetric | undefined;
}

/** A cell with the figures that rank it. */
export interface RankedCell {
  readonly cell: Cell;
  readonly validation: SeedSummary;
  /** Null without test images. */
  readonly test: SeedSummary | null;
  /** Validation images of a seed that decided. */
  readonly images: number;
}

/** Cells by their validation figures. */
export interface Ranking {
  readonly metric: SelectionMetric;
  readonly modality: Modality | null;
  /** The best first. */
  readonly cells: readonly RankedCell[];
  /** Cells that match but do not compete: not all seeds are done, or no image of the modality. */
  readonly leftOut: readonly { readonly cell: Cell; readonly reason: string }[];
}

/**
 * Ranks cells by validation.
 *
 * @throws AppError("input", "STUDY_AXIS" | "STUDY_NO_CELL") for a filter that no cell meets, "STUDY_IMAGES" for cells
 *   that were validated on other images than others; ("data", ...) for damaged predictions
 * @example (await bestCells(dir, await readStudy(dir), { k: 1, only: { arch: "umcc" } })).cells[0]
 */
export async function bestCells(dir: string, study: Study, options: BestOptions = {}): Promise<Ranking> {
  const { k = 5, only = {}, modality = null, metric = "balancedAccuracy" } = options;
  checkMatch(only, study.cells, "--only");
  const { tasks } = await studyStatus(dir, study);
  const ranked: Ranked[] = [];
  const leftOut: { cell: Cell; reason: string }[] = [];
  for (const cell of study.cells.filter(({ axes }) => matches(axes, only))) {
    const open = tasks.filter(({ task, state }) => task.cell === cell && state !== "done").length;
    if (open > 0) leftOut.push({ cell, reason: `${open} of ${study.seeds.length} seeds are not done` });
    else {
      const entry = await rank(dir, study, cell, { modality, metric });
      if (entry === undefined)
        leftOut.push({ cell, reason: `no validation figure of ${modality ?? "all"} images` });
      else ranked.push(entry);
    }
  }
  if (ranked.length + leftOut.length === 0) {
    throw unexpected("input", {
      code: "STUDY_NO_CELL",
      expected: "filters that a cell meets",
      name: "best",
      got: only,
    });
  }
  checkSameImages(ranked, modality);
  const cells = ranked.sort((a, b) => b.validation.mean - a.validation.mean).slice(0, k);
  return { metric, modality, cells: cells.map(({ chosenBy: _, ...cell }) => cell), leftOut };
}

/** Figures of other images choose nothing: a specialist of faces is no better than a model of both for having them. */
function checkSameImages(ranked: readonly Ranked[], modality: Modality | null): void {
  const sets = [...new Set(ranked.map(({ chosenBy }) => chosenBy))];
  if (sets.length < 2) return;
  const counts = sets.map((set) => `${JSON.parse(set).length}`).join(" and ");
  const data = new Set(ranked.map(({ cell }) => cell.data)).size > 1 ? "--only data=NAME" : undefined;
  const both = modality === null ? "--modality hand or face, or --only modality=both" : undefined;
  throw unexpected("input", {
    code: "STUDY_IMAGES",
    expected: "cells that were validated on the same images",
    name: "best",
    got: `${sets.length} sets of validation images (${counts})`,
    hint: `compare like with like: ${[data, both].filter((text) => text !== undefined).join("; ") || "--only"}`,
  });
}

/** A cell with the validation images that its figure is of, sorted, as JSON. */
type Ranked = RankedCell & { readonly chosenBy: string };

interface By {
  readonly modality: Modality | null;
  readonly metric: SelectionMetric;
}

async function rank(dir: string, { seeds }: Study, cell: Cell, by: By): Promise<Ranked | undefined> {
  const rows = await Promise.all(seeds.map((seed) => storedPredictions(taskPaths(dir, { cell, seed }).run)));
  const validation = overSeeds(rows, "val", by);
  if (validation === null) return undefined;
  const validated = chosen(rows[0]!, "val", by).map(({ source, id }) => JSON.stringify([source, id]));
  return {
    cell,
    validation,
    test: overSeeds(rows, "test", by),
    images: validated.length,
    chosenBy: JSON.stringify(validated.sort()),
  };
}

function chosen(rows: readonly Prediction[], split: Split, { modality }: By): Prediction[] {
  return rows.filter(
    (row) => row.split === split && row.target !== null && (modality === null || row.modality === modality),
  );
}

/** Null if the figure is undefined for a seed. */
function overSeeds(runs: readonly (readonly Prediction[])[], split: Split, by: By): SeedSummary | null {
  const figures = runs.map((rows) => {
    const own = chosen(rows, split, by);
    if (own.length === 0) return null;
    return evaluateBinary(
      own.map(({ target }) => target!),
      own.map(({ probability }) => probability),
    )[by.metric];
  });
  const known = figures.filter((figure) => figure !== null);
  return known.length < figures.length ? null : seedSummary(known);
}
