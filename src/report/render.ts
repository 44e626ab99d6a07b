// Report tables as Markdown, LaTeX (booktabs), CSV and HTML. Source: our own.
// Invariant: all four show the same texts; CSV adds the unrounded numbers and the sources.

import { markdownCell, markdownText } from "../core/markdown-text.ts";
import { oneLine } from "../core/visible.ts";
import { sha256 } from "../machine/files.ts";
import { tableCsv } from "./format-csv.ts";
import { html, type Markup, trusted } from "./markup.ts";
import type { ReportTable, TableCell, TableRow } from "./table.ts";

/** Anchor of a table's place. */
export const tableAnchor = (id: string) => `table-${id.replace(/[^A-Za-z0-9_-]+/g, "-")}`;

/** Anchor of a source, or of several together; undefined for a row without any. */
export function sourceAnchor(sources: readonly string[]): string | undefined {
  const [first, ...others] = sources;
  if (first === undefined) return undefined;
  if (others.length > 0) return `sources-${sha256(sources.join("\n")).slice(0, 12)}`;
  return `source-${first.replace(/[^A-Za-z0-9_-]+/g, "-")}`;
}

/** A table as Markdown; the sources of its rows are in the page and in the CSV. */
export function toMarkdown({ id, title, note, header, rows }: ReportTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const shown = ({ text, bold }: TableCell) =>
    bold === true ? `**${markdownCell(text)}**` : markdownCell(text);
  const body = rows.map(({ cells }) => line(cells.map(shown)));
  return [
    `<a id="${tableAnchor(id)}"></a>`,
    "",
    `### ${markdownText(title)}`,
    "",
    line(header.map(markdownCell)),
    line(header.map((_, k) => (k === 0 ? "---" : "---:"))),
    ...body,
    "",
    markdownText(note),
    "",
  ].join("\n");
}

const LATEX: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "±": "$\\pm$",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "$<$",
  ">": "$>$",
  "|": "$|$",
};

function escapeLatex(text: string): string {
  return oneLine(text).replace(/[\\±~^<>|]|[&%$#_{}]/g, (char) => LATEX[char] ?? `\\${char}`);
}

/** A table as LaTeX: a `table` with booktabs' rules, to be \\input. */
export function toLatex({ id, title, note, header, rows }: ReportTable): string {
  const line = (cells: readonly string[]) => `  ${cells.join(" & ")} \\\\`;
  const body = rows.map(({ cells }) =>
    line(
      cells.map(({ text, bold }) => (bold === true ? `\\textbf{${escapeLatex(text)}}` : escapeLatex(text))),
    ),
  );
  return [
    "% Made by facehand study report; needs \\usepackage{booktabs,graphicx}.",
    "\\begin{table}",
    "\\centering",
    `\\caption{${escapeLatex(`${title}. ${note}`)}}`,
    `\\label{tab:${id}}`,
    "\\smallskip",
    // A table wider than the text is shrunk to it.
    "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
    `\\begin{tabular}{l${"r".repeat(header.length - 1)}}`,
    "\\toprule",
    line(header.map(escapeLatex)),
    "\\midrule",
    ...body,
    "\\bottomrule",
    "\\end{tabular}}",
    "\\end{table}",
    "",
  ].join("\n");
}

/** A table as CSV: texts, then the unrounded numbers of the columns that have some, then sources. */
export function toCsv({ header, rows }: ReportTable): string {
  const numeric = header.flatMap((_, k) =>
    rows.some(({ cells }) => cells[k]?.value !== undefined) ? [k] : [],
  );
  const columns = [...header, ...numeric.map((k) => `${header[k]} (unrounded)`), "sources"];
  const values = ({ cells, sources }: TableRow) => [
    ...header.map((_, k) => cells[k]?.text ?? ""),
    ...numeric.map((k) => numberText(cells[k])),
    sources.join(" "),
  ];
  return tableCsv(columns, rows.map(values));
}

function numberText(cell: TableCell | undefined): string {
  return cell?.value === undefined ? "" : String(cell.value);
}

/** A table as HTML; every figure links to the sources of its row. */
export function toHtml({ id, title, note, header, rows }: ReportTable): Markup {
  const head = header.map((text) => html`<th scope="col">${text}</th>`);
  const body = rows.map(({ cells, sources }) => {
    const place = sourceAnchor(sources);
    const link = (cell: TableCell) => {
      const name = breakable(cell.text);
      const text = cell.bold === true ? html`<strong>${name}</strong>` : name;
      if (place === undefined) return text;
      const exact = cell.value === undefined ? "" : String(cell.value);
      return html`<a href="#${place}" title="${exact}">${text}</a>`;
    };
    const [first, ...rest] = cells;
    const td = (cell: TableCell) =>
      isLong(cell.text) ? html`<td class="long">${link(cell)}</td>` : html`<td>${link(cell)}</td>`;
    const th = isLong(first!.text) ? html`<th scope="row" class="long">` : html`<th scope="row">`;
    return html`<tr>${th}${link(first!)}</th>${rest.map(td)}</tr>`;
  });
  return html`<section id="${tableAnchor(id)}"><h3>${title}</h3>
<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>
<p class="soft">${note}</p></section>`;
}

/** Names of configurations: a table of them would be wider than any page. */
const isLong = (text: string) => text.length > 28 && !text.includes("[");

/** A long name may break after the parts of a tag. */
function breakable(text: string): Markup {
  if (!isLong(text)) return html`${text}`;
  const parts = text.split(/(?<=[_.=])/);
  return trusted(parts.map((part) => html`${part}`.text).join("<wbr>"));
}
