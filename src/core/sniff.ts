// ◇ Browser-safe. What a file is, by its bytes: the one place that decides why a reader cannot read what it was given.
// Readers ask after they failed (or, where text would pass for a table, before), so that a hint names the cause that
// the bytes show: a pointer, a web page, an archive, a sidecar, zeros, a file cut off. Marks are in sniff-marks.ts.
// Invariant: `undefined` where the bytes may well be what was wanted; nothing is guessed from a file's name.
import { AppError, unexpected } from "./errors.ts";
import { type Format, latin1, MARKS, startsWith } from "./sniff-marks.ts";

export { ALL_FORMATS, type Format } from "./sniff-marks.ts";

/** What was found in place of what was wanted, and what to do about it. */
export interface Cause {
  readonly got: string;
  readonly hint: string;
}

/** The parts of a file that show what it is. */
export interface Sniffed {
  /** The first HEAD_BYTES, or all. */
  readonly head: Uint8Array;
  /** The last TAIL_BYTES, or all. */
  readonly tail: Uint8Array;
  readonly sizeBytes: number;
}

export const HEAD_BYTES = 4096;
/** A zip archive's end may have a comment of 64 KiB after it. */
export const TAIL_BYTES = 66_000;

const AGAIN = "fetch or write the file again";
const UNFINISHED = `${AGAIN}; its download or copy was not finished`;

/** The two ends of bytes that are all there. */
export function endsOf(bytes: Uint8Array): Sniffed {
  const { length } = bytes;
  return {
    head: bytes.subarray(0, HEAD_BYTES),
    tail: bytes.subarray(Math.max(0, length - TAIL_BYTES)),
    sizeBytes: length,
  };
}

/** A reader's error with the cause that the bytes show; the error itself where they show none. */
export function withCause(error: unknown, cause: Cause | undefined, expected: string, name: string): unknown {
  if (!(error instanceof AppError) || cause === undefined) return error;
  return unexpected(error.kind, { code: error.code, expected, name, ...cause, cause: error });
}

/**
 * Runs a reader of bytes that are all there; see `explained` of sniff-file.
 *
 * @example explainedBytes(bytes, ["onnx"], "an ONNX model", where, () => decode(bytes))
 */
export function explainedBytes<T>(
  bytes: Uint8Array,
  own: readonly Format[],
  expected: string,
  where: string,
  work: () => T,
): T {
  try {
    return work();
  } catch (error) {
    throw withCause(error, causeOf(endsOf(bytes), own), expected, where);
  }
}

/**
 * Why a file is not a whole one of the wanted formats, as far as its ends show it.
 *
 * @param own - formats that the reader reads
 * @returns undefined if it begins as one of them and ends as it should, or nothing is known of how it begins
 * @example causeOf(endsOf(new Uint8Array()), ["png"]) // { got: "an empty file", hint: ... }
 */
export function causeOf(file: Sniffed, own: readonly Format[]): Cause | undefined {
  const { head, sizeBytes } = file;
  if (sizeBytes === 0) return { got: "an empty file", hint: `${AGAIN}; nothing was stored` };
  const other = otherThan(head, own);
  if (other !== undefined) return other;
  const format = own.find((name) => startsAs(name, head));
  return format === undefined ? undefined : cutOff(file, format);
}

/** The same by the first bytes alone, for readers of text that begin before they have seen the end. */
export function otherThan(head: Uint8Array, own: readonly Format[]): Cause | undefined {
  if (head.length > 0 && head.every((byte) => byte === 0)) {
    return { got: `a file that begins with ${head.length} zeros`, hint: UNFINISHED };
  }
  return textCause(head) ?? binaryCause(head, own);
}

