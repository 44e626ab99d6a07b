// HTML text that cannot be injected into: whatever a template inserts is escaped unless it is Markup itself.
// Invariant: only this file makes Markup from strings, by `html` (templates of this program) and `trusted`.
import { visibleLines } from "../core/visible.ts";

/** HTML that was made by this program. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Insertable = string | number | Markup | readonly Markup[];

/**
 * HTML from a template; inserted strings are escaped.
 *
 * @example html`<p>${"<b>"}</p>`.text // "<p>&lt;b&gt;</p>"
 */
export function html(parts: TemplateStringsArray, ...values: readonly Insertable[]): Markup {
  const inserted = values.map((value) => {
    if (value instanceof Markup) return value.text;
    return Array.isArray(value) ? value.map(({ text }) => text).join("\n") : escapeXml(String(value));
  });
  return new Markup(parts.map((part, i) => part + (inserted[i] ?? "")).join(""));
}

/** Takes text as HTML: for SVG that this program drew, whose labels are escaped already, and for its own CSS. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

/** Text in parts, of which those with an address are links. */
export function linked(parts: readonly (string | { readonly name: string; readonly url: string })[]): Markup {
  const each = parts.map((part) =>
    typeof part === "string"
      ? escapeXml(part)
      : `<a href="${escapeXml(part.url)}" rel="noreferrer">${escapeXml(part.name)}</a>`,
  );
  return new Markup(each.join(""));
}

/** A table; the first column holds row headers, the others are aligned right. */
export function table(
  header: readonly string[],
  rows: readonly (readonly Insertable[])[],
  caption?: string,
): Markup {
  const head = header.map((cell) => html`<th scope="col">${cell}</th>`);
  const body = rows.map(([first = "", ...rest]) => {
    // A short row's last cell takes the remaining columns, e.g. "too few subjects".
    const cells = rest.map((cell, i) => {
      const span = i === rest.length - 1 ? header.length - rest.length : 1;
      return span > 1 ? html`<td colspan="${span}" class="wide">${cell}</td>` : html`<td>${cell}</td>`;
    });
    return html`<tr><th scope="row">${first}</th>${cells}</tr>`;
  });
  const title = caption === undefined ? html`` : html`<caption>${caption}</caption>`;
  return html`<div class="scroll"><table>${title}<thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** Text for XML and HTML, in elements and in quoted attributes. */
export function escapeXml(text: string): string {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" } as const;
  return visibleLines(text).replace(/[&<>"']/g, (character) => names[character as keyof typeof names]);
}
