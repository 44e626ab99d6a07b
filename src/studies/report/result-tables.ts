// ◇ Browser-safe. Tables of a study's evaluations, of MAG's gate and of both images of a pair together.
// Invariant: each figure is a mean over seeds of metrics of stored predictions, judged by the subjects that it rests on.

import { MODALITIES, type Modality } from "../../core/words.ts";
import { overSeeds } from "../../evaluate/intervals/seeds.ts";
import { probabilityOf, THRESHOLD } from "../../evaluate/metrics/binary.ts";
import type { Limit } from "../../evaluate/metrics/small.ts";
import type { MetricName } from "../../evaluate/metrics/table.ts";
import { recordedOtherwise } from "../../evaluate/stored/recorded.ts";
import { counted, FEW } from "../../report/figure-text.ts";
import {
  type ReportTable,
  rate,
  seedCell,
  type TableCell,
  type TableRow,
  tooSmall,
  withoutSmallColumns,
  words,
} from "../../report/table.ts";
import type { Cell, Evaluation } from "../study.ts";
import {
  judgedMetrics,
  type Labelled,
  metricsOf,
  type RunResult,
  rowsOf,
  runsOf,
  type StudyResults,
  sourceId,
} from "./results.ts";

/** What stands in the cells of all tables over seeds. */
export const SEED_NOTE =
  "Mean ± sample standard deviation over seeds (ddof 1; n as stated), from unrounded values";

/** Figure of one metric for every run, as mean and spread; too small if it is for one of them. */
export function metricCell(
  runs: readonly RunResult[],
  rows: (run: RunResult) => readonly Labelled[],
  metric: MetricName,
  limit: Limit,
): TableCell {
  const judged = runs.map((run) => judgedMetrics(rows(run), limit));
  if (judged.some((one) => one?.tooSmall.includes(metric))) return tooSmall;
  const cell = seedCell(overSeeds(judged.map((one) => one?.metrics[metric] ?? null)));
  return judged.some((one) => one?.few.includes(metric)) ? { ...cell, text: `${cell.text}${FEW}` } : cell;
}

/** What the mark at a figure of few subjects means, where a table has it. */
function fewNote(rows: readonly TableRow[], minSubjects: number): string {
  const marked = rows.some(({ cells }) => cells.some(({ text }) => text.endsWith(FEW)));
  return marked ? ` ${FEW}: of under ${minSubjects} subjects.` : "";
}

/** Sources of some runs' figures. */
export const idsOf = (runs: readonly RunResult[], evaluation?: string) =>
  runs.map((run) => sourceId(run, evaluation));

/** One table an evaluation: figures, difference to the run's own images, decisions that changed. */
export function evaluationTables(results: StudyResults, minSubjects: number): ReportTable[] {
  return results.study.evaluations.flatMap((evaluation) => {
    const cells = results.study.cells.filter(({ id }) => evaluation.cells.includes(id));
    const rows = cells.flatMap((cell) => evaluationRow(results, { cell, evaluation, minSubjects }) ?? []);
    if (rows.length === 0) return [];
    const figures = ["configuration", "images", "balanced accuracy", ...MODALITIES, "ROC-AUC"];
    const shown = (table: ReportTable) => [withoutSmallColumns(table, minSubjects)];
    const runs = cells.flatMap((cell) => runsOf(results, cell));
    const own = runs.flatMap((run) => pairWithOwn(run, evaluatedRows(results, run, evaluation.name)));
    const few = `${fewNote(rows, minSubjects)}${otherwiseNote(own)}`;
    const table = {
      id: `evaluation-${evaluation.name}`,
      title: `Evaluation ${evaluation.name}: ${describe(evaluation)}`,
    };
    // Images of another set have no predictions of the run's own to differ from.
    if (rows.every(({ cells: row }) => row.slice(figures.length).every(({ value }) => value === undefined))) {
      const short = rows.map((row) => ({ ...row, cells: row.cells.slice(0, figures.length) }));
      return shown({ ...table, note: `${SEED_NOTE}.${few}`, header: figures, rows: short });
    }
    const note = `${SEED_NOTE}. Changed: balanced accuracy minus that of the run's own predictions of the same images. Flipped: share of these images whose decision differs from the run's own.${few}`;
    return shown({ ...table, note, header: [...figures, "changed", "flipped"], rows });
  });
}

