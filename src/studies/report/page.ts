// A study's report as one HTML page that needs nothing else: tables and figures, each figure's number linked to the
// predictions behind it.

import { LAW_NOTE } from "../../dataset/law.ts";
import { tablesByGroup } from "../../evaluate/metrics/groups.ts";
import { formatSubjects } from "../../evaluate/stored/subjects.ts";
import { LABEL_NOTE } from "../../report/figure-text.ts";
import { groupDots, reliabilityDiagram, rocCurve } from "../../report/figures.ts";
import { html, linked, type Markup, trusted } from "../../report/markup.ts";
import { hasDots } from "../../report/plots/figures.ts";
import { tableAnchor, toHtml } from "../../report/render.ts";
import { REPORT_CSS } from "../../report/style.ts";
import { isAllSmall, type ReportTable } from "../../report/table.ts";
import type { ComparedFamily } from "./comparison-table.ts";
import { confusionPanels, precisionRecallCurve, seedCurves } from "./figures.ts";
import { forestPlots } from "./forest.ts";
import { imageKey } from "./result-tables.ts";
import { type Labelled, type RunResult, rowsOf, runsOf, type StudyResults } from "./results.ts";
import { shortNames } from "./short-names.ts";
import { sourcesHtml } from "./source-list.ts";

/** What the page shows. */
export interface PageParts {
  readonly families: readonly ComparedFamily[];
  readonly tables: readonly ReportTable[];
  /** Runs whose predictions are drawn. */
  readonly shown: readonly RunResult[];
  /** The study folder, relative to the page. */
  readonly base: string;
  readonly minSubjects: number;
  /** What a reader may quote. */
  readonly summary: readonly string[];
}

/** What every report says first. */
export function preface({ study, runs, missing, split }: StudyResults): string[] {
  const rows = [
    ...new Map(runs.flatMap((run) => rowsOf(run.rows, split)).map((row) => [imageKey(row), row])).values(),
  ];
  const open =
    missing.length === 0
      ? ""
      : ` ${missing.length} of ${runs.length + missing.length} runs are not done and are in no figure.`;
  return [
    study.about,
    `${LABEL_NOTE} Every figure is agreement with that record, computed from stored predictions of split ${split}.`,
    `${study.cells.length} configurations, seeds ${study.seeds.join(", ")}.${open}`,
    `${capital(split)} images of all runs: ${formatSubjects(rows)}.`,
  ].filter((text) => text !== "");
}

const capital = (word: string) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

/** The page as text. */
export function reportPage(results: StudyResults, parts: PageParts): string {
  const { families, tables, shown, base, minSubjects, summary } = parts;
  const { study } = results;
  const names = shortNames(study.cells);
  const forests = forestPlots(families, names).map(figureOf);
  const comparisons =
    forests.length === 0 ? html`` : html`<h3>Comparisons</h3><div class="figures">${forests}</div>`;
  const runs = shown.map(
    (
      run,
    ) => html`<h3>${names.get(run.cell.id)!}: best of ${run.cell.arch.toUpperCase()} by validation on its images</h3>
<p class="soft">Curves of all its seeds; everything else of seed ${run.seed}, split ${results.split}.</p>
<div class="figures">${runFigures(run, results, minSubjects)}</div>`,
  );
  const list = tables.map(({ id, title }) => html`<li><a href="#${tableAnchor(id)}">${title}</a></li>`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Study ${study.name}</title><style>${trusted(REPORT_CSS)}
body { max-width: 84rem; }
.scroll table { font-size: .84rem; }
.scroll th, .scroll td { padding: .26rem .45rem; }
.scroll th:first-child { padding-left: 0; }
td a, tbody th a { color: inherit; text-decoration-color: var(--line); }</style></head>
<body><h1>Study ${study.name}</h1>
<div class="note">${preface(results).map((text) => html`<p>${text}</p>`)}<p>${linked(LAW_NOTE)}</p></div>
<h2>Summary</h2><ul>${summary.map((text) => html`<li>${text}</li>`)}</ul>
<details><summary>Contents</summary><ul>${list}</ul></details>
<h2>Figures</h2>${comparisons}${runs}
<h2>Tables</h2>${tables.map(foldedHtml)}
${sourcesHtml(results.sources, tables, base)}</body></html>
`.text;
}

/** A table without a figure is there to be opened. */
function foldedHtml(table: ReportTable): Markup {
  if (!isAllSmall(table)) return toHtml(table);
  return html`<details><summary>${table.title}: every figure is too small</summary>${toHtml(table)}</details>`;
}

const figureOf = (svg: string): Markup => html`<figure>${trusted(svg)}</figure>`;

function runFigures(run: RunResult, results: StudyResults, minSubjects: number): Markup[] {
  const rows = rowsOf(run.rows, results.split);
  return [
    seedCurves(runsOf(results, run.cell), "Validation by epoch"),
    confusionPanels(rows),
    rocCurve(rows),
    precisionRecallCurve(rows),
    reliabilityDiagram(rows),
    ...groupFigures(rows, minSubjects),
  ].map(figureOf);
}

const FIELDS = ["race", "age", "gesture", "modality"] as const;

/** Groups by the first recorded field of which a rate is large enough, one figure for each modality and vocabulary. */
function groupFigures(rows: readonly Labelled[], minSubjects: number): string[] {
  for (const field of FIELDS) {
    const judged = tablesByGroup(rows, [field], { minSubjects }).filter(hasDots);
    if (judged.length > 0) return judged.map(groupDots);
  }
  return [];
}