function startsAs(name: Format, head: Uint8Array): boolean {
  if (name === "json") return /^\s*[{[]/.test(textOf(head) ?? "");
  return MARKS.some((mark) => mark.format === name && mark.is(head));
}

function binaryCause(head: Uint8Array, own: readonly Format[]): Cause | undefined {
  const mark = MARKS.find(({ is }) => is(head));
  if (mark !== undefined) return own.includes(mark.format) ? undefined : { got: mark.got, hint: mark.hint };
  const text = textOf(head);
  if (text === undefined || own.includes("text")) return undefined;
  if (/^\s*(\{\s*["}]|\[\s*[[{"\d\]-])/.test(text)) {
    return own.includes("json") ? undefined : { got: `JSON text: ${first(text)}`, hint: OTHER_TEXT };
  }
  return { got: `text: ${first(text)}`, hint: OTHER_TEXT };
}

const OTHER_TEXT = "give the file itself; this is text under its name";
const PAGE = "fetch the file itself; a web page was saved under its name";

/** Text that stands in for a file: pointers, pages, messages of servers. */
function textCause(head: Uint8Array): Cause | undefined {
  const utf16 = startsWith(head, [0xff, 0xfe]) || startsWith(head, [0xfe, 0xff]);
  const text = utf16 ? latin1(head).replace(/[\0\xff\xfe]/g, "") : (textOf(head) ?? latin1(head));
  const start = text.trimStart();
  const lfs = /^version https:\/\/(?:git-lfs|hawser)\.github\.com\/spec\//.test(start);
  if (lfs) {
    const size = /^size (\d+)/m.exec(start)?.[1];
    const got = `a Git LFS pointer${size === undefined ? "" : ` to a file of ${size} bytes`}`;
    return { got, hint: "fetch the file that it stands for: git lfs pull, in the clone that it comes from" };
  }
  if (/^(\.\.\/)*(\.git)?\/?annex\/objects\//.test(start)) {
    return { got: "a git-annex pointer", hint: "fetch the file that it stands for: git annex get FILE" };
  }
  if (/^\[(\.ShellClassInfo|LocalizedFileNames|ViewState)\]/i.test(start)) {
    return { got: "Windows' desktop.ini", hint: "remove it; it holds how Windows shows its folder" };
  }
  if (/^\[InternetShortcut\]/i.test(start)) {
    return { got: "a shortcut to a web page", hint: "give the file that it leads to" };
  }
  if (/^<(!doctype html|html|head|body|script|meta|title)\b/i.test(withoutComments(start)))
    return page(start);
  if (/^<(\?xml|Error>|svg\b|!DOCTYPE svg)/i.test(start)) return xml(start);
  if (!utf16) return undefined;
  return { got: "text in UTF-16", hint: 'save it again as UTF-8; "Unicode text" of spreadsheets is UTF-16' };
}

/** What stands after comments; by hand, as an expression for it tries every way to end each of a thousand comments. */
function withoutComments(start: string): string {
  let at = 0;
  while (start.startsWith("<!--", at)) {
    const end = start.indexOf("-->", at + 4);
    if (end < 0) break;
    at = end + 3;
    while (/\s/.test(start[at] ?? "")) at++;
  }
  return start.slice(at);
}

function page(html: string): Cause {
  const words = html.replace(/\s+/g, " ");
  const title = /<title[^>]*>\s*([^<]*?)\s*<\/title>/i.exec(words)?.[1];
  if (/quota exceeded|too many users have viewed or downloaded/i.test(words)) {
    const hint =
      "wait, the limit is lifted within a day, and fetch the file again; a web page was saved under its name";
    return { got: "Google Drive's page stating that the file's quota is exceeded", hint };
  }
  if (
    /can(['’]|&#39;)?t scan (this file|it) for viruses|id="download-form"|virus scan warning/i.test(words)
  ) {
    const hint = "fetch it with `facehand data fetch LINK`, or press the page's button in a browser";
    return { got: "Google Drive's page that asks before it sends a large file", hint };
  }
  if (/accounts\.google\.com|\b(sign|log)[ -]?in\b/i.test(title ?? "")) {
    return { got: `a sign-in page (${JSON.stringify(title)})`, hint: `${PAGE}: it needs an account` };
  }
  return { got: title ? `a web page (${JSON.stringify(title.slice(0, 60))})` : "a web page", hint: PAGE };
}

function xml(start: string): Cause {
  const code = /<Error>[\s\S]*?<Code>([^<]*)<\/Code>/.exec(start)?.[1];
  if (code !== undefined)
    return { got: `a storage server's error (${code})`, hint: PAGE.replace("a web page", "it") };
  if (/<svg\b/.test(start)) return { got: "an SVG drawing", hint: "save it as PNG or JPEG" };
  return { got: "XML text", hint: OTHER_TEXT };
}

/** UTF-8 text without control characters, a byte order mark left out; the last letter may be cut. */
function textOf(head: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these distinguish bytes from text
    return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

const first = (text: string) => JSON.stringify(text.trim().replace(/\s+/g, " ").slice(0, 40));

/** A file that begins as it should and ends too early. */
function cutOff({ head, tail, sizeBytes }: Sniffed, format: Format): Cause | undefined {
  const cause = (kind: string): Cause => ({
    got: `${kind} without its end, cut off after ${sizeBytes} bytes`,
    hint: UNFINISHED,
  });
  const zeros = tail.length - tail.findLastIndex((byte) => byte !== 0) - 1;
  if (zeros >= 4096) {
    const got = `a file whose last ${zeros === tail.length ? "part is" : `${zeros} bytes are`} zeros`;
    return { got, hint: UNFINISHED };
  }
  const has = (end: string, within = tail.length) => latin1(tail.subarray(-within)).includes(end);
  if (format === "jpeg" && !has("\xff\xd9")) return cause("a JPEG picture");
  if (format === "png" && !has("IEND")) return cause("a PNG picture");
  if (format === "webp" && riffBytes(head) > sizeBytes) return cause("a WebP picture");
  if (format === "gif" && !has(";", 64)) return cause("a GIF picture");
  if ((format === "zip" || format === "torch") && !has("PK\x05\x06")) return cause("a zip archive");
  if (format === "parquet" && (sizeBytes < 12 || !has("PAR1", 4))) return cause("a Parquet file");
  if (format === "json" && !/[\]}]\s*$/.test(latin1(tail))) return cause("JSON text");
  return undefined;
}

/** The size that a RIFF file states. */
function riffBytes(head: Uint8Array): number {
  return head.length < 8 ? 8 : new DataView(head.buffer, head.byteOffset).getUint32(4, true) + 8;
}