/** What distinguishes an evaluation of a run: images of the study's split, or of the only one that another set has. */
function evaluatedRows(results: StudyResults, run: RunResult, name: string, modality?: Modality) {
  const all = run.evaluations.get(name) ?? [];
  const split = all.some((row) => row.split === results.split) ? results.split : all[0]?.split;
  return split === undefined ? [] : rowsOf(all, split, modality);
}

/** What an evaluation does, in words. */
export function describe({ data, modality, told, perturb }: Evaluation): string {
  return [
    data === null ? "own images" : `images of ${data}`,
    ...(modality === null ? [] : [`${modality}s only`]),
    ...(told === "other" ? ["given the other modality"] : []),
    ...(perturb === null ? [] : Object.entries(perturb).map(strength)),
  ].join(", ");
}

const strength = ([name, value]: [string, unknown]) => (name === "kind" ? String(value) : `${name} ${value}`);

function evaluationRow(
  results: StudyResults,
  asked: { readonly cell: Cell; readonly evaluation: Evaluation; readonly minSubjects: number },
): TableRow | undefined {
  const { cell, minSubjects } = asked;
  const { name } = asked.evaluation;
  const runs = runsOf(results, cell).filter(({ evaluations }) => evaluations.has(name));
  if (runs.length === 0) return undefined;
  const of = (modality?: Modality) => (run: RunResult) => evaluatedRows(results, run, name, modality);
  const changes = runs.map((run) => compareWithOwn(pairWithOwn(run, of()(run))));
  const sizes = [...new Set(runs.map((run) => of()(run).length))];
  const limit = { minSubjects, whole: isWhole(results, runs.flatMap(of())) };
  return {
    cells: [
      words(cell.label),
      words(sizes.join(", ")),
      metricCell(runs, of(), "balancedAccuracy", limit),
      ...MODALITIES.map((modality) => metricCell(runs, of(modality), "balancedAccuracy", { minSubjects })),
      metricCell(runs, of(), "rocAuc", limit),
      seedCell(overSeeds(changes.map(({ changed }) => changed))),
      seedCell(overSeeds(changes.map(({ flipped }) => flipped))),
    ],
    sources: idsOf(runs, name),
  };
}

/** Whether rows are of all the modalities that the study's own images have: then they are no part of them. */
export function isWhole({ runs, split }: StudyResults, rows: readonly Labelled[]): boolean {
  const modalities = (of: readonly Labelled[]) => new Set(of.map(({ modality }) => modality)).size;
  return modalities(rows) >= modalities(runs.flatMap((run) => rowsOf(run.rows, split)));
}

/** Key of an image among predictions of one model. */
export const imageKey = ({ source, split, id }: Labelled) => JSON.stringify([source, split, id]);

/** Rows of an evaluation beside the run's own of the same images. */
export interface OwnPairs {
  /** The run's own first. */
  readonly pairs: readonly (readonly [Labelled, Labelled])[];
  /** Images with the id of an own one that record another person, label or group: another set counts its images alike. */
  readonly otherwise: readonly string[];
}

/** Pairs rows with the run's own of the same images: same key, and the same record. */
export function pairWithOwn(run: RunResult, rows: readonly Labelled[]): OwnPairs {
  const own = new Map(run.rows.map((row) => [imageKey(row), row]));
  const known = rows.flatMap((row) => {
    const before = own.get(imageKey(row));
    return before === undefined ? [] : [[before, row] as const];
  });
  const differs = ([before, row]: readonly [Labelled, Labelled]) =>
    recordedOtherwise(row, before) !== undefined;
  return {
    pairs: known.filter((pair) => !differs(pair)),
    otherwise: known.filter(differs).map(([, row]) => imageKey(row)),
  };
}

/** The note about images that were not compared; nothing where there are none. */
export function otherwiseNote(all: readonly OwnPairs[]): string {
  const n = new Set(all.flatMap(({ otherwise }) => otherwise)).size;
  if (n === 0) return "";
  return ` Not compared, as another person, label or group is recorded of that id in the run's own: ${counted(n, "image")}.`;
}

