// What a campaign of `npm run harden` is: attempts drawn from seeds, each of which finds nothing or reports a fault.
// Invariant: an attempt follows from its seed alone, so that `--only NAME --seed N` repeats what was found.

/** What one attempt found. */
export interface Finding {
  /** One line a fault: what was expected, what came; none if all was as expected. */
  readonly faults: readonly string[];
  /** Largest resident memory of what was tried, MB; left out where it is not a measure. */
  readonly peakMb?: number | undefined;
  /** How many were tried in it, if not one (a run of many interleavings in one process). */
  readonly tried?: number | undefined;
}

/** A prepared campaign. */
export interface Open {
  /**
   * @param seed - draws everything that varies
   * @returns what was found; it throws only for a fault of the campaign's own
   */
  attempt(seed: number): Promise<Finding>;
  close(): Promise<void>;
}

/** One kind of attack. */
export interface Campaign {
  /** One lowercase word, for `--only`. */
  readonly name: string;
  /** A row's title, e.g. `kills and signals over every writing verb`. */
  readonly title: string;
  /** Attempts that a long campaign makes at least. */
  readonly goal: number;
  /** Share of the time, beside the others' (1 by default). */
  readonly weight?: number | undefined;
  /** Longest time of one attempt, ms; one that takes longer is a fault (5 minutes by default). */
  readonly limitMs?: number | undefined;
  /** Why it cannot run here, e.g. without root; undefined if it can. */
  readonly unavailable?: (() => Promise<string | undefined>) | undefined;
  /**
   * @param dir - an empty folder of its own, removed afterwards
   */
  readonly open: (dir: string) => Promise<Open>;
}
