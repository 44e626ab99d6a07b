// New bytes of a file that grows (a run's log), as server-sent events: one event for each time that whole lines were added.
// Source: WHATWG HTML, "Server-sent events". Invariants: only whole lines are sent; `id` is the byte after them, from which a page
// that was cut off continues; a file that became shorter or is gone ends the stream with an event that states it.
import { watch } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { HonoRequest } from "hono";
import type { SSEStreamingApi } from "hono/streaming";
import { AppError } from "../core/errors.ts";

/** How often the file is checked where the system reports no changes (NFS), ms. */
const CHECK_MS = 1000;
/** Bytes that are read at a time. */
const CHUNK_BYTES = 1 << 20;

/** How a file is followed. */
export interface Following {
  /** A file that is not there yet is an empty one. */
  readonly mayBeAbsent?: boolean | undefined;
  /** What is sent of some lines; default all. */
  readonly show?: ((lines: string) => string) | undefined;
}

/**
 * The byte from which a page wants to follow.
 *
 * @throws AppError("input", "FROM")
 */
export function fromOf(request: HonoRequest): number {
  const from = Number(request.header("last-event-id") ?? request.query("from") ?? 0);
  if (Number.isSafeInteger(from) && from >= 0) return from;
  throw new AppError("input", "FROM", "Expected a number of bytes for from, got something else");
}

/**
 * Sends what is added to a file until the stream is closed; an event `rest` says that there is no more for now.
 *
 * @param from - byte at which the caller's copy ends
 */
export async function follow(
  path: string,
  from: number,
  stream: SSEStreamingApi,
  { mayBeAbsent = false, show = (lines) => lines }: Following = {},
): Promise<void> {
  const closed = new AbortController();
  stream.onAbort(() => closed.abort());
  let at = from;
  let rests = false;
  await stream.writeSSE({ event: "open", id: String(at), data: "" }); // sends the headers
  while (!closed.signal.aborted) {
    const added = await readLines(path, at);
    const waits = added === undefined && mayBeAbsent && at === 0;
    if (added === undefined && !waits) return void (await stream.writeSSE({ event: "lost", data: "" }));
    if (added !== undefined && added.length > 0) {
      at += added.length;
      const data = show(added.toString("utf8").trimEnd());
      await stream.writeSSE({ event: "lines", id: String(at), data });
      rests = false;
      continue;
    }
    if (!rests) await stream.writeSSE({ event: "rest", id: String(at), data: "" });
    rests = true;
    await changed(path, closed.signal);
  }
}

/** Whole lines behind a byte; undefined if the file is gone or ends before it. */
async function readLines(path: string, at: number): Promise<Buffer | undefined> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    if (size < at) return undefined;
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    return chunk.subarray(0, chunk.subarray(0, bytesRead).lastIndexOf(10) + 1);
  } finally {
    await file.close();
  }
}

/** Waits until the system reports a change, or for a while. */
async function changed(path: string, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const watched = new Promise<void>((resolve) => {
    try {
      const watcher = watch(path, { signal: ended }, () => resolve());
      watcher.on("error", () => resolve());
    } catch {
      resolve(sleep(CHECK_MS, undefined, { signal: ended }).catch(() => undefined)); // the system watches no more files
    }
  });
  await Promise.race([watched, sleep(CHECK_MS, undefined, { signal: ended }).catch(() => undefined)]);
  stop.abort();
}
