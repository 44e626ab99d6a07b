// Downloads of large files over HTTP: they resume where they stopped, and appear whole or not at all.
// Invariants: bytes are only put behind a part if the server proves that both belong to the same file (a strong ETag), or if
// the whole is checked by a known SHA-256; no more is written than was announced, and than is free; no page of HTML is ever
// taken for data; the final path holds checked bytes; every download ends.
import { rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { MACHINE_CLOCK } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import { sha256 } from "../../machine/files.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import { addressOf, showUrl } from "./address.ts";
import { request } from "./http.ts";
import { discard, partialOf, type Received, readPart } from "./partial.ts";
import { LEAST_RATE } from "./patience.ts";
import {
  type Downloaded,
  type DownloadOptions,
  type Job,
  mayContinue,
  placeOf,
  rangeAfter,
  store,
} from "./receive.ts";
import { retrying } from "./retry.ts";
import { checkWhole } from "./whole.ts";

export type { Downloaded, DownloadOptions };

const WEEK_MS = 7 * 24 * 3600 * 1000;

/**
 * Downloads one file; an earlier attempt's part is continued.
 *
 * @param url - of the file; redirects are followed
 * @param path - where it appears once whole and checked; parent folders are made
 * @throws AppError("remote", "REMOTE_...") if it cannot be had: DENIED, NOT_FOUND, STATUS, BUSY, UNREACHABLE, CERTIFICATE,
 *   HTTP, CUT, SLOW, REDIRECT, ENCODING, HTML, LENGTH, CHECKSUM
 * @throws AppError("input", "ADDRESS" | "ADDRESS_USER"), AppError("data", "DISK_FULL"), Interrupted after the signal; the
 *   part stays
 * @example await download("https://host/model.safetensors", "cache/model.safetensors", { sha256 })
 */
export async function download(
  url: string | URL,
  path: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  const address = addressOf(url, "what to fetch");
  await makeFolders(dirname(path));
  // Hashed, for an address may hold a signature.
  const part = partialOf(path, options.id ?? sha256(address.href));
  const time = timeLimit(address, options);
  try {
    const { bytes } = await readPart(part);
    const job: Job = {
      url: address,
      part,
      options: { ...options, signal: time.signal },
      bytes,
      joined: bytes > 0,
    };
    const checked = await bringWhole(job);
    const found = { path, sizeBytes: (await stat(part.path)).size, sha256: checked };
    await options.onChecked?.(found);
    // The note first: killed in between, the next download begins anew, where a note beside a whole file would stay for good.
    await rm(part.notePath, { force: true });
    await rename(part.path, path);
    return found;
  } finally {
    time.stop();
  }
}

/** Ends a download that takes longer than it may, by a signal that also is the caller's. */
function timeLimit(url: URL, { signal, totalMs = WEEK_MS, clock = MACHINE_CLOCK }: DownloadOptions) {
  const own = new AbortController();
  const stop = clock.after(totalMs, () => {
    const message = `Expected the whole of ${showUrl(url)} within ${totalMs / 3_600_000} hours, got a part of it`;
    const hint =
      "run the same command again: it continues where this stopped if the server can; or find a mirror";
    own.abort(new AppError("remote", "REMOTE_SLOW", message, { hint }));
  });
  return { signal: signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]), stop };
}

/** Returns the hash of the part once it is whole and checked; one that was joined and is wrong is brought anew, once. */
async function bringWhole(job: Job): Promise<string> {
  for (;;) {
    await retrying(() => receive(job), job.options, progress(job));
    try {
      return await checkWhole(job.part, showUrl(job.url), job.options);
    } catch (error) {
      if (!job.joined || !(error instanceof AppError) || error.code !== "REMOTE_CHECKSUM") throw error;
      [job.bytes, job.joined] = [0, false];
    }
  }
}

/** Whether the last attempt brought more than there ever was, and enough for its time. */
function progress(job: Job): () => boolean {
  const { clock = MACHINE_CLOCK, leastRate = LEAST_RATE } = job.options;
  let [most, sinceMs] = [job.bytes, clock.now()];
  return () => {
    const gained = job.bytes - most;
    const enough = gained > 0 && gained >= (leastRate * (clock.now() - sinceMs)) / 1000;
    most = Math.max(job.bytes, most);
    sinceMs = clock.now();
    return enough;
  };
}

/** One attempt: returns when the part is whole. */
async function receive(job: Job): Promise<void> {
  const { part, options } = job;
  const received = await readPart(part);
  if (received.bytes > 0 && received.note?.totalBytes === received.bytes) return;
  if (mayContinue(received, options)) {
    if (await ask(job, received)) return;
    await discard(part); // the file has changed: begin again, now without a range
  }
  await ask(job, { bytes: 0 });
}

/** @returns false if what came does not continue the part */
async function ask(job: Job, received: Received): Promise<boolean> {
  const { options } = job;
  const url = (await options.locate?.()) ?? job.url;
  const headers = { ...options.headers, ...rangeAfter(received) };
  const answer = await request(url, { ...options, method: "GET", headers });
  try {
    const place = placeOf(answer, received, job);
    if (place !== undefined) await store(job, answer, place);
    return place !== undefined;
  } finally {
    answer.cancel();
  }
}