function compareWithOwn({ pairs }: OwnPairs) {
  if (pairs.length === 0) return { changed: null, flipped: null };
  const before = metricsOf(pairs.map(([own]) => own))!.balancedAccuracy;
  const after = metricsOf(pairs.map(([, row]) => row))!.balancedAccuracy;
  return {
    changed: before === null || after === null ? null : after - before,
    flipped: pairs.filter(([own, row]) => decided(own) !== decided(row)).length / pairs.length,
  };
}

/** Decision at .5: 1 for male. */
export const decided = ({ probability }: Labelled) => (probability >= THRESHOLD ? 1 : 0);

/** MAG's gate, by modality: how often it prefers the head of the image's own modality. Undefined without MAG cells. */
export function gateTable(results: StudyResults, minSubjects: number): ReportTable | undefined {
  const rows = results.study.cells
    .filter(({ arch }) => arch === "mag")
    .flatMap((cell): TableRow[] => {
      const runs = runsOf(results, cell);
      if (runs.length === 0) return [];
      const share = (run: RunResult, modality?: Modality) => {
        const own = rowsOf(run.rows, results.split, modality);
        if (own.length === 0) return null;
        return own.filter((row) => row.modalityUsed === row.modality).length / own.length;
      };
      const cells = [undefined, ...MODALITIES].map((m) => {
        const few = runs.some((run) => isFew(rowsOf(run.rows, results.split, m), minSubjects));
        return m !== undefined && few ? tooSmall : seedCell(overSeeds(runs.map((run) => share(run, m))));
      });
      return [{ cells: [words(cell.label), ...cells], sources: idsOf(runs) }];
    });
  if (rows.length === 0) return undefined;
  const table = {
    id: "gate",
    title: `MAG's gate, split ${results.split}`,
    note: `${SEED_NOTE}. Share of images for which the gate prefers the head of the image's own modality.`,
    header: ["configuration", "all", ...MODALITIES],
    rows,
  };
  return withoutSmallColumns(table, minSubjects);
}

/** Some images, but of fewer subjects than the limit. */
const isFew = (rows: readonly Labelled[], minSubjects: number) =>
  rows.length > 0 && new Set(rows.map(({ subject }) => subject)).size < minSubjects;

/** Both images of one pair together: the mean of their logits. Undefined if no cell has both images of a pair. */
export function fusionTable(results: StudyResults, minSubjects: number): ReportTable | undefined {
  const rows = results.study.cells.flatMap((cell): TableRow[] => {
    const runs = runsOf(results, cell);
    const fused = runs.map((run) => fusePairs(rowsOf(run.rows, results.split)));
    if (runs.length === 0 || fused.some((pairs) => pairs.length === 0)) return [];
    const of = (pick: (pair: FusedPair) => Labelled) => {
      const rowsOfRun = (run: RunResult) => fused[runs.indexOf(run)]!.map(pick);
      return metricCell(runs, rowsOfRun, "balancedAccuracy", { minSubjects });
    };
    const cells = [of(({ hand }) => hand), of(({ face }) => face), of(({ both }) => both)];
    return [{ cells: [words(cell.label), rate(fused[0]!.length, 0), ...cells], sources: idsOf(runs) }];
  });
  if (rows.length === 0) return undefined;
  const table = {
    id: "fusion",
    title: `Hand, face, and both images of one pair, split ${results.split}`,
    note: `${SEED_NOTE}. Balanced accuracy on the same pairs; both: sigmoid of the mean of the two logits.`,
    header: ["configuration", "pairs", "hand", "face", "both"],
    rows,
  };
  return withoutSmallColumns(table, minSubjects);
}

interface FusedPair {
  readonly hand: Labelled;
  readonly face: Labelled;
  readonly both: Labelled;
}

/** Images of pairs are named `<pair>/hand` and `<pair>/face`. */
function fusePairs(rows: readonly Labelled[]): FusedPair[] {
  const faces = new Map(
    rows
      .filter(({ modality }) => modality === "face")
      .map((row) => [`${row.source}:${row.id}`, row] as const),
  );
  return rows.flatMap((hand): FusedPair[] => {
    if (hand.modality !== "hand" || !hand.id.endsWith("/hand")) return [];
    const face = faces.get(`${hand.source}:${hand.id.slice(0, -"hand".length)}face`);
    if (face === undefined) return [];
    const logit = (hand.logit + face.logit) / 2;
    return [{ hand, face, both: { ...hand, logit, probability: probabilityOf(logit) } }];
  });
}
