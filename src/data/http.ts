// HTTP requests by Node's own fetch: redirects, typed errors, retries with back-off.
// Source: RFC 9110 (Retry-After, redirects); huggingface_hub and gdown for what servers of data really do.
// Invariants: credentials stay with the host they were meant for; messages show no query, which may be signed.
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, Interrupted, show, unexpected } from "../core/errors.ts";

/** A request, and what to say if it is refused. */
export interface RequestOptions {
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** `same-host` hands a redirect to another host back to the caller; default `all`. */
  readonly follow?: "all" | "same-host";
  /** What to try if access is refused (401, 403) or nothing is there (404, 410). */
  readonly hints?: { readonly denied?: string; readonly missing?: string };
  /** Kept between requests and redirects, each sent where it belongs. */
  readonly cookies?: Cookies;
  /** What a web page means that came in place of a file. */
  readonly page?: (page: Page) => AppError;
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
  /** Its beginning, at most 1 MiB. */
  readonly html: string;
  readonly url: URL;
  readonly status: number;
}

/** How often and how long to wait for a server that is busy or cut the connection. */
export interface RetryOptions {
  readonly signal?: AbortSignal;
  /** Attempts after the first one that bring nothing; default 5. */
  readonly retries?: number;
  /** First wait, doubled each time, ms; default 1000. A server's Retry-After goes before it. */
  readonly waitMs?: number;
  /** Told before each pause: its length, ms, and what went wrong. */
  readonly onWait?: (ms: number, fault: AppError) => void;
}

const MAX_REDIRECTS = 10;
const LONGEST_PAGE_BYTES = 1 << 20;
const LONGEST_WAIT_MS = 60_000;
/** A server that wants a longer pause than this is not waited for. */
const LONGEST_RETRY_AFTER_MS = 300_000;
const CREDENTIALS = ["authorization", "cookie"];
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const BUSY: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** A fault that another attempt may mend; `final` is thrown once there are no more attempts. */
export class Transient extends Error {
  readonly final: AppError;
  /** What the server asked for, ms. */
  readonly waitMs: number | undefined;

  constructor(final: AppError, waitMs?: number) {
    super(final.message);
    this.final = final;
    this.waitMs = waitMs;
  }
}

/** A URL for messages: without user, query and fragment. */
export function showUrl(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/**
 * One request, redirects followed; the response is 2xx (or a 3xx handed back, see `follow`, or 416 to a range).
 *
 * @throws Transient for a failed connection and for 408, 425, 429, 500, 502, 503, 504
 * @throws AppError("remote", "REMOTE_DENIED" | "REMOTE_NOT_FOUND" | "REMOTE_STATUS" | "REMOTE_REDIRECT"),
 *   Interrupted after the signal
 */
export async function request(url: string | URL, options: RequestOptions = {}): Promise<Response> {
  let target = new URL(url);
  let headers = new Headers(options.headers);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await send(target, headers, options);
    if (!REDIRECTS.has(response.status)) return checked(response, target, options);
    const next = redirectTarget(response, target);
    if (options.follow === "same-host" && next.host !== target.host) return response;
    await response.body?.cancel();
    if (next.origin !== target.origin) headers = withoutCredentials(headers);
    target = next;
  }
  throw badRedirect(target, `more than ${MAX_REDIRECTS} redirects`);
}

async function send(target: URL, headers: Headers, options: RequestOptions): Promise<Response> {
  const { method = "GET", signal, cookies } = options;
  const cookie = (await cookies?.header(target)) ?? "";
  const all = new Headers(headers);
  if (cookie !== "") all.set("cookie", cookie);
  try {
    const response = await fetch(target, {
      method,
      headers: all,
      redirect: "manual",
      ...(signal === undefined ? {} : { signal }),
    });
    await cookies?.store(target, response.headers.getSetCookie());
    return response;
  } catch (cause) {
    if (signal?.aborted) throw stopped(signal);
    throw new Transient(
      new AppError(
        "remote",
        "REMOTE_UNREACHABLE",
        `Expected an answer of ${target.host}, got ${why(cause)}`,
        {
          hint: "check the connection and the address, then run the same command again",
          cause,
        },
      ),
    );
  }
}

