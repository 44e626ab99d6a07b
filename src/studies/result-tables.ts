// Tables of a study's figures: every cell on its own images, and on those of every evaluation.
// Invariant: each figure is a mean over seeds of metrics of stored predictions; the best is chosen by validation.
import { MODALITIES, type Modality } from "../data/record.ts";
import type { MetricName } from "../evaluate/metrics.ts";
import {
  overSeeds,
  type ReportTable,
  rate,
  seedCell,
  type TableCell,
  type TableRow,
  words,
} from "./report-table.ts";
import {
  type Labelled,
  metricsOf,
  type RunResult,
  rankedCells,
  rowsOf,
  runsOf,
  type StudyResults,
  sourceId,
  validationFigure,
} from "./results.ts";
import type { Cell, Evaluation } from "./study.ts";

const SEED_NOTE = "Mean ± sample standard deviation over seeds (ddof 1; n as stated), from unrounded values";

/** Figure of one metric for every run, as mean and spread. */
function metricCell(
  runs: readonly RunResult[],
  rows: (run: RunResult) => readonly Labelled[],
  metric: MetricName,
): TableCell {
  return seedCell(overSeeds(runs.map((run) => metricsOf(rows(run))?.[metric] ?? null)));
}

/** All cells: the figure that chooses, then figures of the reported split. The best by validation is bold. */
export function figuresTable(results: StudyResults): ReportTable {
  const { split, study } = results;
  const best = bestCells(results);
  const own = (modality?: Modality) => (run: RunResult) => rowsOf(run.rows, split, modality);
  const rows = study.cells.map((cell): TableRow => {
    const runs = runsOf(results, cell);
    const cells = [
      words(cell.label),
      words(`${runs.length} of ${study.seeds.length}`),
      seedCell(overSeeds(runs.map(validationFigure))),
      metricCell(runs, own(), "balancedAccuracy"),
      ...MODALITIES.map((modality) => metricCell(runs, own(modality), "balancedAccuracy")),
      ...(["rocAuc", "prAuc", "f1Macro", "brier", "nll", "ece"] as const).map((metric) =>
        metricCell(runs, own(), metric),
      ),
    ];
    return { cells: cells.map((c) => (best.has(cell.id) ? { ...c, bold: true } : c)), sources: idsOf(runs) };
  });
  return {
    id: "figures",
    title: `Agreement with the recorded label, split ${split}`,
    note: `${SEED_NOTE}. Validation: balanced accuracy of the kept epoch, which chose it and the best row (bold) of those that were validated on the same images; all other figures are of split ${split}.`,
    header: [
      "configuration",
      "seeds",
      "validation",
      "balanced accuracy",
      ...MODALITIES,
      "ROC-AUC",
      "PR-AUC",
      "F1 macro",
      "Brier",
      "NLL",
      "ECE",
    ],
    rows,
  };
}

/** The best cell by validation of each set of validation images, where several have that set. */
function bestCells(results: StudyResults): ReadonlySet<string> {
  const ranked = new Map<string, string[]>();
  for (const { cell } of rankedCells(results)) {
    const images = JSON.stringify([cell.data, cell.axes["modality"], cell.config.splitSeed, cell.config.val]);
    ranked.set(images, [...(ranked.get(images) ?? []), cell.id]);
  }
  return new Set([...ranked.values()].flatMap(([first, ...others]) => (others.length === 0 ? [] : [first!])));
}

const idsOf = (runs: readonly RunResult[], evaluation?: string) =>
  runs.map((run) => sourceId(run, evaluation));

/** One table an evaluation: figures, difference to the run's own images, decisions that changed. */
export function evaluationTables(results: StudyResults): ReportTable[] {
  return results.study.evaluations.flatMap((evaluation) => {
    const cells = results.study.cells.filter(({ id }) => evaluation.cells.includes(id));
    const rows = cells.flatMap((cell) => evaluationRow(results, cell, evaluation) ?? []);
    if (rows.length === 0) return [];
    const figures = ["configuration", "images", "balanced accuracy", ...MODALITIES, "ROC-AUC"];
    const table = {
      id: `evaluation-${evaluation.name}`,
      title: `Evaluation ${evaluation.name}: ${describe(evaluation)}`,
    };
    // Images of another set have no predictions of the run's own to differ from.
    if (rows.every(({ cells: row }) => row.slice(figures.length).every(({ value }) => value === undefined))) {
      const short = rows.map((row) => ({ ...row, cells: row.cells.slice(0, figures.length) }));
      return [{ ...table, note: `${SEED_NOTE}.`, header: figures, rows: short }];
    }
    const note = `${SEED_NOTE}. Changed: balanced accuracy minus that of the run's own predictions of the same images. Flipped: share of these images whose decision differs from the run's own.`;
    return [{ ...table, note, header: [...figures, "changed", "flipped"], rows }];
  });
}

