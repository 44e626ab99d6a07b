// ◇ Browser-safe. Tables of a study's named comparisons: pairs of cells on the same images, over subjects, corrected within the family.
// A comparison of A against B is A minus B.
import { compareArms, type PairedComparison } from "../../evaluate/intervals/compare.ts";
import { holm } from "../../evaluate/intervals/mcnemar.ts";
import { metricRow } from "../../evaluate/metrics/table.ts";
import { recordedOtherwise } from "../../evaluate/stored/recorded.ts";
import { METRIC_TITLES, TOO_SMALL } from "../../report/figure-text.ts";
import { intervalCell, pCell, type ReportTable, rate, type TableRow, words } from "../../report/table.ts";
import type { Cell, Comparison } from "../study.ts";
import { imageKey, isWhole } from "./result-tables.ts";
import {
  judgedMetrics,
  type Labelled,
  type RunResult,
  rowsOf,
  runsOf,
  type StudyResults,
  sourceId,
} from "./results.ts";

/** Draws of every interval, exchanges of every comparison. */
export interface Resampling {
  readonly replicates: number;
  readonly seed: number;
}

/** Draws, and the limit under which a figure is too small. */
export interface Judging extends Resampling {
  readonly minSubjects: number;
}

/** One compared pair: a - b. */
export interface ComparedPair {
  readonly a: Cell;
  readonly b: Cell;
  /** Null if the pair cannot be compared; `reason` is why. */
  readonly result: PairedComparison | null;
  readonly reason: string;
  /** Of all pairs of the study; null where there is no p. */
  readonly holm: number | null;
  readonly sources: readonly string[];
}

/** A comparison with its results. */
export interface ComparedFamily {
  readonly comparison: Comparison;
  readonly pairs: readonly ComparedPair[];
}

/** Computes every comparison of a study; all its pairs are one family. */
export function compareFamilies(results: StudyResults, judging: Judging): ComparedFamily[] {
  const compared = results.study.comparisons.map((comparison) => ({
    comparison,
    pairs: comparison.pairs.map((pair) => comparePair(results, comparison, pair, judging)),
  }));
  const known = compared.flatMap(({ pairs }) => pairs.flatMap(({ result }) => result?.p ?? []));
  const adjusted = known.length === 0 ? [] : holm(known);
  return compared.map(({ comparison, pairs }) => ({
    comparison,
    pairs: pairs.map((pair) => ({ ...pair, holm: pair.result?.p == null ? null : adjusted.shift()! })),
  }));
}

function comparePair(
  results: StudyResults,
  { evaluation, modality, metric }: Comparison,
  ids: Comparison["pairs"][number],
  { minSubjects, ...resampling }: Judging,
): Omit<ComparedPair, "holm"> {
  const cell = (id: string) => results.study.cells.find((known) => known.id === id)!;
  const [a, b] = [cell(ids.a), cell(ids.b)];
  const runs = [runsOf(results, a), runsOf(results, b)] as const;
  const shared = runs[0].flatMap((first) => {
    const second = runs[1].find(({ seed }) => seed === first.seed);
    return second === undefined ? [] : [[first, second] as const];
  });
  const sources = shared.flat().map((run) => sourceId(run, evaluation ?? undefined));
  const none = (reason: string) => ({ a, b, result: null, reason, sources });
  if (shared.length === 0) return none("no seed is done for both");
  const rows = (run: RunResult) => {
    const all = evaluation === null ? run.rows : (run.evaluations.get(evaluation) ?? []);
    return new Map(rowsOf(all, results.split, modality).map((row) => [imageKey(row), row]));
  };
  const arms = shared.map(([first, second]) => [rows(first), rows(second)] as const);
  const keys = [...arms[0]![0].keys()].filter((key) =>
    arms.every((maps) => maps.every((map) => map.has(key))),
  );
  if (keys.length === 0) return none("no image is predicted by both");
  const images = keys.map((key) => arms[0]![0].get(key)!);
  if (!arms.flat().every((map) => images.every((row, i) => isRecordedAs(map.get(keys[i]!)!, row))))
    return none("the same images are recorded otherwise");
  const whole = modality === null || isWhole(results, images);
  if (judgedMetrics(images, { minSubjects, whole })!.tooSmall.includes(metric)) return none(TOO_SMALL);
  const probabilities = (of: ReadonlyMap<string, Labelled>) => keys.map((key) => of.get(key)!.probability);
  const result = compareArms(
    {
      y: images.map(({ target }) => target),
      subjects: images.map(({ subject }) => subject),
      first: arms.map(([first]) => probabilities(first)),
      second: arms.map(([, second]) => probabilities(second)),
    },
    { ...resampling, metric },
  );
  return { a, b, result, reason: "", sources };
}

