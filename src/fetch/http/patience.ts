// How slow and how silent a server may be before its answer counts as broken. Free of Node's types, since options of the
// library's functions include these.
import { type Clock, MACHINE_CLOCK } from "../../core/clock.ts";

/** How slow a server may be. */
export interface Patience {
  /** A connection without an answer or a byte for so long is cut, ms; default one minute. */
  readonly idleMs?: number | undefined;
  /** One that brings fewer bytes a second than this over a minute is cut; default 1000. */
  readonly leastRate?: number | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
}

const IDLE_MS = 60_000;
/** Bytes a second that are less than a line is worth waiting for. */
export const LEAST_RATE = 1000;

/** All of it, as numbers. */
export function patienceOf({ idleMs = IDLE_MS, leastRate = LEAST_RATE, clock = MACHINE_CLOCK }: Patience) {
  return { idleMs, leastRate, clock };
}
