// The report of a study, computed from its stored predictions: Markdown, LaTeX, CSV, one HTML page, upstream's table.
// Invariants: no number is typed; the same predictions give the same bytes (no dates, no machine), so that a committed
// report can be checked against its study; files are written whole.

import { dirname, join, relative } from "node:path";
import { AppError, missingFile } from "../../core/errors.ts";
import { markdownText } from "../../core/markdown-text.ts";
import { LAW_NOTE, lawMarkdown } from "../../dataset/law.ts";
import { REPLICATES } from "../../evaluate/intervals/intervals.ts";
import { checkMinSubjects, SMALL_SUBJECTS } from "../../evaluate/metrics/small.ts";
import { exists, readText, writeAtomic } from "../../machine/files.ts";
import { withLock } from "../../machine/lock.ts";
import { sweepTemporaries } from "../../machine/temporary.ts";
import { toCsv, toLatex, toMarkdown } from "../../report/render.ts";
import { isAllSmall, type ReportTable } from "../../report/table.ts";
import { readStudy } from "../study.ts";
import { analysisTables, flipTables } from "./analysis-tables.ts";
import { compareFamilies, type Resampling } from "./comparison-table.ts";
import { FINAL_METRICS_FILE, finalMetrics } from "./final-metrics.ts";
import { groupTables, shownRun } from "./group-tables.ts";
import { overallTables } from "./overall.ts";
import { preface, reportPage } from "./page.ts";
import { readResults } from "./read-results.ts";
import {
  type RunResult,
  rankedCells,
  type StudyResults,
  validationFigure,
  validationImages,
} from "./results.ts";
import { sourcesMarkdown } from "./source-list.ts";
import { summaryLines } from "./summary.ts";

/** What git keeps of a report; the other files are made again from the study. */
const REPORT_TEXT = "report.md";

/** How a report is made. */
export interface ReportOptions extends Partial<Resampling> {
  /** Figures of groups that rest on fewer subjects are too small; default 20. */
  readonly minSubjects?: number | undefined;
  /** Folder of the report; made if it is not there. */
  readonly outDir: string;
}

/** A report in memory: texts by file name. */
export interface Report {
  readonly files: ReadonlyMap<string, string>;
  readonly results: StudyResults;
}

/**
 * Makes a study's report.
 *
 * @param dir - study folder
 * @throws AppError("data", "STUDY_EMPTY") if no task has stored predictions; as `readStudy` and `readPredictions` do
 * @example (await makeReport("studies/ablation", { outDir: "docs" })).files.get("report.md")
 */
export async function makeReport(dir: string, options: ReportOptions): Promise<Report> {
  const { replicates = REPLICATES, seed = 0, outDir } = options;
  const minSubjects = checkMinSubjects(options.minSubjects ?? SMALL_SUBJECTS);
  const results = await readResults(dir, await readStudy(dir));
  if (results.runs.length === 0) {
    throw new AppError("data", "STUDY_EMPTY", `Expected at least one finished run in ${dir}, got none`, {
      hint: "run the study first: facehand study run",
    });
  }
  const families = compareFamilies(results, { replicates, seed, minSubjects });
  const shown = shownRuns(results);
  const summary = summaryLines(results, families, { replicates, seed, minSubjects });
  const tables = [
    ...overallTables(results, families, minSubjects),
    ...shown.flatMap((run) => [
      ...groupTables(shownRun(run, results.study), results.split, { replicates, seed, minSubjects }),
      ...analysisTables(shownRun(run, results.study), results.split, minSubjects),
      ...flipTables(run, results, minSubjects),
    ]),
  ];
  const base = relative(outDir, dir).replaceAll("\\", "/") || ".";
  const files = new Map([
    [REPORT_TEXT, markdown(results, tables, summary)],
    ["report.html", reportPage(results, { families, tables, shown, base, minSubjects, summary })],
    [FINAL_METRICS_FILE, finalMetrics(results)],
  ]);
  for (const table of tables) {
    files.set(`tables/${table.id}.csv`, toCsv(table));
    files.set(`tables/${table.id}.tex`, toLatex(table));
  }
  return { files, results };
}

/**
 * The runs that are reported group by group: of each architecture the best cell by validation, by its best seed; one of
 * each set of validation images, since figures of other images choose nothing.
 */
function shownRuns(results: StudyResults): RunResult[] {
  const best = new Map<string, RunResult>();
  for (const { cell, runs } of rankedCells(results)) {
    const key = JSON.stringify([cell.arch, validationImages(cell)]);
    if (best.has(key)) continue;
    best.set(
      key,
      runs.reduce((a, b) => (validationFigure(b) > validationFigure(a) ? b : a)),
    );
  }
  return [...best.values()];
}

function markdown(results: StudyResults, tables: readonly ReportTable[], summary: readonly string[]): string {
  return [
    `# Study ${markdownText(results.study.name)}`,
    "",
    ...preface(results).flatMap((text) => [markdownText(text), ""]),
    lawMarkdown(LAW_NOTE),
    "",
    "Made by `facehand study report`; `--check` recomputes it.",
    "",
    "## Summary",
    "",
    ...summary.map((text) => `- ${markdownText(text)}`),
    "",
    ...tables.map(folded),
    sourcesMarkdown(results.sources),
    "",
  ].join("\n");
}

/** A table without a figure is there to be opened. */
function folded(table: ReportTable): string {
  if (!isAllSmall(table)) return toMarkdown(table);
  const title = `${markdownText(table.title)}: every figure is too small`;
  return `<details><summary>${title}</summary>\n\n${toMarkdown(table)}\n</details>\n`;
}

/**
 * Writes a report, file by file, each whole.
 *
 * @throws AppError("input", "LOCKED") while another process writes into the folder
 */
export async function writeReport({ files }: Report, outDir: string): Promise<void> {
  await withLock(outDir, `the folder ${outDir}`, async () => {
    const paths = [...files.keys()].map((name) => join(outDir, name));
    for (const folder of new Set(paths.map(dirname)))
      await sweepTemporaries(folder, (name) => paths.includes(join(folder, name)));
    for (const [name, text] of files) await writeAtomic(join(outDir, name), text);
  });
}

/**
 * Compares a written report with a recomputed one. Where only its text is stored, as in git, the other files may be missing.
 *
 * @returns how many files are the same
 * @throws AppError("data", "FILE_MISSING") if its text is not there, "REPORT_DRIFTED" for the first line that differs
 */
export async function checkReport({ files }: Report, outDir: string): Promise<number> {
  let same = 0;
  for (const [name, text] of files) {
    const path = join(outDir, name);
    if (!(await exists(path))) {
      if (name !== REPORT_TEXT) continue;
      throw missingFile(path, "a file of the report", "write the report again");
    }
    const [there, wanted] = [(await readText(path, "a file of the report")).split("\n"), text.split("\n")];
    const line = wanted.findIndex((value, k) => value !== there[k]);
    const at = line === -1 && there.length !== wanted.length ? wanted.length : line;
    if (at === -1) {
      same++;
      continue;
    }
    const message = `Expected the recomputed ${JSON.stringify(short(wanted[at]))}, got ${JSON.stringify(short(there[at]))} (${path}:${at + 1})`;
    throw new AppError("data", "REPORT_DRIFTED", message, {
      hint: "the predictions or the table changed: compare both, then write the report again",
    });
  }
  return same;
}

const short = (line: string | undefined) => (line ?? "").slice(0, 200);