/** Labels of one arm do not judge the answers of another that has other ones. */
const isRecordedAs = (a: Labelled, b: Labelled) =>
  recordedOtherwise(a, b, ["subject", "modality", "target"]) === undefined;

/** Whether the smaller value of a metric is the better one. */
export const isLowerBetter = (metric: Comparison["metric"]) => metricRow(metric).better === "lower";

/** All comparisons in one table; undefined without any. */
export function comparisonTable(
  families: readonly ComparedFamily[],
  { split }: StudyResults,
): ReportTable | undefined {
  if (families.length === 0) return undefined;
  const lower = families.some(({ comparison }) => isLowerBetter(comparison.metric));
  const auc = families.some(({ comparison }) => comparison.metric === "rocAuc");
  return {
    id: "comparisons",
    title: "Comparisons",
    note: `Difference: A minus B in the metric, on images that both predicted, mean over the seeds that both have${lower ? "; of metrics that are better when lower (EER, Brier, NLL, ECE), below 0 is in favour of A" : "; above 0 is in favour of A"}. p by exchanging the two models' answers within subjects; the 95 % interval holds the differences that this test does not reject, so it leaves out 0 exactly where p is at most .05 ([?, ?]: it rejects none)${auc ? "; DeLong p by the variance of the ROC-AUC over subjects" : ""}. Too small: the metric rests on too few subjects of these images, who are a part of the study's. Holm: corrected over all rows with a p; detectable: true difference that one such test at 5 % finds with a power of 80 %. A difference that is not detected is no evidence of equality.`,
    header: [
      "comparison",
      "A",
      "B",
      "of",
      "metric",
      "seeds",
      "images",
      "subjects",
      "A minus B",
      "p",
      ...(auc ? ["DeLong p"] : []),
      "Holm p",
      "detectable",
    ],
    rows: families.flatMap(({ comparison, pairs }) =>
      pairs.map((pair) => pairRow(pair, comparison, { split, auc })),
    ),
  };
}

function pairRow(
  { a, b, result, reason, holm: adjusted, sources }: ComparedPair,
  { name, evaluation, modality, metric }: Comparison,
  { split, auc }: { readonly split: StudyResults["split"]; readonly auc: boolean },
): TableRow {
  const images = [evaluation ?? split, ...(modality === null ? [] : [`${modality}s`])].join(", ");
  const names = [words(name), words(a.label), words(b.label), words(images), words(METRIC_TITLES[metric])];
  if (result === null) {
    return {
      cells: [...names, words(reason), ...Array.from({ length: auc ? 7 : 6 }, () => words("-"))],
      sources,
    };
  }
  const { nSeeds, nImages, nSubjects, p, delongP, minimumDetectable } = result;
  return {
    cells: [
      ...names,
      rate(nSeeds, 0),
      rate(nImages, 0),
      rate(nSubjects, 0),
      intervalCell(result),
      pCell(p),
      ...(auc ? [pCell(delongP)] : []),
      pCell(adjusted),
      rate(minimumDetectable),
    ],
    sources,
  };
}
