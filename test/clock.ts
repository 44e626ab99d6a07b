// A clock that stands until a test moves it, so that bounds on time are tested without waiting.
import type { Clock } from "../src/core/clock.ts";

/** A clock, and how to let time pass. */
export interface TestClock extends Clock {
  /** Everything that is due within so many ms happens now, in order. */
  pass(ms: number): void;
}

/** Starts a clock at 0; what is to happen after no time happens in the next round of the event loop. */
export function startClock(): TestClock {
  const waiting = new Set<{ readonly at: number; readonly call: () => void }>();
  let now = 0;
  return {
    now: () => now,
    after(ms, call) {
      if (ms <= 0) {
        const soon = setImmediate(call);
        return () => clearImmediate(soon);
      }
      const one = { at: now + ms, call };
      waiting.add(one);
      return () => waiting.delete(one);
    },
    pass(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        waiting.delete(due);
        now = Math.max(now, due.at);
        due.call();
      }
      now = end;
    },
  };
}
