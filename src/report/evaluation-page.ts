// The report of one evaluation: one HTML file that needs nothing else, with figures, groups and the worst mistakes.
// Invariants: it says which images it is of and that the label is apparent; pictures are in it only where their files
// were named, and then it says that it shows people; no script, nothing of another file, and no links but to the texts of law.

import { MODALITIES } from "../core/words.ts";
import { LAW_NOTE } from "../dataset/law.ts";
import type { SeedsSummary } from "../evaluate/analysis/seed-summary.ts";
import type { Summary } from "../evaluate/analysis/summary.ts";
import type { Prediction } from "../evaluate/stored/prediction-row.ts";
import { LABEL_NOTE, METRIC_TITLES } from "./figure-text.ts";
import {
  AGAINST_COLUMNS,
  againstCells,
  againstImages,
  againstNotes,
  type Compared,
  mcnemarText,
} from "./format-against.ts";
import { AGE_NOTES, ageReportTables } from "./format-ages.ts";
import { meanText, seedsText } from "./format-seeds.ts";
import { html, linked, type Markup, table, trusted } from "./markup.ts";
import { hasDots } from "./plots/figures.ts";
import { forestPlot } from "./plots/forest.ts";
import { METRIC_ROWS, resultSection } from "./run.ts";
import { REPORT_CSS } from "./style.ts";

/** Mistakes that are shown of each modality. */
export const WORST = 12;

/** An image that was decided against its record. */
export interface Mistake {
  readonly row: Prediction & { readonly target: 0 | 1 };
  /** JPEG bytes, where the images are at hand. */
  readonly picture?: Uint8Array | undefined;
}

export interface EvaluationPage {
  /** As the command named it. */
  readonly name: string;
  /** First line of the text output. */
  readonly heading: string;
  readonly rows: readonly Prediction[];
  readonly summary: Summary;
  /** Several seeds: `rows` are then the ensemble's. */
  readonly seeds?: SeedsSummary | undefined;
  /** Another model on the same images. */
  readonly against?: Compared | undefined;
  readonly mistakes: readonly Mistake[];
}

/**
 * The surest wrong decisions, of each modality at most `WORST`.
 *
 * @param threshold - decided male from here
 */
export function worstMistakes(rows: readonly Prediction[], threshold: number): Mistake["row"][] {
  const wrong = rows.filter(
    (row): row is Mistake["row"] =>
      row.target !== null && (row.probability >= threshold ? 1 : 0) !== row.target,
  );
  const far = ({ probability }: Prediction) => Math.abs(probability - threshold);
  return MODALITIES.flatMap((modality) =>
    wrong
      .filter((row) => row.modality === modality)
      .sort((a, b) => far(b) - far(a) || (a.id < b.id ? -1 : 1))
      .slice(0, WORST),
  );
}

/**
 * The report as one HTML document.
 *
 * @example await writeAtomic("report.html", evaluationPage(input))
 */
export function evaluationPage(page: EvaluationPage): string {
  const { name, heading, rows, summary, seeds, against, mistakes } = page;
  const title = `Evaluation of ${name}`;
  const shows = mistakes.some(({ picture }) => picture !== undefined);
  return `<!doctype html>\n${
    html`<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${trusted(REPORT_CSS)}</style></head>
<body><main><header><h1>${title}</h1><p class="soft">${heading}</p>
<div class="note"><p><strong>The label is not identity.</strong> ${LABEL_NOTE} Every figure below is agreement with that
record.</p><p>${linked(LAW_NOTE)}</p>${shows ? html`<p><strong>This page shows people</strong> if the images do. Do not publish it.</p>` : html``}</div></header>
${against === undefined ? html`` : againstSection(against)}
${seeds === undefined ? html`` : seedSection(seeds)}
<h2>Figures</h2>
${resultSection({ rows, summary }, (groups) => groups.keys.length === 1 && hasDots(groups))}
${ageSection(summary)}
${mistakeSection(mistakes)}
</main></body></html>`.text
  }\n`;
}

