// ◇ Browser-safe. What a reader may quote of a study: the best by validation with its test figure, which comparisons found a difference,
// and which cannot tell; and the legend of short names.
// Invariant: no figure that its tables would not show; what is not detected is never called equal.
import { summarize } from "../../evaluate/analysis/summary.ts";
import { overSeeds } from "../../evaluate/intervals/seeds.ts";
import { figure, formatSeeds, intervalText, METRIC_TITLES } from "../../report/figure-text.ts";
import { type ReportTable, words } from "../../report/table.ts";
import type { Cell } from "../study.ts";
import type { ComparedFamily, ComparedPair, Judging } from "./comparison-table.ts";
import {
  judgedMetrics,
  type RunResult,
  rankedCells,
  rowsOf,
  type StudyResults,
  validationFigure,
  validationImages,
} from "./results.ts";
import { shortNames } from "./short-names.ts";

/** A difference is reported where its corrected p is at most this. */
const SURE = 0.05;
/** Pairs that are named one by one. */
const NAMED = 6;
/** The legend of short names; undefined where they are the labels. */
export function namesTable({ study }: StudyResults): ReportTable | undefined {
  const names = shortNames(study.cells);
  if (study.cells.every((cell) => names.get(cell.id) === cell.label)) return undefined;
  return {
    id: "configurations",
    title: "Configurations",
    note: "Headings and figures name configurations by what varies in this study; tables by tag.",
    header: ["name", "configuration", "architecture"],
    rows: study.cells.map((cell) => ({
      cells: [words(names.get(cell.id)!), words(cell.label), words(cell.arch)],
      sources: [],
    })),
  };
}

/** Sentences to quote, in order. */
export function summaryLines(
  results: StudyResults,
  families: readonly ComparedFamily[],
  judging: Judging,
): string[] {
  return [...bestLines(results, judging), ...comparisonLines(results, families)];
}

/** Of each set of validation images that several configurations share, the best one. */
function bestLines(results: StudyResults, judging: Judging): string[] {
  const sets = new Map<string, { cell: Cell; runs: readonly RunResult[] }[]>();
  for (const entry of rankedCells(results)) {
    const key = validationImages(entry.cell);
    sets.set(key, [...(sets.get(key) ?? []), entry]);
  }
  return [...sets.values()].flatMap((entries) =>
    entries.length < 2 ? [] : [bestLine(results, entries[0]!, entries.length, judging)],
  );
}

function bestLine(
  results: StudyResults,
  { cell, runs }: { readonly cell: Cell; readonly runs: readonly RunResult[] },
  among: number,
  { minSubjects, ...resampling }: Judging,
): string {
  const { split, study } = results;
  const learnt = cell.axes["modality"];
  const modality = learnt === "hand" || learnt === "face" ? learnt : null;
  const rows = (run: RunResult) => rowsOf(run.rows, split, modality);
  const head = `Best by validation of ${among} configurations: ${shortNames(study.cells).get(cell.id)!}.`;
  const judged = runs.map((run) => judgedMetrics(rows(run), { minSubjects, whole: modality === null }));
  const mean = overSeeds(judged.map((one) => one?.metrics.balancedAccuracy ?? null));
  if (mean === null) return `${head} Its figure on split ${split} rests on too few subjects to be shown.`;
  const chosen = runs.reduce((a, b) => (validationFigure(b) > validationFigure(a) ? b : a));
  const { overall } = summarize(rows(chosen), { ...resampling, minSubjects, groups: [] });
  const { balancedAccuracy } = overall.metrics;
  const interval = overall.intervals?.balancedAccuracy;
  const range = interval === undefined ? "" : `, 95 % interval over subjects ${intervalText(interval)}`;
  const few = judged.some((one) => one?.few.includes("balancedAccuracy"))
    ? ` Few: a recorded class has under ${minSubjects} subjects.`
    : "";
  return (
    `${head} Balanced accuracy on split ${split}: ${formatSeeds(mean)}; ` +
    `its best seed by validation, ${chosen.seed}: ${figure(balancedAccuracy)}${range}.${few}`
  );
}

function comparisonLines({ study }: StudyResults, families: readonly ComparedFamily[]): string[] {
  const names = shortNames(study.cells);
  const pairs = families.flatMap(({ comparison, pairs: own }) =>
    own.map((pair) => ({ comparison, ...pair })),
  );
  if (pairs.length === 0) return ["No comparison was planned: rows of the tables differ by chance, too."];
  const tested = pairs.filter(({ holm }) => holm !== null);
  const sure = tested.filter(({ holm }) => holm! <= SURE);
  const open = tested.filter(({ holm }) => holm! > SURE);
  const name = ({ a, b, comparison: { metric, evaluation, modality } }: (typeof pairs)[number]) => {
    const of = [evaluation, modality === null ? null : `${modality}s`].filter((text) => text !== null);
    return `${names.get(a.id)!} against ${names.get(b.id)!} in ${METRIC_TITLES[metric]}${of.length === 0 ? "" : ` (${of.join(", ")})`}`;
  };
  const some = (list: typeof pairs, text: (pair: (typeof pairs)[number]) => string) =>
    [
      ...list.slice(0, NAMED).map(text),
      ...(list.length > NAMED ? [`and ${list.length - NAMED} more`] : []),
    ].join("; ");
  return [
    sure.length === 0
      ? `None of ${tested.length} tested comparisons found a difference (Holm p at most ${SURE}).`
      : `What differs (Holm p at most ${SURE}; A minus B): ${some(sure, (pair) => `${name(pair)} ${difference(pair)}`)}.`,
    ...(open.length === 0
      ? []
      : [`What is undecided: ${some(open, name)}. This is no evidence of equality${detectable(open)}.`]),
    ...(tested.length === pairs.length
      ? []
      : [`Not compared: ${pairs.length - tested.length}, for reasons that their table gives.`]),
  ];
}

function difference({ result, holm }: ComparedPair): string {
  const { estimate } = result!;
  return `${estimate! > 0 ? "+" : ""}${figure(estimate)} ${intervalText(result!)}, Holm p ${holm! < 0.001 ? "<.001" : figure(holm)}`;
}

/** What these tests could have found at all. */
function detectable(pairs: readonly ComparedPair[]): string {
  const found = pairs.flatMap(({ result }) => result?.minimumDetectable ?? []);
  if (found.length === 0) return "";
  const [least, most] = [figure(Math.min(...found)), figure(Math.max(...found))];
  const range = least === most ? least : `${least} to ${most}`;
  return `: such tests find true differences from ${range} on, with a power of 80 %`;
}
