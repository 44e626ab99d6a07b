// ◇ Browser-safe. Filters over all rows at once, and counts in which each facet leaves out its own filter.
// Source: our own, after crossfilter's idea. Invariants: a row has one bit for each filter that it fails; rows that fail none are
// shown, and rows that fail one alone are what the counts of that filter's own facet see besides. A filter that changes costs one
// pass over its own column.

/** Bits of a row. */
const SLOTS = 32;

type Codes = Uint8Array | Uint16Array | Uint32Array;

/** Decides rows: 1 in `fails` for each that does not pass, 0 for others; what it had before says nothing. */
export type Test = (fails: Uint8Array) => void;

/** Which rows pass a set of filters. */
export class Sieve {
  readonly rows: number;
  readonly #bits: Uint32Array;
  readonly #names: (string | undefined)[] = Array(SLOTS).fill(undefined);
  readonly #fails: Uint8Array;
  /** Rows that pass, in their order, those that fail, and those that fail one filter alone. */
  readonly #passing: Uint32Array;
  readonly #failing: Uint32Array;
  readonly #nearly: Uint32Array;
  #stale = true;
  #passes = 0;
  #near = 0;
  /** Counts of all rows, by their codes: where most rows pass, the few others are taken from them. */
  readonly #wholes = new WeakMap<Codes, Uint32Array>();

  constructor(rows: number) {
    this.rows = rows;
    this.#bits = new Uint32Array(rows);
    this.#fails = new Uint8Array(rows);
    this.#passing = new Uint32Array(rows);
    this.#failing = new Uint32Array(rows);
    this.#nearly = new Uint32Array(rows);
  }

  /** Names of the filters that are set. */
  names(): string[] {
    return this.#names.filter((name) => name !== undefined);
  }

  /** Sets a filter, or takes it away. */
  set(name: string, test: Test | undefined): void {
    const at = this.#slotOf(name, test !== undefined);
    if (at < 0) return;
    const bit = (1 << at) >>> 0;
    this.#stale = true;
    const bits = this.#bits;
    if (test === undefined) {
      this.#names[at] = undefined;
      for (let i = 0; i < bits.length; i++) bits[i]! &= ~bit;
      return;
    }
    this.#names[at] = name;
    const fails = this.#fails;
    test(fails);
    for (let i = 0; i < bits.length; i++) bits[i] = (bits[i]! & ~bit) | (fails[i]! << at);
  }

  #slotOf(name: string, make: boolean): number {
    const at = this.#names.indexOf(name);
    if (at >= 0 || !make) return at;
    const free = this.#names.indexOf(undefined);
    if (free < 0) throw new Error(`more than ${SLOTS} filters at once`);
    return free;
  }

  #sift(): void {
    if (!this.#stale) return;
    this.#stale = false;
    const [bits, passing, failing, nearly] = [this.#bits, this.#passing, this.#failing, this.#nearly];
    let [passes, near] = [0, 0];
    for (let i = 0; i < bits.length; i++) {
      const failed = bits[i]!;
      if (failed === 0) passing[passes++] = i;
      else {
        failing[i - passes] = i;
        if ((failed & (failed - 1)) === 0) nearly[near++] = i;
      }
    }
    this.#passes = passes;
    this.#near = near;
  }

  /** Rows that pass, in the order of the table; valid until a filter changes. */
  passing(): Uint32Array {
    this.#sift();
    return this.#passing.subarray(0, this.#passes);
  }

  /** Whether a row passes. */
  has(row: number): boolean {
    return this.#bits[row] === 0;
  }

  /**
   * How many rows have each code, by all filters but one.
   *
   * @param codes - code of each row, below `size`
   * @param without - the filter that is left out, if it is set
   */
  count(codes: Codes, size: number, without: string): Uint32Array {
    this.#sift();
    const counts = this.#countPassing(codes, size);
    const at = this.#names.indexOf(without);
    if (at < 0) return counts;
    const [nearly, bits, bit] = [this.#nearly, this.#bits, (1 << at) >>> 0];
    for (let i = 0; i < this.#near; i++) {
      const row = nearly[i]!;
      if (bits[row] === bit) counts[codes[row]!]!++;
    }
    return counts;
  }

  #countPassing(codes: Codes, size: number): Uint32Array {
    if (2 * this.#passes < this.rows) return tally(codes, size, this.passing());
    const whole = this.#wholes.get(codes) ?? tallyAll(codes, size);
    this.#wholes.set(codes, whole);
    const counts = tally(codes, size, this.#failing.subarray(0, this.rows - this.#passes));
    for (let code = 0; code < size; code++) counts[code] = whole[code]! - counts[code]!;
    return counts;
  }

  /** How many different codes the passing rows have, code 0 (nothing recorded) left out. */
  different(codes: Codes, size: number): number {
    const seen = new Uint8Array(size);
    const rows = this.passing();
    for (let i = 0; i < rows.length; i++) seen[codes[rows[i]!]!] = 1;
    let sum = 0;
    for (let code = 1; code < size; code++) sum += seen[code]!;
    return sum;
  }
}

function tally(codes: Codes, size: number, rows: Uint32Array): Uint32Array {
  const counts = new Uint32Array(size);
  for (let i = 0; i < rows.length; i++) counts[codes[rows[i]!]!]!++;
  return counts;
}

function tallyAll(codes: Codes, size: number): Uint32Array {
  const counts = new Uint32Array(size);
  for (let i = 0; i < codes.length; i++) counts[codes[i]!]!++;
  return counts;
}

/** Passes rows with one of these codes. */
export function amongCodes(codes: Codes, size: number, allowed: Iterable<number>): Test {
  const fails = new Uint8Array(size).fill(1);
  for (const code of allowed) fails[code] = 0;
  return (out) => {
    for (let i = 0; i < out.length; i++) out[i] = fails[codes[i]!]!;
  };
}

/** Passes numbers from `low` to `high`, both included; what is missing fails. */
export function between(values: Float64Array, low: number, high: number): Test {
  return (out) => {
    for (let i = 0; i < out.length; i++) out[i] = values[i]! >= low && values[i]! <= high ? 0 : 1;
  };
}

/** Passes rows that have a 1. */
export function marked(marks: Uint8Array): Test {
  return (out) => {
    for (let i = 0; i < out.length; i++) out[i] = marks[i]! ^ 1;
  };
}
