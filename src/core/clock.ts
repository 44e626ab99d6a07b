// ◇ Browser-safe. The time of this machine behind one interface, so that bounds on time are tested without waiting.

/** Where the time comes from. */
export interface Clock {
  /** Milliseconds since any moment; never goes back. */
  readonly now: () => number;
  /**
   * Calls back once, after so many ms.
   *
   * @returns takes the call back
   */
  readonly after: (ms: number, call: () => void) => () => void;
}

/** The machine's own. */
export const MACHINE_CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
