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
import { type Labelled, type RunResult, rowsOf, runsOf, type StudyResults } from "./results.ts";
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
  const forests = families.flatMap((family) => figureOf(forestPlot(family)));
  const comparisons =
    forests.length === 0 ? html`` : html`<h3>Comparisons</h3><div class="figures">${forests}</div>`;
  const runs = shown.map(
    (run) => html`<h3>${run.cell.label}: best of ${run.cell.arch.toUpperCase()} by validation</h3>
<p class="soft">Curves of all its seeds; everything else of seed ${run.seed}, split ${results.split}.</p>
<div class="figures">${runFigures(run, results)}</div>`,
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
<div class="note">${preface(results).map((text) => html`<p>${text}</p>`)}</div>
<details><summary>Contents</summary><ul>${list}</ul></details>
<h2>Figures</h2>${comparisons}${runs}
<h2>Tables</h2>${tables.map(toHtml)}
${sourcesHtml(results.sources, tables, base)}</body></html>
`.text;
}

function figureOf(svg: string | undefined): Markup[] {
  return svg === undefined ? [] : [html`<figure>${trusted(svg)}</figure>`];
}

function runFigures(run: RunResult, results: StudyResults): Markup[] {
  const rows = rowsOf(run.rows, results.split);
  return [
    seedCurves(runsOf(results, run.cell), "Validation by epoch"),
    confusionPanels(rows),
    rocCurve(rows),
    precisionRecallCurve(rows),
    reliabilityDiagram(rows),
    groupFigure(rows),
  ].flatMap(figureOf);
}

const FIELDS = ["race", "age", "gesture"] as const;

/** Groups by the first recorded field that leaves one of them large enough, by modality too if it can be. */
function groupFigure(rows: readonly Labelled[]): string | undefined {
  const recorded = FIELDS.filter((field) => rows.some((row) => row[field] !== ""));
  const keys = [
    ...recorded.map((field) => [field, "modality"] as const),
    ...recorded.map((field) => [field] as const),
  ];
  for (const by of [...keys, ["modality"] as const]) {
    const table = metricsByGroup(rows, by);
    if (table.groups.some(({ small }) => !small)) return groupDots(table);
  }
  return undefined;
}