/** What a signal's abort means: the user's, unless it carries a fault of its own (an idle connection). */
export function stopped(signal: AbortSignal): Error {
  const { reason } = signal;
  if (reason instanceof Transient || reason instanceof AppError) return reason;
  return new Interrupted("Stopped; the same command goes on with what is there");
}

/** fetch hides the reason of a failure in its cause. */
export function why(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return show(cause instanceof Error && cause.message === "" ? cause.name : cause, 120);
}

function redirectTarget(response: Response, from: URL): URL {
  const location = response.headers.get("location");
  const next = location !== null && URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (next === undefined) throw badRedirect(from, location);
  const secureLost = from.protocol === "https:" && next.protocol !== "https:";
  if (secureLost || !/^https?:$/.test(next.protocol)) throw badRedirect(from, showUrl(next));
  return next;
}

function badRedirect(from: URL, got: unknown): AppError {
  const expected = "a redirect to another https address";
  return unexpected("remote", { code: "REMOTE_REDIRECT", expected, name: showUrl(from), got });
}

function withoutCredentials(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of CREDENTIALS) kept.delete(name);
  return kept;
}

async function checked(response: Response, url: URL, options: RequestOptions): Promise<Response> {
  const { status } = response;
  const asked = new Headers(options.headers).has("range");
  if (response.ok || (status === 416 && asked)) return response;
  const error = await told(response, url, options);
  if (BUSY.has(status)) throw new Transient(error, retryAfterMs(response.headers.get("retry-after")));
  throw error;
}

/** What a refusal says; a page of a known server says more than its status. */
async function told(response: Response, url: URL, options: RequestOptions): Promise<AppError> {
  const { status } = response;
  if (options.page !== undefined && isPage(response)) {
    return options.page({ html: await pageText(response), url, status });
  }
  await response.body?.cancel();
  return refused(status, response, url, options);
}

/** True if the server calls it a web page. */
export function isPage({ headers }: Response): boolean {
  return /^(text\/html|application\/xhtml\+xml)\b/i.test(headers.get("content-type") ?? "");
}

/** The beginning of a web page, as text; one that breaks off is as long as what came. */
export async function pageText({ body }: Response): Promise<string> {
  const reader = (body ?? new Blob([]).stream()).getReader();
  const parts: Uint8Array[] = [];
  for (let bytes = 0; bytes < LONGEST_PAGE_BYTES; ) {
    const next = await reader.read().catch(() => undefined);
    if (next?.value === undefined) break;
    parts.push(next.value);
    bytes += next.value.byteLength;
  }
  await reader.cancel().catch(() => undefined); // a broken body has nothing left to cancel
  return Buffer.concat(parts).toString("utf8");
}

function refused(status: number, { statusText }: Response, url: URL, { hints }: RequestOptions): AppError {
  const got = `${status} ${statusText}`.trim();
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

/**
 * Retry-After as a pause in ms: seconds, or a date.
 *
 * @param nowMs - the clock, for tests
 * @returns undefined if there is none, or none that can be read
 */
export function retryAfterMs(header: string | null, nowMs = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/**
 * Repeats work that ends in Transient, with pauses that double; other errors end it at once.
 *
 * @param advanced - true if the last attempt brought something: it is then not counted
 * @throws what `work` throws, a Transient's `final` after the last attempt, Interrupted after the signal
 */
export async function retrying<T>(
  work: () => Promise<T>,
  { signal, retries = 5, waitMs = 1000, onWait }: RetryOptions = {},
  advanced: () => boolean = () => false,
): Promise<T> {
  for (let failed = 0; ; ) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      if (advanced()) failed = 0;
      if (failed >= retries || (error.waitMs ?? 0) > LONGEST_RETRY_AFTER_MS) throw error.final;
      const doubled = Math.min(waitMs * 2 ** failed, LONGEST_WAIT_MS);
      const ms = error.waitMs ?? doubled;
      onWait?.(ms, error.final);
      await pause(ms, signal);
      failed++;
    }
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted) throw stopped(signal);
    throw error;
  }
}
