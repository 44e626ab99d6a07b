// ◇ Browser-safe. What a report is computed from, in memory: the stored predictions of a study's finished tasks, and their logs.
// Invariant: what is not finished is named, never guessed.
import type { Modality, Split } from "../../core/words.ts";
import { type BinaryMetrics, evaluateBinary } from "../../evaluate/metrics/metrics.ts";
import { type Judgement, judge, type Limit } from "../../evaluate/metrics/small.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { bestEpoch, type EpochLog, selectionFigure } from "../../train/runlog.ts";
import type { Cell, Study, Task } from "../study.ts";

/** A row whose image has a recorded label. */
export type Labelled = Prediction & { readonly target: 0 | 1 };

/** Stored predictions that figures came from. */
export interface ResultSource {
  /** `<cell>/seed_<n>`, or `<cell>/seed_<n>/<evaluation>`. */
  readonly id: string;
  /** Run folder of the model that predicted; this and all paths are relative to the study folder. */
  readonly run: string;
  readonly files: readonly { readonly path: string; readonly sha256: string; readonly images: number }[];
}

/** One finished task. */
export interface RunResult {
  readonly cell: Cell;
  readonly seed: number;
  readonly log: readonly EpochLog[];
  /** Validation and test images, as the run stored them. */
  readonly rows: readonly Labelled[];
  /** By evaluation. */
  readonly evaluations: ReadonlyMap<string, readonly Labelled[]>;
}

/** Results of a study as far as it has got. */
export interface StudyResults {
  readonly study: Study;
  readonly runs: readonly RunResult[];
  /** Tasks without stored predictions. */
  readonly missing: readonly Task[];
  readonly sources: readonly ResultSource[];
  /** Split that figures are of: `test`, or `val` where no run has test images. */
  readonly split: Split;
}

/** Name of stored predictions in lists of sources. */
export function sourceId({ cell, seed }: Pick<Task, "cell" | "seed">, evaluation?: string): string {
  return `${cell.id}/seed_${seed}${evaluation === undefined ? "" : `/${evaluation}`}`;
}

/** Split that figures are of, by the rows of all runs. */
export const reportedSplit = (runs: readonly RunResult[]): Split =>
  runs.some(({ rows }) => rows.some((row) => row.split === "test")) ? "test" : "val";

/** Rows whose image has a recorded label. */
export const labelledOf = (rows: readonly Prediction[]): readonly Labelled[] =>
  rows.filter((row): row is Labelled => row.target !== null);

/** Finished runs of one cell, in the order of seeds. */
export function runsOf({ runs }: StudyResults, { id }: Pick<Cell, "id">): readonly RunResult[] {
  return runs.filter(({ cell }) => cell.id === id);
}

/** Rows of one split, and of one modality if given. */
export function rowsOf(
  rows: readonly Labelled[],
  split: Split,
  modality?: Modality | null,
): readonly Labelled[] {
  return rows.filter(
    (row) =>
      row.split === split && (modality === undefined || modality === null || row.modality === modality),
  );
}

/** Metrics of rows; undefined if there are none. */
export function metricsOf(rows: readonly Labelled[]): BinaryMetrics | undefined {
  if (rows.length === 0) return undefined;
  return evaluateBinary(
    rows.map(({ target }) => target),
    rows.map(({ probability }) => probability),
  );
}

/**
 * Metrics of rows as tables show them: what rests on too few subjects is null, and named.
 *
 * @param limit - `whole` for all that was asked for, not a part of it
 * @returns undefined if there are no rows
 */
export function judgedMetrics(rows: readonly Labelled[], limit: Limit): Judgement | undefined {
  const metrics = metricsOf(rows);
  return metrics === undefined ? undefined : judge(rows, metrics, limit);
}

/** Validation figure by which a run is chosen: that of its best epoch. */
export function validationFigure({ log }: RunResult): number {
  return selectionFigure(bestEpoch(log).val.all);
}

/**
 * The finished cells, best validation mean over seeds first; cells without all seeds do not compete.
 *
 * @returns cells with their runs
 */
export function rankedCells(results: StudyResults): { cell: Cell; runs: readonly RunResult[] }[] {
  const mean = (runs: readonly RunResult[]) =>
    runs.reduce((sum, run) => sum + validationFigure(run), 0) / runs.length;
  return results.study.cells
    .map((cell) => ({ cell, runs: runsOf(results, cell) }))
    .filter(({ runs }) => runs.length === results.study.seeds.length)
    .sort((a, b) => mean(b.runs) - mean(a.runs));
}

/** Names the validation images of a cell: cells compete only where these are the same. */
export const validationImages = ({ data, axes, config }: Cell) =>
  JSON.stringify([data, axes["modality"], config.splitSeed, config.val]);
