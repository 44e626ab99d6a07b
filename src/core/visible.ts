// ◇ Browser-safe. Text of files, names and servers as one line of a terminal: signs that a terminal would obey, or that nobody
// would see, are escaped. Source: Unicode's categories Cc, Cf, Cs, Zl, Zp and its default ignorable code points
// (bidirectional overrides and isolates, zero-width signs, tags, variation selectors, the byte order mark).
// Invariants: an escape is the one that JSON has, so that escaped JSON means the same; what is escaped once is not
// changed again.

/** As many bytes of UTF-8 an error's message has at most. */
export const MESSAGE_BYTES = 2048;

/** Help and tables for a terminal are at most so wide. */
export const MAX_COLUMNS = 100;

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/gu;
const UNSEEN_BUT_LINE_ENDS = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Any text as one line that hides nothing and moves nothing.
 *
 * @example visible("a\u001b[2Jb\u202egpj.exe") // "a\\u001b[2Jb\\u202egpj.exe"
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** The same of text whose line ends are this program's own: a table, indented JSON. */
export function visibleLines(text: string): string {
  return text.replace(UNSEEN_BUT_LINE_ENDS, escaped);
}

/** Text of several lines, as a person wrote it into a file, as one line. */
export function oneLine(text: string): string {
  return visible(text.replace(/[\s\u0085]+/g, " ").trim());
}

function escaped(sign: string): string {
  const unit = (k: number) => `\\u${sign.charCodeAt(k).toString(16).padStart(4, "0")}`;
  return SHORT[sign] ?? Array.from({ length: sign.length }, (_, k) => unit(k)).join("");
}

/**
 * Text of at most so many bytes: of a longer one the beginning and the end, since messages name the place between them.
 *
 * @param limitBytes - of UTF-8, at least 64
 */
export function shortened(text: string, limitBytes: number = MESSAGE_BYTES): string {
  if (text.length <= limitBytes / 3 || sizeOf(text) <= limitBytes) return text;
  const signs = [...text.slice(0, limitBytes), ...text.slice(-limitBytes)]; // enough for both ends
  const mark = " … ";
  const tail = fitting(signs.toReversed(), Math.floor(limitBytes / 4)).reverse();
  const head = fitting(signs, limitBytes - sizeOf(mark) - sizeOf(tail.join("")));
  return `${head.join("")}${mark}${tail.join("")}`;
}

/** The first signs that fit. */
function fitting(signs: readonly string[], limitBytes: number): string[] {
  let bytes = 0;
  const end = signs.findIndex((sign) => {
    bytes += sizeOf(sign);
    return bytes > limitBytes;
  });
  return signs.slice(0, end === -1 ? signs.length : end);
}

const sizeOf = (text: string) => new TextEncoder().encode(text).byteLength;
