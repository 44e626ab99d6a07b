// ◇ Browser-safe. Words of people, files and servers inside Markdown: they are shown as they are, and are neither
// markup, HTML nor links. Sources: CommonMark 0.31, GitHub's additions (tables, autolinks, mathematics). Invariants:
// text without such signs stays as it is; what is written is one line.
import { oneLine } from "./visible.ts";

/** Always markup, or part of it. */
const SIGNS = /[\\`$~]/g;
/** Emphasis: an asterisk beside a word, an underscore that is not within one. */
const EMPHASIS = /\*(?=[^\s:.,;])|(?<=\S)\*|(?<![\p{L}\p{N}_])_+|_+(?![\p{L}\p{N}_])/gu;
/** What may begin a tag, a comment, an entity, the end of a link's text, a link without brackets. */
const STARTS = /<(?=[A-Za-z/!?])|&(?=#|[A-Za-z])|!(?=\[)|\](?=[([])|:(?=\/\/)|(?<=\b(?:mailto|xmpp)):/gi;
const WWW = /\bwww\./gi;
/** What makes a heading, a list, a quotation, a rule or another block of a line that begins so. */
const BLOCK = /^(?:(\d{1,9})(?=[.)])|(?=[#>+=|*[-]))/;

/**
 * Text in a paragraph, a heading or a list.
 *
 * @example markdownText("<b>a</b> [x](https://x)") // "\\<b>a\\</b> [x\\](https\\://x)"
 */
export function markdownText(text: string): string {
  return oneLine(text)
    .replace(SIGNS, "\\$&")
    .replace(EMPHASIS, (signs) => [...signs].map((sign) => `\\${sign}`).join(""))
    .replace(STARTS, "\\$&")
    .replace(WWW, (start) => `${start.slice(0, -1)}\\.`)
    .replace(BLOCK, "$1\\");
}

/** Text in a cell of a table. @example markdownCell("a|b") // "a\\|b" */
export function markdownCell(text: string): string {
  return oneLine(text)
    .replace(/[|<>*_[\]\\`$~]/g, "\\$&")
    .replace(/&(?=#|[A-Za-z])|:(?=\/\/)|(?<=\b(?:mailto|xmpp)):/gi, "\\$&")
    .replace(WWW, (start) => `${start.slice(0, -1)}\\.`);
}

/** Text as code, whatever ticks are in it. @example markdownCode("a`b") // "`` a`b ``" */
export function markdownCode(text: string): string {
  const shown = oneLine(text);
  const longest = Math.max(0, ...(shown.match(/`+/g) ?? []).map((ticks) => ticks.length));
  if (longest === 0) return `\`${shown}\``;
  const fence = "`".repeat(longest + 1);
  return `${fence} ${shown} ${fence}`;
}

/** An address that stays a link, and ends nothing that stands around it. @example markdownUrl("https://x/<b>") */
export function markdownUrl(url: string): string {
  const code = (sign: string) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;
  return oneLine(url).replace(/[<>`|\\[\]()*"]/g, code);
}