/** Two models: a forest plot, the table, and what its columns mean. */
function againstSection(asked: Compared): Markup {
  const { compared, a, b } = asked;
  const drawn = compared.rows.flatMap(({ part, metric, result }) => {
    if (result === null || result.estimate === null) return [];
    const { estimate, low, high } = result;
    return [{ key: `${part} ${metric}`, lines: [`${part}: ${METRIC_TITLES[metric]}`], estimate, low, high }];
  });
  const plot = forestPlot(drawn, {
    sides: "A minus B; right of 0: A is better",
    interval: "with the differences that the test does not reject",
  });
  const lines = (texts: readonly string[]) => html`<p class="soft">${texts.join(" ")}</p>`;
  return html`<h2>Against another model</h2>
<p>A is <code>${a}</code>, B is <code>${b}</code>. ${againstImages(compared).join("; ")}.</p>
${drawn.length === 0 ? html`` : html`<div class="figures"><figure>${trusted(plot)}</figure></div>`}
${table(AGAINST_COLUMNS, compared.rows.map(againstCells))}
${lines([mcnemarText(compared) ?? ""])}
${lines(againstNotes(asked))}`;
}

function seedSection(seeds: SeedsSummary): Markup {
  const parts = [seeds.overall, ...seeds.byModality];
  return html`<h2>Over seeds</h2>
<p>Mean ± sample standard deviation over ${seedsText(seeds.seeds)}. What follows below is the ensemble of these runs: the mean of
their log-odds for each image.</p>
${table(
  ["", ...parts.map((part) => part.name)],
  METRIC_ROWS.map((metric) => [METRIC_TITLES[metric], ...parts.map((part) => meanText(part, metric))]),
)}`;
}

function ageSection({ targets = [] }: Summary): Markup {
  const tables = ageReportTables(targets.flatMap(({ years = [] }) => years));
  if (tables.length === 0) return html``;
  return html`<h2>Apparent age in years</h2>${AGE_NOTES.map((note) => html`<p class="soft">${note}</p>`)}
${tables.map(({ title, note, header, rows }) =>
  table(
    header,
    rows.map(({ cells }) => cells.map(({ text }) => text)),
    note === "" ? title : `${title}. ${note}`,
  ),
)}`;
}

function mistakeSection(mistakes: readonly Mistake[]): Markup {
  const found = MODALITIES.map((modality) => ({
    modality,
    own: mistakes.filter(({ row }) => row.modality === modality),
  })).filter(({ own }) => own.length > 0);
  if (found.length === 0)
    return html`<h2>Worst mistakes</h2><p>None: every image is decided as recorded.</p>`;
  return html`<h2>Worst mistakes</h2>
<p>Images decided against their record, the surest first, up to ${WORST} a modality. A mistake may be the model's or the record's:
the id is what a line of <code>derive --decisions</code> or a judgement names.</p>
${found.map(({ modality, own }) => html`<h3>${modality}s</h3>${own.some(({ picture }) => picture) ? sheet(own) : list(own)}`)}`;
}

const recorded = ({ target }: Mistake["row"]) => (target === 1 ? "male" : "female");

function list(mistakes: readonly Mistake[]): Markup {
  return table(
    ["image", "source", "recorded", "probability of male", "age", "race", "gesture"],
    mistakes.map(({ row }) => [
      html`<code>${row.id}</code>`,
      row.source,
      recorded(row),
      row.probability.toFixed(3),
      row.age,
      row.race,
      row.gesture,
    ]),
  );
}

function sheet(mistakes: readonly Mistake[]): Markup {
  const one = ({ row, picture }: Mistake) => {
    const groups = [row.age, row.race, row.gesture].filter((text) => text !== "").join(", ");
    const image =
      picture === undefined
        ? html`<div class="soft">no picture</div>`
        : html`<img alt="${row.id}" loading="lazy" src="data:image/jpeg;base64,${Buffer.from(picture).toString("base64")}">`;
    return html`<figure>${image}<figcaption><code>${row.id}</code><br>recorded ${recorded(row)}, probability of male
${row.probability.toFixed(3)}${groups === "" ? "" : `; ${groups}`}</figcaption></figure>`;
  };
  return html`<div class="sheet">${mistakes.map(one)}</div>`;
}
