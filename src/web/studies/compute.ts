// ◇ Browser-safe. A study's summary and tables, computed in the page's thread from the predictions that its runs left.
// Invariant: the functions, draws and limits of `study report`, so that both have the same texts.
import { SMALL_SUBJECTS } from "../../evaluate/metrics/small.ts";
import type { ReportTable } from "../../report/table.ts";
import { compareFamilies } from "../../studies/report/comparison-table.ts";
import { overallTables } from "../../studies/report/overall.ts";
import {
  labelledOf,
  type RunResult,
  reportedSplit,
  type StudyResults,
} from "../../studies/report/results.ts";
import { summaryLines } from "../../studies/report/summary.ts";
import type { Cell, Study } from "../../studies/study.ts";
import { parseRunLog } from "../../train/runlog.ts";
import { decodePredictions } from "../runs/decode.ts";

/** A file: where it is, and its name in messages. */
export interface NamedFile {
  readonly url: string;
  readonly name: string;
}

/** Files of a run that has predicted. */
export interface RunFiles {
  /** Id of its configuration in the plan. */
  readonly cell: string;
  readonly seed: number;
  readonly log: NamedFile;
  readonly predictions: readonly NamedFile[];
  /** By evaluation. */
  readonly evaluations: Readonly<Record<string, readonly NamedFile[]>>;
}

/** A study with the files of its runs. */
export interface StudyFiles {
  readonly plan: Study;
  readonly runs: readonly RunFiles[];
}

/** What is shown of a study as a whole. */
export interface StudyReport {
  readonly summary: readonly string[];
  readonly tables: readonly ReportTable[];
}

/**
 * Reads all files and computes.
 *
 * @param replicates - draws of intervals and tests
 */
export async function computeStudy(files: StudyFiles, replicates: number): Promise<StudyReport> {
  const results = await readFiles(files);
  const judging = { replicates, seed: 0, minSubjects: SMALL_SUBJECTS };
  const families = compareFamilies(results, judging);
  return {
    summary: summaryLines(results, families, judging),
    tables: overallTables(results, families, SMALL_SUBJECTS),
  };
}

async function readFiles({ plan, runs: files }: StudyFiles): Promise<StudyResults> {
  // Plans of before name no metric.
  const comparisons = plan.comparisons.map((one) => ({ ...one, metric: one.metric ?? "balancedAccuracy" }));
  const study = { ...plan, comparisons };
  const tasks = plan.cells.flatMap((cell) => plan.seeds.map((seed) => ({ cell, seed })));
  const filesOf = ({ cell, seed }: (typeof tasks)[number]) =>
    files.find((run) => run.cell === cell.id && run.seed === seed);
  const runs: RunResult[] = [];
  for (const task of tasks) {
    const own = filesOf(task);
    if (own !== undefined) runs.push(await readRun(task.cell, own, study));
  }
  const missing = tasks.filter((task) => filesOf(task) === undefined);
  return { study, runs, missing, sources: [], split: reportedSplit(runs) };
}

async function readRun(cell: Cell, files: RunFiles, { evaluations }: Study): Promise<RunResult> {
  const rows = async (of: readonly NamedFile[]) => {
    const found = [];
    for (const file of of)
      found.push(...(await decodePredictions(await (await read(file)).arrayBuffer(), file.name)));
    return labelledOf(found);
  };
  const evaluated = new Map<string, RunResult["rows"]>();
  for (const { name, cells } of evaluations) {
    const own = cells.includes(cell.id) ? files.evaluations[name] : undefined;
    if (own !== undefined) evaluated.set(name, await rows(own));
  }
  const log = parseRunLog(await (await read(files.log)).text(), files.log.name);
  return { cell, seed: files.seed, log, rows: await rows(files.predictions), evaluations: evaluated };
}

async function read({ url, name }: NamedFile): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${name}: the server answered ${response.status}`);
  return response;
}
