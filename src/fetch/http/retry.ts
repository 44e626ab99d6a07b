// Another attempt after a fault that may pass: with pauses that double, or as long as a server asks for.
// Source: RFC 9110 (Retry-After). Invariant: attempts that bring nothing worth its time are counted, and end.
import { type Clock, MACHINE_CLOCK } from "../../core/clock.ts";
import { AppError, Interrupted } from "../../core/errors.ts";

/** How often and how long to wait for a server that is busy or cut the connection. */
export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Attempts after the first one that bring nothing; default 5. */
  readonly retries?: number | undefined;
  /** First wait, doubled each time, ms; default 1000. A server's Retry-After goes before it. */
  readonly waitMs?: number | undefined;
  /** Called before each pause: its length, ms, and what went wrong. */
  readonly onWait?: ((ms: number, fault: AppError) => void) | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
}

const LONGEST_WAIT_MS = 60_000;
/** A server that wants a longer pause than this is not waited for. */
const LONGEST_RETRY_AFTER_MS = 300_000;

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

/**
 * Repeats work that ends in Transient, with pauses that double; other errors end it at once.
 *
 * @param advanced - true if the last attempt brought something: it is then not counted
 * @throws what `work` throws, a Transient's `final` after the last attempt, Interrupted after the signal
 */
export async function retrying<T>(
  work: () => Promise<T>,
  { signal, retries = 5, waitMs = 1000, onWait, clock = MACHINE_CLOCK }: RetryOptions = {},
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
      await pause(ms, clock, signal);
      failed++;
    }
  }
}

function pause(ms: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(stopped(signal));
    const onAbort = () => {
      take();
      reject(stopped(signal!));
    };
    const take = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort);
  });
}

/** What a signal's abort means: the user's, unless it carries a fault of its own (no time left). */
export function stopped({ reason }: AbortSignal): Error {
  if (reason instanceof AppError) return reason;
  return new Interrupted("Stopped; the same command continues with what is there");
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
