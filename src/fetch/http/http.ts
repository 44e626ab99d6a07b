// HTTP requests: redirects, typed errors, pages. A single exchange is in transport.ts, further attempts in retry.ts.
// Source: RFC 9110 (redirects, content coding); huggingface_hub and gdown for the behaviour of real servers.
// Invariants: credentials stay with the host they were meant for; messages show no query, which may be signed; bytes come
// as they are stored, or not at all.
import { AppError, unexpected } from "../../core/errors.ts";
import { addressOf, showUrl } from "./address.ts";
import type { Patience } from "./patience.ts";
import { retryAfterMs, Transient } from "./retry.ts";
import { type Answer, type Call, exchange } from "./transport.ts";

/** A request, and the error if it is refused. */
export interface RequestOptions extends Patience, Pick<Call, "body"> {
  readonly method?: Call["method"] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `same-host` hands a redirect to another host back to the caller; default `all`. */
  readonly follow?: "all" | "same-host" | undefined;
  /** What to try if access is refused (401, 403) or nothing is there (404, 410). */
  readonly hints?:
    | { readonly denied?: string | undefined; readonly missing?: string | undefined }
    | undefined;
  /** Cookies between requests and redirects, each sent where it belongs. */
  readonly cookies?: Cookies | undefined;
  /** What a web page means that came in place of a file. */
  readonly page?: ((page: Page) => AppError) | undefined;
  /** What a refusal of a known server means, in place of `hints`; the answer is cancelled afterwards. */
  readonly refusal?: ((answer: Answer) => Promise<AppError>) | undefined;
}

/** A store of cookies. */
export interface Cookies {
  /** The Cookie header for an address; empty if there is none. */
  header(url: URL): Promise<string>;
  /** Takes up Set-Cookie headers. */
  store(url: URL, lines: readonly string[]): Promise<void>;
}

/** A web page as a server sent it. */
export interface Page {
  readonly html: string;
  readonly url: URL;
  readonly status: number;
}

const MAX_REDIRECTS = 10;
/** Of a page that states why there is no file. */
const REASON_BYTES = 1 << 20;
/** Of a page that is read for what it lists. */
const LISTED_BYTES = 64 << 20;
const CREDENTIALS = ["authorization", "cookie"];
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const BUSY: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * One request, redirects followed; the answer is 2xx (or a 3xx handed back, see `follow`, or 416 to a range). Its body is
 * to be read to its end, or cancelled.
 *
 * @throws Transient for a failed connection and for 408, 425, 429, 500, 502, 503, 504
 * @throws AppError("remote", "REMOTE_DENIED" | "REMOTE_NOT_FOUND" | "REMOTE_STATUS" | "REMOTE_REDIRECT" |
 *   "REMOTE_ENCODING", or as exchange), AppError("input", "ADDRESS" | "ADDRESS_USER"), Interrupted after the signal
 */
export async function request(url: string | URL, options: RequestOptions = {}): Promise<Answer> {
  let target = addressOf(url, "what to fetch");
  // Anything but identity would count and resume packed bytes.
  let headers = new Headers({ ...options.headers, "accept-encoding": "identity" });
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await send(target, headers, options);
    if (!REDIRECTS.has(answer.status)) return checked(answer, options);
    answer.cancel();
    const next = redirectTarget(answer);
    if (options.body !== undefined) throw movedAway(target, next);
    if (options.follow === "same-host" && next.host !== target.host) return answer;
    if (next.origin !== target.origin) headers = withoutCredentials(headers);
    target = next;
  }
  throw badRedirect(target, `more than ${MAX_REDIRECTS} redirects`);
}

async function send(target: URL, headers: Headers, options: RequestOptions): Promise<Answer> {
  const { method = "GET", signal, cookies, body } = options;
  const cookie = (await cookies?.header(target)) ?? "";
  const all = new Headers(headers);
  if (cookie !== "") all.set("cookie", cookie);
  const answer = await exchange(target, { method, headers: all, body, signal, patience: options });
  try {
    await cookies?.store(target, answer.headers.getSetCookie());
    return answer;
  } catch (error) {
    answer.cancel();
    throw error;
  }
}

/** Header values are bytes; servers write UTF-8 into them. */
export function headerText(value: string): string {
  const bytes = Buffer.from(value, "latin1");
  const text = bytes.toString("utf8");
  return text.includes("\ufffd") ? value : text;
}

function redirectTarget({ headers, url: from }: Answer): URL {
  const location = headers.get("location");
  const text = location === null ? undefined : headerText(location);
  const next = text !== undefined && URL.canParse(text, from) ? new URL(text, from) : undefined;
  if (next === undefined) throw badRedirect(from, text);
  const secureLost = from.protocol === "https:" && next.protocol !== "https:";
  const withUser = next.username !== "" || next.password !== "";
  if (secureLost || withUser || !/^https?:$/.test(next.protocol)) throw badRedirect(from, showUrl(next));
  return next;
}

