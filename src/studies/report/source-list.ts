// The end of a report: every run and every file of predictions that its figures come from, as HTML; Markdown counts them.
// Invariant: a row of a table links to one place here that names all that is behind it, a mean over seeds to all seeds.

import { html, type Markup } from "../../report/markup.ts";
import { sourceAnchor } from "../../report/render.ts";
import type { ReportTable } from "../../report/table.ts";
import type { ResultSource } from "./results.ts";

/** Sources that some row has together, each set once, in the order of the tables. */
function together(tables: readonly ReportTable[]): Map<string, readonly string[]> {
  const sets = tables.flatMap(({ rows }) => rows.map(({ sources }) => sources));
  return new Map(sets.filter(({ length }) => length > 1).map((set) => [sourceAnchor(set)!, set]));
}

const short = (sha256: string) => sha256.slice(0, 16);
/** A relative path as an address: never one with a scheme, a query or a fragment. */
const hrefOf = (path: string) =>
  path.replace(/[%?#:]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
const fileName = (path: string) => path.slice(path.lastIndexOf("/") + 1);

/** What the Markdown has of them: the list itself is several times as long as all else in it. */
export function sourcesMarkdown(sources: readonly ResultSource[]): string {
  const files = sources.reduce((sum, { files }) => sum + files.length, 0);
  return [
    "## Sources",
    "",
    `All figures come from ${sources.length} runs and evaluations with ${files} files of predictions. \`report.html\`, made`,
    "beside this file, names each with its SHA-256 and links every figure to those behind it; `tables/*.csv` name them by row.",
  ].join("\n");
}

/** The list as HTML. */
export function sourcesHtml(
  sources: readonly ResultSource[],
  tables: readonly ReportTable[],
  base: string,
): Markup {
  const sets = [...together(tables)].map(
    ([id, set]) =>
      html`<li id="${id}">${set.map((one) => html`<a href="#${sourceAnchor([one])!}">${one}</a>`)}</li>`,
  );
  const rows = sources.map(({ id, run, files }) => {
    const runLinks = ["config.json", "log.jsonl", "environment.json"].map(
      (name) => html`<a href="${hrefOf(`${base}/${run}/${name}`)}">${name}</a>`,
    );
    const stored = files.map(
      ({ path, images, sha256 }) =>
        html`<div><a href="${hrefOf(`${base}/${path}`)}">${fileName(path)}</a>, ${images} images, <code>${short(sha256)}</code></div>`,
    );
    return html`<tr id="${sourceAnchor([id])!}"><th scope="row">${id}</th><td class="wide">${runLinks}</td><td class="wide">${stored}</td></tr>`;
  });
  const several =
    sets.length === 0
      ? html``
      : html`<p>Figures of several runs come from these together:</p><ul class="sets">${sets}</ul>`;
  return html`<h2>Sources</h2><p>Runs and predictions that the figures are computed from. A figure links to its place here.</p>
${several}
<div class="scroll"><table><thead><tr><th scope="col">run and evaluation</th><th scope="col">run</th><th scope="col">predictions, SHA-256</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}