/** What an evaluation does, in words. */
export function describe({ data, modality, told, perturb }: Evaluation): string {
  return [
    data === null ? "own images" : `images of ${data}`,
    ...(modality === null ? [] : [`${modality}s only`]),
    ...(told === "other" ? ["told the other modality"] : []),
    ...(perturb === null ? [] : Object.entries(perturb).map(strength)),
  ].join(", ");
}

const strength = ([name, value]: [string, unknown]) => (name === "kind" ? String(value) : `${name} ${value}`);

function evaluationRow(results: StudyResults, cell: Cell, { name }: Evaluation): TableRow | undefined {
  const runs = runsOf(results, cell).filter(({ evaluations }) => evaluations.has(name));
  if (runs.length === 0) return undefined;
  const of = (modality?: Modality) => (run: RunResult) => {
    const all = run.evaluations.get(name)!;
    const split = all.some((row) => row.split === results.split) ? results.split : all[0]!.split;
    return rowsOf(all, split, modality);
  };
  const changes = runs.map((run) => compareWithOwn(run, of()(run)));
  const sizes = [...new Set(runs.map((run) => of()(run).length))];
  return {
    cells: [
      words(cell.label),
      words(sizes.join(", ")),
      metricCell(runs, of(), "balancedAccuracy"),
      ...MODALITIES.map((modality) => metricCell(runs, of(modality), "balancedAccuracy")),
      metricCell(runs, of(), "rocAuc"),
      seedCell(overSeeds(changes.map(({ changed }) => changed))),
      seedCell(overSeeds(changes.map(({ flipped }) => flipped))),
    ],
    sources: idsOf(runs, name),
  };
}

/** Key of an image among predictions of one model. */
export const imageKey = ({ source, split, id }: Labelled) => JSON.stringify([source, split, id]);

/** Pairs of rows of the same images, the run's own first. */
export function pairWithOwn(run: RunResult, rows: readonly Labelled[]): (readonly [Labelled, Labelled])[] {
  const own = new Map(run.rows.map((row) => [imageKey(row), row]));
  return rows.flatMap((row) => {
    const before = own.get(imageKey(row));
    return before === undefined ? [] : [[before, row] as const];
  });
}

function compareWithOwn(run: RunResult, rows: readonly Labelled[]) {
  const pairs = pairWithOwn(run, rows);
  if (pairs.length === 0) return { changed: null, flipped: null };
  const before = metricsOf(pairs.map(([own]) => own))!.balancedAccuracy;
  const after = metricsOf(pairs.map(([, row]) => row))!.balancedAccuracy;
  return {
    changed: before === null || after === null ? null : after - before,
    flipped: pairs.filter(([own, row]) => decided(own) !== decided(row)).length / pairs.length,
  };
}

/** Decision at .5: 1 for male. */
export const decided = ({ probability }: Labelled) => (probability >= 0.5 ? 1 : 0);

/** MAG's gate, by modality: how often it prefers the head of the image's own modality. Undefined without MAG cells. */
export function gateTable(results: StudyResults): ReportTable | undefined {
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
      const cells = [undefined, ...MODALITIES].map((m) =>
        seedCell(overSeeds(runs.map((run) => share(run, m)))),
      );
      return [{ cells: [words(cell.label), ...cells], sources: idsOf(runs) }];
    });
  if (rows.length === 0) return undefined;
  return {
    id: "gate",
    title: `MAG's gate, split ${results.split}`,
    note: `${SEED_NOTE}. Share of images for which the gate prefers the head of the image's own modality.`,
    header: ["configuration", "all", ...MODALITIES],
    rows,
  };
}

/** Both images of one pair together: the mean of their logits. Undefined if no cell has both images of a pair. */
export function fusionTable(results: StudyResults): ReportTable | undefined {
  const rows = results.study.cells.flatMap((cell): TableRow[] => {
    const runs = runsOf(results, cell);
    const fused = runs.map((run) => fusePairs(rowsOf(run.rows, results.split)));
    if (runs.length === 0 || fused.some((pairs) => pairs.length === 0)) return [];
    const of = (pick: (pair: FusedPair) => Labelled) =>
      seedCell(overSeeds(fused.map((pairs) => metricsOf(pairs.map(pick))?.balancedAccuracy ?? null)));
    const cells = [of(({ hand }) => hand), of(({ face }) => face), of(({ both }) => both)];
    return [{ cells: [words(cell.label), rate(fused[0]!.length, 0), ...cells], sources: idsOf(runs) }];
  });
  if (rows.length === 0) return undefined;
  return {
    id: "fusion",
    title: `Hand, face, and both images of one pair, split ${results.split}`,
    note: `${SEED_NOTE}. Balanced accuracy on the same pairs; both: sigmoid of the mean of the two logits.`,
    header: ["configuration", "pairs", "hand", "face", "both"],
    rows,
  };
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
    return [{ hand, face, both: { ...hand, logit, probability: 1 / (1 + Math.exp(-logit)) } }];
  });
}
