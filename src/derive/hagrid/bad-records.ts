// Bad records of a tree are all read before they are reported, so that one run names the first of them and their number.
// Invariant: only what is wrong with data is gathered; any other error is thrown at once.
import { AppError } from "../../core/errors.ts";

/** As many are named. */
const NAMED = 20;

/** Faults of records, gathered while a tree is read. */
export class BadRecords {
  readonly #first: AppError[] = [];
  #count = 0;

  /** Takes a fault of the data; throws any other error. */
  add(error: unknown): void {
    if (!(error instanceof AppError) || error.kind !== "data") throw error;
    if (this.#count++ < NAMED) this.#first.push(error);
  }

  /**
   * Runs what may meet a bad record.
   *
   * @returns undefined for one that is bad
   */
  try<R>(read: () => R): R | undefined {
    try {
      return read();
    } catch (error) {
      this.add(error);
      return undefined;
    }
  }

  /**
   * Throws what was gathered; nothing happens if all records are good.
   *
   * @throws the fault itself if it is the only one; else AppError("data", "BAD_RECORDS") that names the first 20
   */
  throwAll(where: string): void {
    const [first] = this.#first;
    if (first === undefined) return;
    if (this.#count === 1) throw first;
    const more = this.#count - this.#first.length;
    const alike = this.#first.every(({ hint }) => hint === first.hint);
    const named = this.#first.map(({ message, hint }) =>
      alike || hint === undefined ? message : `${message}: ${hint}`,
    );
    const lines = [...named, ...(more === 0 ? [] : [`and ${more} more`])];
    const message = `Expected good records in ${where}, got ${this.#count} bad ones:`;
    const hint = (alike ? first.hint : undefined) ?? "mend the records, or take them out of their files";
    throw new AppError("data", "BAD_RECORDS", message, { hint, lines, cause: first });
  }
}
