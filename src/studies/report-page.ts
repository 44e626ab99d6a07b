// A study's report as one HTML page that needs nothing else: tables and figures, each figure's number linked to the
// predictions behind it.

import { LABEL_NOTE } from "../evaluate/format.ts";
import { metricsByGroup } from "../evaluate/groups.ts";
import type { ComparedFamily } from "./comparison-table.ts";
import { groupDots, reliabilityDiagram, rocCurve } from "./figures.ts";
import { html, type Markup, trusted } from "./markup.ts";
import { tableAnchor, toHtml } from "./render.ts";
import { confusionPanels, forestPlot, precisionRecallCurve, seedCurves } from "./report-figures.ts";
import { REPORT_CSS } from "./report-style.ts";
import type { ReportTable } from "./report-table.ts";
import { type RunResult, rowsOf, runsOf, type StudyResults } from "./results.ts";
import { sourcesHtml } from "./source-list.ts";

/** What the page shows. */
export interface PageParts {
  readonly families: readonly ComparedFamily[];
  readonly tables: readonly ReportTable[];
  /** Runs whose predictions are drawn. */
  readonly shown: readonly RunResult[];
  /** The study folder, relative to the page. */
  readonly base: string;
}

/** What every report says first. */
export function preface({ study, runs, missing, split }: StudyResults): string[] {
  const open =
    missing.length === 0
      ? ""
      : ` ${missing.length} of ${runs.length + missing.length} runs are not done and are in no figure.`;
  return [
    study.about,
    `${LABEL_NOTE} Every figure is agreement with that record, computed from stored predictions of split ${split}.`,
    `${study.cells.length} configurations, seeds ${study.seeds.join(", ")}.${open}`,
  ].filter((text) => text !== "");
}

/** The page as text. */
export function reportPage(results: StudyResults, { families, tables, shown, base }: PageParts): string {
  const { study } = results;
  const figures = [
    ...families.flatMap((family) => figureOf(forestPlot(family))),
    ...shown.flatMap((run) => runFigures(run, results)),
  ];
  const list = tables.map(({ id, title }) => html`<li><a href="#${tableAnchor(id)}">${title}</a></li>`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Study ${study.name}</title><style>${trusted(REPORT_CSS)}
body { max-width: 80rem; }
td a, tbody th a { color: inherit; text-decoration-color: var(--line); }</style></head>
<body><h1>Study ${study.name}</h1>
<div class="note">${preface(results).map((text) => html`<p>${text}</p>`)}</div>
<details><summary>Contents</summary><ul>${list}</ul></details>
<h2>Figures</h2><div class="figures">${figures}</div>
<h2>Tables</h2>${tables.map(toHtml)}
${sourcesHtml(results.sources, tables, base)}</body></html>
`.text;
}

function figureOf(svg: string | undefined, caption = ""): Markup[] {
  if (svg === undefined) return [];
  return [
    html`<figure>${trusted(svg)}${caption === "" ? html`` : html`<figcaption>${caption}</figcaption>`}</figure>`,
  ];
}

function runFigures(run: RunResult, results: StudyResults): Markup[] {
  const rows = rowsOf(run.rows, results.split);
  const name = `${run.cell.label}, seed ${run.seed}, split ${results.split}`;
  const key = (["race", "age", "gesture"] as const).find((field) => rows.some((row) => row[field] !== ""));
  return [
    ...figureOf(seedCurves(runsOf(results, run.cell), "Validation by epoch"), run.cell.label),
    ...figureOf(confusionPanels(rows), name),
    ...figureOf(rocCurve(rows), name),
    ...figureOf(precisionRecallCurve(rows), name),
    ...figureOf(reliabilityDiagram(rows), name),
    ...(key === undefined ? [] : figureOf(groupDots(metricsByGroup(rows, [key, "modality"])), name)),
  ];
}
