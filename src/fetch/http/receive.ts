// One answer's bytes as a part of a file: where they belong, and how they are written there.
// Source: RFC 9110 (ETag, If-Range, Content-Range). Invariants: bytes of two answers are joined only behind a strong ETag
// that both have, or where the whole has a known hash; none is written beyond what was announced, or into the disk's rest.
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { type AppError, unexpected } from "../../core/errors.ts";
import { type ChunkFile, checkRoom, writeChunk } from "../../machine/disk.ts";
import { showUrl } from "./address.ts";
import { cut } from "./body.ts";
import { isPage, pageText, type RequestOptions } from "./http.ts";
import { discard, type Note, type Partial, type Received, writeNote } from "./partial.ts";
import type { Patience } from "./patience.ts";
import type { RetryOptions } from "./retry.ts";
import { type Answer, lengthOf } from "./transport.ts";
import { checkLength, htmlPage, isHtml, type Wanted } from "./whole.ts";

/** How to download, and what must come. */
export interface DownloadOptions
  extends RetryOptions,
    Patience,
    Wanted,
    Pick<RequestOptions, "hints" | "cookies" | "page"> {
  /** Sent to the first host; Authorization and Cookie never go to another. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Names the file where its address changes from time to time; default: the address. */
  readonly id?: string | undefined;
  /** All attempts and pauses together end after so long, ms; default one week. */
  readonly totalMs?: number | undefined;
  /** Where the file is now, asked before each attempt: addresses that a server makes up expire. */
  readonly locate?: (() => Promise<URL>) | undefined;
  /** Bytes that are free on the disk of a folder; for tests. */
  readonly freeBytes?: ((folder: string) => Promise<number>) | undefined;
  /** Sees what has come, whole and checked, before it appears at its path. */
  readonly onChecked?: ((found: Downloaded) => Promise<void>) | undefined;
  /** Called with the bytes so far, and the total, if known. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number | undefined) => void) | undefined;
}

/** What was downloaded. */
export interface Downloaded {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A download under way. */
export interface Job {
  readonly url: URL;
  readonly part: Partial;
  readonly options: DownloadOptions;
  /** Bytes of the part. */
  bytes: number;
  /** True if the part is of more than one answer. */
  joined: boolean;
}

/** Bytes that are written before the disk is asked again, where no length was announced. */
const ROOM_STEP = 8 << 20;

/** Where an answer's body belongs. */
export interface Place {
  readonly start: number;
  /** Behind its last byte; undefined if nothing was announced. */
  readonly end: number | undefined;
  readonly note: Note;
}

/** A name of one version of a file to the byte; a weak one (`W/`) and a date may stay the same as bytes change. */
const isStrong = (etag: string | null) => etag !== null && /^"[\x21\x23-\x7e\x80-\xff]+"$/.test(etag);

/** True if the part may be continued: its version is named, or the whole will be checked by a hash. */
export function mayContinue({ bytes, note }: Received, { sha256 }: Pick<DownloadOptions, "sha256">): boolean {
  return bytes > 0 && note !== undefined && (isStrong(note.etag) || sha256 !== undefined);
}

/** Headers that ask for what is missing; a server that follows RFC 9110 sends all of a file that has changed. */
export function rangeAfter({ bytes, note }: Received): Record<string, string> {
  if (bytes === 0) return {};
  const { etag = null } = note ?? {};
  return { range: `bytes=${bytes}-`, ...(isStrong(etag) ? { "if-range": etag! } : {}) };
}

/**
 * Where an answer's bytes belong.
 *
 * @returns undefined if they do not continue the part that is there
 * @throws AppError("remote", "REMOTE_STATUS" | "REMOTE_LENGTH")
 */
export function placeOf(
  answer: Answer,
  received: Received,
  { part: { id }, options }: Job,
): Place | undefined {
  const { status, headers, length, url } = answer;
  const etag = headers.get("etag");
  if (status === 200) {
    if (!answer.bounded && options.sha256 === undefined && options.sizeBytes === undefined)
      throw endless(url);
    return { start: 0, end: length, note: { id, totalBytes: length ?? null, etag } };
  }
  if (received.bytes === 0) {
    throw unexpected("remote", {
      code: "REMOTE_STATUS",
      expected: "status 200",
      name: showUrl(url),
      got: status,
    });
  }
  const [start, last, total] = rangeOf(headers.get("content-range"));
  const known = received.note?.totalBytes ?? total;
  const same = status === 206 && start === received.bytes && total === known && etag === received.note?.etag;
  if (!same || last! >= total! || last! < start) return undefined;
  const end = last! + 1;
  if (length !== undefined && length !== end - start) return undefined;
  return { start, end, note: { id, totalBytes: total!, etag } };
}

/** `bytes first-last/total` as three numbers. */
function rangeOf(text: string | null): (number | undefined)[] {
  const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(text ?? "") ?? [];
  return [1, 2, 3].map((i) => lengthOf(found[i] ?? null));
}

function endless(url: URL): AppError {
  const expected = "a length of the file";
  const hint =
    "a cut could not be distinguished from the end: give the file's hash (--sha256), or another address of it";
  return unexpected("remote", { code: "REMOTE_LENGTH", expected, name: showUrl(url), got: undefined, hint });
}

/**
 * Writes an answer's body to its place.
 *
 * @throws Transient if it breaks off; AppError("remote", "REMOTE_HTML" | "REMOTE_LENGTH"), AppError("data", "DISK_FULL")
 */
export async function store(job: Job, answer: Answer, place: Place): Promise<void> {
  const { part, options } = job;
  const { start, end, note } = place;
  const from = showUrl(answer.url);
  if (isPage(answer)) throw await explained(answer, options);
  checkLength(note.totalBytes, options.sizeBytes, from);
  const announced = end ?? options.sizeBytes;
  await checkRoom(dirname(part.path), (announced ?? 0) - start, options.freeBytes);
  if (start === 0) await begin(part, note);
  job.joined ||= start > 0;
  const file = await open(part.path, start === 0 ? "w" : "r+");
  try {
    await writeBody(job, answer, place, file);
    await file.sync();
  } finally {
    await file.close();
  }
  const wanted = note.totalBytes ?? options.sizeBytes ?? job.bytes;
  if (job.bytes !== wanted) throw cut(answer.url, `${job.bytes} of ${wanted} bytes`);
}

async function writeBody(
  job: Job,
  answer: Answer,
  { start, end, note }: Place,
  file: ChunkFile,
): Promise<void> {
  const { part, options } = job;
  const most = end ?? options.sizeBytes;
  let room = most === undefined ? 0 : Number.POSITIVE_INFINITY;
  job.bytes = start;
  for await (const chunk of answer.chunks()) {
    const after = job.bytes + chunk.byteLength;
    if (job.bytes === 0 && isHtml(chunk)) throw htmlPage(showUrl(answer.url));
    if (most !== undefined && after > most) throw await tooLong(job, answer.url, most);
    if (after > room) {
      room = after + ROOM_STEP;
      await checkRoom(dirname(part.path), room - job.bytes, options.freeBytes);
    }
    await writeChunk(part, file, chunk, job.bytes);
    job.bytes = after;
    options.onProgress?.(after, note.totalBytes ?? undefined);
  }
}

/** What was announced was wrong, so that all of it is removed. */
async function tooLong({ part }: Job, url: URL, most: number): Promise<AppError> {
  await discard(part);
  const e = { code: "REMOTE_LENGTH", expected: `${most} bytes`, name: showUrl(url), got: "more" };
  return unexpected("remote", { ...e, hint: "ask the publisher which size the file has" });
}

/** What an earlier attempt left goes first, or a kill between could give it the new file's note. */
async function begin(part: Partial, note: Note): Promise<void> {
  await discard(part);
  await writeNote(part, note);
}

async function explained(answer: Answer, { page }: DownloadOptions): Promise<AppError> {
  const { url, status } = answer;
  if (page === undefined) return htmlPage(showUrl(url));
  return page({ html: await pageText(answer), url, status });
}
