// The body of a response as it comes, watched: a connection that breaks off or falls silent is worth another attempt.
// Invariant: the caller's signal always ends it as an interruption, never as a fault.
import { AppError } from "../core/errors.ts";
import { showUrl, stopped, Transient, why } from "./http.ts";

const AGAIN = "run the same command again; it goes on where this stopped";

/** A response's body under way; cancel it in `finally`. */
export interface Body {
  /**
   * The chunks in order.
   *
   * @throws Transient if the body breaks off or nothing comes, Interrupted after the user's signal
   */
  chunks(): AsyncGenerator<Uint8Array>;
  cancel(): Promise<void>;
}

/** Takes up a body at once: what waits unread is lost when the connection breaks. */
export function openBody(url: URL, { body }: Response, idle: Watch): Body {
  const reader = (body ?? new Blob([]).stream()).getReader();
  const read = () =>
    reader.read().catch((cause: unknown) => {
      throw idle.signal.aborted ? stopped(idle.signal) : cut(url, why(cause), cause);
    });
  const first = read();
  first.catch(() => undefined); // told when its turn comes
  return {
    async *chunks() {
      for (let next = await first; !next.done; next = await read()) {
        idle.renew();
        yield next.value;
      }
    },
    cancel: () => reader.cancel().catch(() => undefined), // a broken body has nothing left to cancel
  };
}

/** A body that ended before its end; the part that came is gone on with. */
export function cut(url: URL, got: string, cause?: unknown): Transient {
  const message = `Expected the whole of ${showUrl(url)}, got ${got}`;
  return new Transient(new AppError("remote", "REMOTE_CUT", message, { hint: AGAIN, cause }));
}

/** The caller's signal, or that of an idle connection. */
export interface Watch {
  readonly signal: AbortSignal;
  /** A byte came. */
  renew(): void;
  stop(): void;
}

/**
 * Starts watching a connection.
 *
 * @param idleMs - a connection without a byte for so long is cut, ms; default one minute
 */
export function watch({ signal, idleMs = 60_000 }: { signal?: AbortSignal; idleMs?: number }): Watch {
  const own = new AbortController();
  const timer = setTimeout(() => {
    const message = `Expected data, got none for ${idleMs / 1000} s`;
    own.abort(new Transient(new AppError("remote", "REMOTE_CUT", message, { hint: AGAIN })));
  }, idleMs);
  const all = signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]);
  return { signal: all, renew: () => timer.refresh(), stop: () => clearTimeout(timer) };
}
