// Who tries which seed next, and what came of it: in memory, and written to a file every second.
// Invariant: a seed is given out once; one that was given back, or that a kill took, is tried again.
import type { Finding } from "./campaign.ts";
import { type Fault, most, openState, type RunFacts, rangesOf, readState, type Tally } from "./state.ts";

/** Time between writes of the state file, ms. */
const FLUSH_MS = 1000;
/** Longest text of a fault that is stored. */
const MOST_CHARACTERS = 4000;

interface Unwritten {
  readonly seeds: number[];
  readonly faults: Fault[];
  tried: number;
  ms: number;
  peakMb: number | null;
}

const nothing = (): Unwritten => ({ seeds: [], faults: [], tried: 0, ms: 0, peakMb: null });

/** Text of a fault without control characters, which would reach a terminal, and of bounded length. */
function plain(text: string): string {
  const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)} ...` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is searched for
  return shown.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** The campaigns of one run, and what was tried of each. */
export class Book {
  readonly run: RunFacts;
  readonly #state: ReturnType<typeof readState>;
  readonly #append: ReturnType<typeof openState>;
  readonly #underWay = new Map<string, Set<number>>();
  readonly #unwritten = new Map<string, Unwritten>();
  readonly #onFault: (campaign: string, fault: Fault) => void;
  readonly #timer: NodeJS.Timeout;

  /**
   * @param path - the state file
   * @param onFault - called at once
   */
  constructor(path: string, run: RunFacts, onFault: (campaign: string, fault: Fault) => void) {
    this.run = run;
    this.#state = readState(path, run.code);
    this.#append = openState(path);
    this.#onFault = onFault;
    this.#append({ run });
    this.#timer = setInterval(() => this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  tally(campaign: string): Tally {
    return this.#state.tally(campaign);
  }

  /** The next seed to try: one that showed a fault before, else the lowest that was not tried. */
  take(campaign: string): number {
    const { seeds, suspects } = this.tally(campaign);
    const underWay = this.#underWay.get(campaign) ?? new Set();
    this.#underWay.set(campaign, underWay);
    const isFree = (seed: number) => !seeds.has(seed) && !underWay.has(seed);
    let seed = [...suspects].find(isFree) ?? 0;
    while (!isFree(seed)) seed++;
    underWay.add(seed);
    return seed;
  }

  /** A seed of which nothing came. */
  giveBack(campaign: string, seed: number): void {
    this.#underWay.get(campaign)?.delete(seed);
  }

  /** @param seed - null for a fault of opening the campaign */
  record(campaign: string, seed: number | null, { faults, peakMb, tried = 1 }: Finding, ms: number): void {
    const tally = this.tally(campaign);
    const unwritten = this.#unwritten.get(campaign) ?? nothing();
    this.#unwritten.set(campaign, unwritten);
    const found = faults.map((text): Fault => ({ seed, text: plain(text) }));
    for (const one of [tally, unwritten]) {
      one.tried += seed === null ? 0 : tried;
      one.ms += ms;
      one.peakMb = most(one.peakMb, peakMb ?? null);
      one.faults.push(...found);
    }
    if (seed !== null) {
      tally.seeds.add(seed);
      unwritten.seeds.push(seed);
      this.giveBack(campaign, seed);
    }
    for (const fault of found) this.#onFault(campaign, fault);
  }

  /** Writes down what was tried since the last time. */
  flush(): void {
    for (const [campaign, { seeds, ms, ...more }] of this.#unwritten)
      this.#append({ campaign, code: this.run.code, seeds: rangesOf(seeds), ms: Math.round(ms), ...more });
    this.#unwritten.clear();
  }

  close(): void {
    clearInterval(this.#timer);
    this.flush();
  }
}
