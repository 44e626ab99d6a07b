// Downloads of large files over HTTP: they go on where they stopped, and appear whole or not at all.
// Invariants: bytes are only put behind a part if the server says that both belong to the same file (206, same
// length, ETag and Last-Modified); no page of HTML is ever taken for data; the final path holds checked bytes.
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError, unexpected } from "../core/errors.ts";
import { sha256, sha256File } from "../core/files.ts";
import { ALL_FORMATS, withCause } from "../core/sniff.ts";
import { causeIn } from "../core/sniff-file.ts";
import { cut, openBody, type Watch, watch } from "./body.ts";
import {
  isPage,
  pageText,
  type RequestOptions,
  type RetryOptions,
  request,
  retrying,
  showUrl,
} from "./http.ts";
import {
  checkRoom,
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
export interface DownloadOptions extends RetryOptions, Pick<RequestOptions, "hints" | "cookies" | "page"> {
  /** Sent to the first host; Authorization and Cookie never go to another. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Names the file where its address changes from time to time; default: the address. */
  readonly id?: string;
  /** Hex SHA-256 that the file must have. */
  readonly sha256?: string;
  readonly sizeBytes?: number;
  /** A connection without a byte for so long is cut, ms; default one minute. */
  readonly idleMs?: number;
  /** Where the file is now, asked before each attempt: addresses that a server makes up expire. */
  readonly locate?: () => Promise<URL>;
  /** Sees what has come, whole and checked, before it appears at its path. */
  readonly onChecked?: (found: Downloaded) => Promise<void>;
  readonly onProgress?: (doneBytes: number, totalBytes: number | undefined) => void;
}

/** What was downloaded. */
export interface Downloaded {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

const HTML = /^(\xef\xbb\xbf)?\s*(<!--[\s\S]*?-->\s*)*<(!doctype\s+html|html|head|body|title|meta|script)\b/i;
const HEAD_BYTES = 256;

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
  const sizeBytes = (await stat(job.part.path)).size;
  const found = { path, sizeBytes, sha256: await checkWhole(job.part, showUrl(job.url), options) };
  await options.onChecked?.(found);
  await rename(job.part.path, path);
  await rm(job.part.notePath, { force: true });
  return found;
}

/** One attempt: returns when the part is whole. */
async function receive(job: Job, onBytes: (bytes: number) => void): Promise<void> {
  const { part, options } = job;
  const before = await heldOf(part);
  if (before.bytes > 0 && before.note?.totalBytes === before.bytes) return;
  const url = (await options.locate?.()) ?? job.url;
  const idle = watch(options);
  try {
    const range = before.bytes > 0 ? { range: `bytes=${before.bytes}-` } : {};
    // Anything but identity would count and resume compressed bytes.
    const headers = { ...options.headers, "accept-encoding": "identity", ...range };
    const response = await request(url, { ...asked(options), headers, signal: idle.signal });
    const at = place(response, before, { ...job, url });
    if (at !== undefined) return await store({ ...job, url }, response, at, idle, onBytes);
    await response.body?.cancel();
  } finally {
    idle.stop();
  }
  await discard(part); // the file has changed: begin again, now without a range
  await receive(job, onBytes);
}

function asked({ hints, cookies, page }: DownloadOptions): RequestOptions {
  return {
    ...(hints === undefined ? {} : { hints }),
    ...(cookies === undefined ? {} : { cookies }),
    ...(page === undefined ? {} : { page }),
  };
}

interface Place {
  readonly start: number;
  readonly note: Note;
}

/** Where a response's bytes belong; undefined if they do not continue the part that is there. */
function place(response: Response, before: Held, { url, part: { id } }: Job): Place | undefined {
  const etag = response.headers.get("etag");
  const lastModified = response.headers.get("last-modified");
  if (response.status === 200) {
    const length = response.headers.get("content-length");
    const totalBytes = length === null ? null : Number(length);
    return { start: 0, note: { id, totalBytes, etag, lastModified } };
  }
  if (before.bytes === 0) {
    const { status: got } = response;
    throw unexpected("remote", { code: "REMOTE_STATUS", expected: "status 200", name: showUrl(url), got });
  }
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  const [start, totalBytes] = [Number(range?.[1]), Number(range?.[2])];
  const { note } = before;
  const same =
    start === before.bytes &&
    totalBytes === note?.totalBytes &&
    etag === note.etag &&
    lastModified === note.lastModified;
  return response.status === 206 && same
    ? { start, note: { id, totalBytes, etag, lastModified } }
    : undefined;
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
  if (isPage(response)) throw await explained(response, job);
  const body = openBody(url, response, idle);
  let position = start;
  try {
    checkLength(totalBytes, options.sizeBytes, showUrl(url));
    await checkRoom(dirname(part.path), (totalBytes ?? 0) - start);
    if (start === 0) await begin(part, note);
    const file = await open(part.path, start === 0 ? "w" : "r+");
    try {
      for await (const chunk of body.chunks()) {
        if (position === 0 && looksLikePage(chunk)) throw htmlPage(showUrl(url));
        await writeChunk(part, file, chunk, position);
        position += chunk.byteLength;
        onBytes(position);
        options.onProgress?.(position, totalBytes ?? undefined);
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await body.cancel();
  }
  const wanted = totalBytes ?? options.sizeBytes ?? position;
  if (position !== wanted) throw cut(url, `${position} of ${wanted} bytes`);
}

/** What an earlier attempt left goes first, or a kill between could give it the new file's note. */
async function begin(part: Partial, note: Note): Promise<void> {
  await discard(part);
  await writeNote(part, note);
}

async function explained(response: Response, { url, options: { page } }: Job): Promise<AppError> {
  if (page === undefined) return htmlPage(showUrl(url));
  return page({ html: await pageText(response), url, status: response.status });
}

const looksLikePage = (bytes: Uint8Array) =>
  HTML.test(new TextDecoder("latin1").decode(bytes.subarray(0, HEAD_BYTES)));

function htmlPage(from: string): AppError {
  return new AppError("remote", "REMOTE_HTML", `Expected a file at ${from}, got a web page`, {
    hint: "open the address in a browser to see what the server wants, e.g. a login",
  });
}

function checkLength(got: number | null, wanted: number | undefined, from: string): void {
  if (got === null || wanted === undefined || got === wanted) return;
  const expected = `${wanted} bytes`;
  throw unexpected("remote", { code: "REMOTE_LENGTH", expected, name: from, got: `${got} bytes` });
}

/**
 * Judges the whole part; a wrong one is thrown away, for going on with it would not mend it.
 *
 * @param from - where it came from, for messages
 * @returns hex SHA-256
 * @throws AppError("remote", "REMOTE_HTML" | "REMOTE_LENGTH" | "REMOTE_CHECKSUM")
 */
export async function checkWhole(
  part: Partial,
  from: string,
  { sha256: wanted, sizeBytes }: Pick<DownloadOptions, "sha256" | "sizeBytes">,
): Promise<string> {
  try {
    if (looksLikePage(await beginning(part))) throw htmlPage(from);
    checkLength((await stat(part.path)).size, sizeBytes, from);
    const found = await sha256File(part.path);
    if (wanted === undefined || wanted.toLowerCase() === found) return found;
    const hint =
      "run the same command again: what came was removed; if it stays so, ask the publisher which of both is right";
    const expected = `SHA-256 ${wanted}`;
    throw unexpected("remote", { code: "REMOTE_CHECKSUM", expected, name: from, got: found, hint });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const cause = causeIn(part.path, ALL_FORMATS);
    await discard(part);
    throw withCause(error, cause, "the published file", from);
  }
}

/** The first bytes of the part: a page may have come in pieces too small to tell. */
async function beginning({ path }: Partial): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
