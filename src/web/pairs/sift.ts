// ◇ Browser-safe. What the address shows of a table: rows that pass, in which order, with which counts.
// Invariants: a filter costs one pass, and only when it changes; orders are kept until the table grows.
import type { Choices } from "../app/address.ts";
import { BINS, type Binned, binned } from "../table/bins.ts";
import { type Beside, FILTERS, testOf } from "../table/choose.ts";
import { columnOf, type Table } from "../table/column.ts";
import { grouped, orderBy, passingIn } from "../table/order.ts";
import { amongCodes, Sieve } from "../table/sieve.ts";

/** What is shown. */
export interface Sifted {
  readonly rows: Uint32Array;
  /** Different ones; undefined where none are recorded. */
  readonly subjects?: number | undefined;
  /** Group of each row of the table, if they are shown in groups, and what groups are made of. */
  readonly groups?: ArrayLike<number> | undefined;
  readonly grouping?: GroupName | undefined;
  /** Rows by code of a facet or bin of a histogram, by all filters but its own. */
  count(name: string): Uint32Array | undefined;
  /** Names of the filters that are set. */
  readonly filters: readonly string[];
}

/** Ways to put rows together. */
export const GROUPS = ["subject", "copies"] as const;
type GroupName = (typeof GROUPS)[number];

/** Rows that are rehearsed on, at most, and the filter's name. */
const REHEARSED = 20_000;
const REHEARSAL = "rehearsal";

/** Orders that are kept. */
const KEPT_ORDERS = 3;

/** A table behind a sieve. */
export class Sifting {
  readonly table: Table;
  readonly #sieve: Sieve;
  readonly #set = new Map<string, string>();
  readonly #bins = new Map<string, Binned | undefined>();
  readonly #orders = new Map<string, Uint32Array>();
  #result: { readonly key: string; readonly sifted: Sifted } | undefined;

  constructor(table: Table) {
    this.table = table;
    this.#sieve = new Sieve(table.rows);
  }

  /** The histogram of a column. */
  bins(name: string): Binned | undefined {
    if (!this.#bins.has(name)) {
      const values = columnOf(this.table, name, "numbers")?.values;
      this.#bins.set(name, values && binned(values));
    }
    return this.#bins.get(name);
  }

  /**
   * Sets the filters and the order that an address has.
   *
   * @param keyOf - what of `beside` a filter depends on, as text
   */
  apply(choices: Choices, beside: Beside, keyOf: (filter: string) => string = () => ""): Sifted {
    for (const name of FILTERS) {
      const values = choices[name] ?? [];
      const key = values.length === 0 ? "" : `${JSON.stringify(values)} ${keyOf(name)}`;
      if ((this.#set.get(name) ?? "") === key) continue;
      this.#set.set(name, key);
      this.#sieve.set(name, key === "" ? undefined : testOf(this.table, name, values, beside));
      this.#result = undefined;
    }
    const sort = choices["sort"]?.[0];
    const group = GROUPS.find((one) => one === choices["group"]?.[0]);
    const key = `${sort} ${group}`;
    if (this.#result?.key !== key) this.#result = { key, sifted: this.#sift(sort, group, beside) };
    return this.#result.sifted;
  }

  /**
   * Sifts and counts some rows by a filter that nobody set, and forgets it: the browser compiles what runs often, and the first filter
   * that somebody sets takes half as long.
   */
  rehearse(): void {
    const sieve = new Sieve(Math.min(this.table.rows, REHEARSED));
    const { codes } = columnOf(this.table, "gender", "words") ?? { codes: new Uint8Array(sieve.rows) };
    sieve.set(REHEARSAL, amongCodes(codes, 0x100, [1]));
    sieve.passing().slice();
    for (const [name, column] of this.table.columns) {
      if (column.kind === "words") sieve.count(column.codes, column.words.length, REHEARSAL);
      const bins = this.#bins.get(name)?.bins;
      if (bins !== undefined) sieve.count(bins, BINS + 1, REHEARSAL);
    }
    sieve.set(REHEARSAL, undefined);
    sieve.passing();
  }

  #sift(sort: string | undefined, group: GroupName | undefined, { copies }: Beside): Sifted {
    const order = sort === undefined ? undefined : this.#orderOf(sort);
    const shown = order === undefined ? this.#sieve.passing().slice() : passingIn(order, this.#sieve);
    const people = columnOf(this.table, "user_id", "words");
    const groups = group === "subject" ? people?.codes : group === "copies" ? copies : undefined;
    const size = group === "subject" ? (people?.words.length ?? 0) : this.table.rows;
    const counts = new Map<string, Uint32Array | undefined>();
    return {
      rows: groups === undefined ? shown : grouped(shown, groups, size),
      subjects: people && this.#sieve.different(people.codes, people.words.length),
      groups,
      grouping: group,
      filters: this.#sieve.names(),
      count: (name) => {
        if (!counts.has(name)) counts.set(name, this.#count(name));
        return counts.get(name);
      },
    };
  }

  #count(name: string): Uint32Array | undefined {
    const words = columnOf(this.table, name, "words");
    if (words !== undefined) return this.#sieve.count(words.codes, words.words.length, name);
    const bins = this.bins(name)?.bins;
    return bins && this.#sieve.count(bins, BINS + 1, name);
  }

  /** `face_px` or, the other way, `-face_px`. */
  #orderOf(sort: string): Uint32Array | undefined {
    const known = this.#orders.get(sort);
    const column = this.table.columns.get(sort.replace(/^-/, ""));
    if (known !== undefined || column === undefined) return known;
    const order = orderBy(column, sort.startsWith("-"));
    this.#orders.set(sort, order);
    if (this.#orders.size > KEPT_ORDERS) this.#orders.delete(this.#orders.keys().next().value!);
    return order;
  }
}
