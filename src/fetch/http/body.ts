// The body of an answer as it comes, watched: a connection that breaks off, falls silent or drips is worth another attempt.
// Invariants: a body ends by its length or its last chunk, never by a cut; it always ends, whatever the server does; the
// caller's signal always ends it as an interruption, never as a fault.
import { AppError, Interrupted, show } from "../../core/errors.ts";
import { showUrl } from "./address.ts";
import { type Patience, patienceOf } from "./patience.ts";
import { Transient } from "./retry.ts";

/** Over what time the rate is taken. */
const RATE_MS = 60_000;
/** Bytes that wait for the disk before the connection has to. */
const MOST_WAITING = 1 << 20;
const AGAIN = "run the same command again; it continues where this stopped";

/** What of Node's `IncomingMessage` is used; no type of Node's, as the library's types lead here. */
interface Message {
  readonly complete: boolean;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  on(event: "error", listener: (cause: unknown) => void): unknown;
  isPaused(): boolean;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** A body under way. */
export interface Body {
  /**
   * The chunks in order, once.
   *
   * @throws Transient if the body breaks off, stalls or drips, Interrupted after the user's signal
   */
  chunks(): AsyncGenerator<Uint8Array>;
  /** Ends it with a fault, if it has not ended. */
  fail(error: Error): void;
  /** The rest is not wanted. */
  cancel(): void;
}

/** Takes up a body at once: what waits unread is lost when the connection breaks. */
export function openBody(url: URL, message: Message, patience: Patience): Body {
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let ended: { readonly error?: Error | undefined } | undefined;
  let wake = () => {};
  const end = (how: { readonly error?: Error | undefined }) => {
    if (ended !== undefined) return;
    ended = how;
    watch.stop();
    wake();
  };
  const fail = (error: Error) => {
    end({ error });
    message.destroy();
  };
  const watch = watched(message, url, patience, fail);
  const broken = (cause?: unknown) =>
    end({ error: cut(url, cause === undefined ? "a closed connection" : why(cause), cause) });
  message.on("data", (chunk: Uint8Array) => {
    watch.came(chunk.byteLength);
    waiting.push(chunk);
    waitingBytes += chunk.byteLength;
    if (waitingBytes > MOST_WAITING) message.pause();
    wake();
  });
  message.on("end", () => (message.complete ? end({}) : broken()));
  message.on("error", broken);
  message.on("close", () => broken()); // after "end" it is nothing new
  return {
    async *chunks() {
      for (;;) {
        if (ended?.error instanceof Interrupted) throw ended.error;
        const next = waiting.shift();
        if (next !== undefined) {
          waitingBytes -= next.byteLength;
          if (message.isPaused() && waitingBytes <= MOST_WAITING / 2) message.resume();
          yield next;
        } else if (ended !== undefined) {
          if (ended.error !== undefined) throw ended.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
    fail,
    cancel() {
      end({});
      message.destroy();
    },
  };
}

/** Fails a body that falls silent or drips; not while it has to wait for its reader. */
function watched(message: Message, url: URL, patience: Patience, fail: (error: Error) => void) {
  const { idleMs, leastRate, clock } = patienceOf(patience);
  let lastMs = clock.now();
  let bytes = 0;
  let waited = false;
  const silent = () => {
    const leftMs = idleMs - (clock.now() - lastMs);
    if (message.isPaused()) stopIdle = clock.after(idleMs, silent);
    else if (leftMs > 0) stopIdle = clock.after(leftMs, silent);
    else fail(cut(url, `nothing for ${idleMs / 1000} s`));
  };
  const judge = () => {
    const [rate, judged] = [bytes / (RATE_MS / 1000), !waited && !message.isPaused()];
    if (judged && rate < leastRate) return fail(cut(url, `${Math.floor(rate)} bytes a second`));
    [bytes, waited] = [0, message.isPaused()];
    stopRate = clock.after(RATE_MS, judge);
  };
  let stopIdle = clock.after(idleMs, silent);
  let stopRate = clock.after(RATE_MS, judge);
  return {
    came(count: number) {
      lastMs = clock.now();
      bytes += count;
      waited ||= message.isPaused();
    },
    stop() {
      stopIdle();
      stopRate();
    },
  };
}

/** A body that ended before its end; the part that came is continued. */
export function cut(url: URL, got: string, cause?: unknown): Transient {
  const message = `Expected the whole of ${showUrl(url)}, got ${got}`;
  return new Transient(new AppError("remote", "REMOTE_CUT", message, { hint: AGAIN, cause }));
}

/** Message of a connection's fault; if several addresses of one host failed, that of the first. */
export function why(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return show(first instanceof Error && first.message === "" ? first.name : first, 120);
}
