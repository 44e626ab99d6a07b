// Downloads of large files over HTTP: they go on where they stopped, and appear whole or not at all.
// Invariants: bytes are only put behind a part if the server says that both belong to the same file (206, same
// length, same ETag); no page of HTML is ever taken for data; the final path holds checked bytes.
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError, unexpected } from "../core/errors.ts";
import { sha256, sha256File } from "../core/files.ts";
import {
  type RequestOptions,
  type RetryOptions,
  request,
  retrying,
  showUrl,
  stopped,
  Transient,
  why,
} from "./http.ts";
import {
  checkSpace,
  discard,
  type Held,
  heldOf,
  type Note,
  type Partial,
  partialOf,
  writeChunk,
  writeNote,
} from "./partial.ts";

/** How to download, and what must come. */
export interface DownloadOptions extends RetryOptions, Pick<RequestOptions, "hints"> {
  /** Sent to the first host; Authorization and Cookie never go to another. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Names the file where its address changes from time to time; default: the address. */
  readonly id?: string;
  /** Hex SHA-256 that the file must have. */
  readonly sha256?: string;
  readonly sizeBytes?: number;
  /** A connection without a byte for so long is cut, ms; default one minute. */
  readonly idleMs?: number;
  readonly onProgress?: (doneBytes: number, totalBytes: number | undefined) => void;
}