function badRedirect(from: URL, got: unknown): AppError {
  const expected = "a redirect to another https address";
  return unexpected("remote", { code: "REMOTE_REDIRECT", expected, name: showUrl(from), got });
}

/** What is sent goes to the address that was given, or nowhere. */
function movedAway(from: URL, to: URL): AppError {
  const expected = "no redirect of what is sent";
  const hint = "it has another name or address now: give that one";
  return unexpected("remote", {
    code: "REMOTE_REDIRECT",
    expected,
    name: showUrl(from),
    got: showUrl(to),
    hint,
  });
}

function withoutCredentials(headers: Headers): Headers {
  const rest = new Headers(headers);
  for (const name of CREDENTIALS) rest.delete(name);
  return rest;
}

async function checked(answer: Answer, options: RequestOptions): Promise<Answer> {
  const { status, headers, url } = answer;
  const asked = new Headers(options.headers).has("range");
  if (status === 416 && asked) return answer;
  if (status >= 200 && status < 300) {
    const coding = headers.get("content-encoding");
    if (coding === null || /^(identity)?$/i.test(coding.trim())) return answer;
    answer.cancel();
    throw packed(url, coding);
  }
  const error = await refusal(answer, options);
  if (BUSY.has(status)) throw new Transient(error, retryAfterMs(headers.get("retry-after")));
  throw error;
}

function packed(url: URL, coding: string): AppError {
  const e = { code: "REMOTE_ENCODING", expected: "no Content-Encoding", name: showUrl(url), got: coding };
  const hint =
    "the server packs what it was asked to send as it is: give another address of the file, or a --mirror";
  return unexpected("remote", { ...e, hint });
}

/** The error for a refusal; a page of a known server explains more than its status. */
async function refusal(answer: Answer, { page, hints, refusal: known }: RequestOptions): Promise<AppError> {
  const { status, url } = answer;
  if (known !== undefined) return await known(answer).finally(answer.cancel);
  if (page !== undefined && isPage(answer)) return page({ html: await pageText(answer), url, status });
  answer.cancel();
  return refused(answer, hints);
}

/** True if the server calls it a web page. */
export function isPage({ headers }: Pick<Answer, "headers">): boolean {
  return /^(text\/html|application\/xhtml\+xml)\b/i.test(headers.get("content-type") ?? "");
}

/** The beginning of an answer that states why there is no file; one that breaks off is as long as what came. */
export async function pageText(answer: Pick<Answer, "chunks" | "cancel">): Promise<string> {
  return await readPage(answer, REASON_BYTES, (error) => {
    if (error !== undefined && !(error instanceof Transient)) throw error; // none: it is longer
  });
}

/**
 * A web page as a whole, for what it lists.
 *
 * @throws Transient if it breaks off, AppError("remote", "REMOTE_LENGTH") if its end cannot be recognised
 */
export async function wholePage(answer: Answer): Promise<string> {
  try {
    if (!answer.bounded) throw endless(answer.url, "one that ends where the connection does");
    return await readPage(answer, LISTED_BYTES, (error) => {
      throw error ?? endless(answer.url, `more than ${LISTED_BYTES} bytes`);
    });
  } finally {
    answer.cancel();
  }
}

function endless(url: URL, got: string): AppError {
  const message = `Expected a page with an end at ${showUrl(url)}, got ${got}`;
  return new AppError("remote", "REMOTE_LENGTH", message);
}

/** @param onShort - called for a page that is longer than wanted, or has broken off by an error */
async function readPage(
  answer: Pick<Answer, "chunks" | "cancel">,
  most: number,
  onShort: (error?: unknown) => void,
): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer.chunks()) {
      parts.push(chunk);
      bytes += chunk.byteLength;
      if (bytes > most) break;
    }
  } catch (error) {
    onShort(error);
  } finally {
    answer.cancel();
  }
  if (bytes > most) onShort();
  return Buffer.concat(parts).toString("utf8");
}

function refused({ status, line: got, url }: Answer, hints: RequestOptions["hints"]): AppError {
  const say = (code: string, expected: string, hint?: string) =>
    new AppError(
      "remote",
      code,
      `Expected ${expected} at ${showUrl(url)}, got ${got}`,
      hint === undefined ? {} : { hint },
    );
  if (status === 401 || status === 403) return say("REMOTE_DENIED", "access", hints?.denied);
  if (status === 404 || status === 410) return say("REMOTE_NOT_FOUND", "a file", hints?.missing);
  if (BUSY.has(status))
    return say("REMOTE_BUSY", "an answer", "wait a while, then run the same command again");
  return say("REMOTE_STATUS", "a file");
}
