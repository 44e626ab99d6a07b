// Two models on the same images, as a part of the page of one of them: a forest plot, the table, and what its columns mean.
import { METRIC_TITLES } from "./figure-text.ts";
import { forestPlot } from "./forest.ts";
import {
  AGAINST_COLUMNS,
  againstCells,
  againstImages,
  againstNotes,
  type Compared,
  mcnemarText,
} from "./format-against.ts";
import { html, type Markup, table, trusted } from "./markup.ts";

/** The part of the page. */
export function againstSection(asked: Compared): Markup {
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