/** What was downloaded. */
export interface Downloaded {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

const HTML = /^\s*<(!doctype\s+html|html|head|body)\b/i;
const AGAIN = "run the same command again; it goes on where this stopped";

interface Job {
  readonly url: URL;
  readonly part: Partial;
  readonly options: DownloadOptions;
}

/**
 * Downloads one file; an earlier attempt's part is gone on with.
 *
 * @param url - of the file; redirects are followed
 * @param path - where it appears once whole and checked; parent folders are made
 * @throws AppError("remote", "REMOTE_...") if it cannot be had: DENIED, NOT_FOUND, STATUS, BUSY, UNREACHABLE, CUT,
 *   REDIRECT, HTML, LENGTH, CHECKSUM
 * @throws AppError("data", "DISK_FULL"), Interrupted after the signal; the part stays
 * @example await download("https://host/model.safetensors", "cache/model.safetensors", { sha256 })
 */
export async function download(
  url: string | URL,
  path: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  await mkdir(dirname(path), { recursive: true });
  const address = new URL(url);
  // Hashed, for an address may hold a signature.
  const job: Job = { url: address, part: partialOf(path, options.id ?? sha256(address.href)), options };
  let most = (await heldOf(job.part)).bytes;
  let now = most;
  const advanced = () => {
    const more = now > most;
    most = Math.max(now, most);
    return more;
  };
  const onBytes = (bytes: number) => {
    now = bytes;
  };
  await retrying(() => receive(job, onBytes), options, advanced);
  const found = await check(job);
  await rename(job.part.path, path);
  await rm(job.part.notePath, { force: true });
  return { path, sizeBytes: (await stat(path)).size, sha256: found };
}

/** One attempt: returns when the part is whole. */
async function receive(job: Job, onBytes: (bytes: number) => void): Promise<void> {
  const { url, part, options } = job;
  const before = await heldOf(part);
  if (before.bytes > 0 && before.note?.totalBytes === before.bytes) return;
  const idle = watch(options);
  try {
    const range = before.bytes > 0 ? { range: `bytes=${before.bytes}-` } : {};
    // Anything but identity would count and resume compressed bytes.
    const headers = { ...options.headers, "accept-encoding": "identity", ...range };
    const hints = options.hints === undefined ? {} : { hints: options.hints };
    const response = await request(url, { headers, signal: idle.signal, ...hints });
    const at = place(response, before, job);
    if (at !== undefined) return await store(job, response, at, idle, onBytes);
    await response.body?.cancel();
  } finally {
    idle.stop();
  }
  await discard(part); // the file has changed: begin again, now without a range
  await receive(job, onBytes);
}

interface Place {
  readonly start: number;
  readonly note: Note;
}

/** Where a response's bytes belong; undefined if they do not continue the part that is there. */
function place(response: Response, before: Held, { url, part: { id } }: Job): Place | undefined {
  const etag = response.headers.get("etag");
  if (response.status === 200) {
    const length = response.headers.get("content-length");
    return { start: 0, note: { id, totalBytes: length === null ? null : Number(length), etag } };
  }
  if (before.bytes === 0) {
    const { status: got } = response;
    throw unexpected("remote", { code: "REMOTE_STATUS", expected: "status 200", name: showUrl(url), got });
  }
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  const [start, totalBytes] = [Number(range?.[1]), Number(range?.[2])];
  const { note } = before;
  const same = start === before.bytes && totalBytes === note?.totalBytes && etag === note.etag;
  return response.status === 206 && same ? { start, note: { id, totalBytes, etag } } : undefined;
}

/** Writes a response's body behind what is there. */
async function store(
  job: Job,
  response: Response,
  { start, note }: Place,
  idle: Watch,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { url, part, options } = job;
  const { totalBytes } = note;
  try {
    if (/^text\/html\b/i.test(response.headers.get("content-type") ?? "")) throw htmlPage(url);
    checkLength(totalBytes, options.sizeBytes, url);
    await checkSpace(part, (totalBytes ?? 0) - start);
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
  await writeNote(part, note);
  const file = await open(part.path, start === 0 ? "w" : "r+");
  let position = start;
  try {
    for await (const chunk of chunks(job, response, idle)) {
      if (position === 0 && HTML.test(new TextDecoder("latin1").decode(chunk.subarray(0, 256))))
        throw htmlPage(url);
      await writeChunk(part, file, chunk, position);
      position += chunk.byteLength;
      onBytes(position);
      options.onProgress?.(position, totalBytes ?? undefined);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (totalBytes !== null && position !== totalBytes) throw cut(url, `${position} of ${totalBytes} bytes`);
}

function htmlPage(url: URL): AppError {
  return new AppError("remote", "REMOTE_HTML", `Expected a file at ${showUrl(url)}, got a web page`, {
    hint: "open the address in a browser to see what the server wants, e.g. a login",
  });
}

function checkLength(got: number | null, wanted: number | undefined, url: URL): void {
  if (got === null || wanted === undefined || got === wanted) return;
  const expected = `${wanted} bytes`;
  throw unexpected("remote", { code: "REMOTE_LENGTH", expected, name: showUrl(url), got: `${got} bytes` });
}

/** The body's chunks; a connection that breaks off is worth another attempt. */
async function* chunks({ url }: Job, { body }: Response, idle: Watch): AsyncGenerator<Uint8Array> {
  const reader = (body ?? new Blob([]).stream()).getReader();
  try {
    for (;;) {
      const next = await reader.read().catch((cause: unknown) => {
        throw idle.signal.aborted ? stopped(idle.signal) : cut(url, why(cause), cause);
      });
      idle.renew();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reader.cancel().catch(() => undefined); // a broken body has nothing left to cancel
  }
}

function cut(url: URL, got: string, cause?: unknown): Transient {
  const message = `Expected the whole of ${showUrl(url)}, got ${got}`;
  return new Transient(new AppError("remote", "REMOTE_CUT", message, { hint: AGAIN, cause }));
}

/** The caller's signal, or that of an idle connection. */
interface Watch {
  readonly signal: AbortSignal;
  /** A byte came. */
  renew(): void;
  stop(): void;
}

function watch({ signal, idleMs = 60_000 }: DownloadOptions): Watch {
  const own = new AbortController();
  const timer = setTimeout(() => {
    const message = `Expected data, got none for ${idleMs / 1000} s`;
    own.abort(new Transient(new AppError("remote", "REMOTE_CUT", message, { hint: AGAIN })));
  }, idleMs);
  const all = signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]);
  return { signal: all, renew: () => timer.refresh(), stop: () => clearTimeout(timer) };
}

/** The hash of the whole part; a wrong one is thrown away, for going on with it would not mend it. */
async function check({ url, part, options }: Job): Promise<string> {
  const found = await sha256File(part.path);
  const { sha256: wanted } = options;
  if (wanted === undefined || wanted.toLowerCase() === found) return found;
  await discard(part);
  throw unexpected("remote", {
    code: "REMOTE_CHECKSUM",
    expected: `SHA-256 ${wanted}`,
    name: showUrl(url),
    got: found,
    hint: "run the same command again: the damaged download was removed",
  });
}
