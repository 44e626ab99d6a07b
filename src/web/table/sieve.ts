// ◇ Browser-safe. Filters over all rows at once, and counts in which each facet leaves out its own filter.
// Source: our own, after crossfilter's idea. Invariants: a row has one bit for each filter that it fails; rows that fail none are
// shown, and rows that fail one alone are what the counts of that filter's own facet see besides. A filter that changes costs one
// pass over its own column.

/** Bits of a row. */
const SLOTS = 32;

/** Decides rows: 1 in `fails` for each that does not pass, 0 for others; what it held before says nothing. */
export type Test = (fails: Uint8Array) => void;

/** Which rows pass a set of filters. */
export class Sieve {
  readonly rows: number;
  readonly #bits: Uint32Array;
  readonly #names: (string | undefined)[] = Array(SLOTS).fill(undefined);
  readonly #fails: Uint8Array;
  /** Rows that pass, in their order, and those that fail one filter alone. */
  #passing: Uint32Array;
  #nearly: Uint32Array;
  #stale = true;
  #passes = 0;
  #near = 0;

  constructor(rows: number) {
    this.rows = rows;
    this.#bits = new Uint32Array(rows);
    this.#fails = new Uint8Array(rows);
    this.#passing = new Uint32Array(rows);
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
    const bits = this.#bits;
    let [passes, near] = [0, 0];
    for (let i = 0; i < bits.length; i++) {
      const failed = bits[i]!;
      if (failed === 0) this.#passing[passes++] = i;
      else if ((failed & (failed - 1)) === 0) this.#nearly[near++] = i;
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
  count(codes: ArrayLike<number>, size: number, without: string): Uint32Array {
    this.#sift();
    const counts = new Uint32Array(size);
    const [passing, nearly, bits] = [this.#passing, this.#nearly, this.#bits];
    if (this.#passes === this.rows) for (let i = 0; i < this.rows; i++) counts[codes[i]!]!++;
    else for (let i = 0; i < this.#passes; i++) counts[codes[passing[i]!]!]!++;
    const at = this.#names.indexOf(without);
    if (at < 0) return counts;
    const bit = (1 << at) >>> 0;
    for (let i = 0; i < this.#near; i++) {
      const row = nearly[i]!;
      if (bits[row] === bit) counts[codes[row]!]!++;
    }
    return counts;
  }

  /** How many different codes the passing rows have, code 0 (nothing recorded) left out. */
  different(codes: ArrayLike<number>, size: number): number {
    const seen = new Uint8Array(size);
    for (const row of this.passing()) seen[codes[row]!] = 1;
    let sum = 0;
    for (let code = 1; code < size; code++) sum += seen[code]!;
    return sum;
  }
}

/** Passes rows with one of these codes. */
export function amongCodes(codes: ArrayLike<number>, size: number, allowed: Iterable<number>): Test {
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
