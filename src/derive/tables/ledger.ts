// The ledger: one row for every frame of the input, kept or removed with a reason; as CSV and as Parquet.
// Source: our own; dropped data is counted with a reason.
// Invariants: as many rows as frames; a removed row has a reason of REASONS, a kept one has none, but `overruled` if a
// decision kept it against a rule; both files have the same values.

import { LEDGER_COLUMNS, LEDGER_SCHEMA, type LedgerColumn } from "../../dataset/ledger-columns.ts";
import { openCsv } from "../../formats/csv.ts";
import type { ParquetType } from "../../formats/parquet/parquet.ts";
import { openParquet } from "../../formats/parquet/write.ts";
import { REASONS, type Reason } from "../judge/reasons.ts";

type Cell<T extends ParquetType> = T extends "string" | "string?"
  ? string | (T extends "string?" ? null : never)
  : number | (T extends `${string}?` ? null : never);
/** One frame, as a row of the ledger. */
export type LedgerRow = { readonly [C in LedgerColumn]: Cell<(typeof LEDGER_SCHEMA)[C]> };

/** Counts of a ledger by outcome. */
export interface LedgerCounts {
  readonly frames: number;
  readonly kept: number;
  /** Every reason of REASONS, 0 where none. */
  readonly removed: Readonly<Record<Reason, number>>;
  /** Reasons that a decision overruled. */
  readonly restored: Readonly<Record<string, number>>;
  readonly hands: Readonly<Record<string, number>>;
  /** Frames that EXIF turns, by the pixels that their annotation refers to. */
  readonly annotatedIn: Readonly<Record<string, number>>;
  /** Rows that a decision is about. */
  readonly decided: number;
}

/** What is counted of a row; null or empty where there is nothing. */
type Counted = Readonly<
  Record<"status", string> &
    Record<"reason" | "overruled" | "hand_from" | "annotated_in" | "decision", string | null>
>;

/** Counts rows of a ledger, from a derivation or from a file. */
export class LedgerTally {
  readonly #removed = Object.fromEntries(REASONS.map((reason) => [reason, 0])) as Record<Reason, number>;
  readonly #restored: Record<string, number> = {};
  readonly #hands: Record<string, number> = {};
  readonly #annotatedIn: Record<string, number> = {};
  #frames = 0;
  #kept = 0;
  #decided = 0;

  add({ status, reason, overruled, hand_from, annotated_in, decision }: Counted): void {
    this.#frames++;
    if (status === "kept") this.#kept++;
    else this.#removed[reason as Reason]++;
    if (overruled) this.#restored[overruled] = (this.#restored[overruled] ?? 0) + 1;
    if (hand_from) this.#hands[hand_from] = (this.#hands[hand_from] ?? 0) + 1;
    if (annotated_in) this.#annotatedIn[annotated_in] = (this.#annotatedIn[annotated_in] ?? 0) + 1;
    if (decision) this.#decided++;
  }

  get counts(): LedgerCounts {
    const [frames, kept, decided] = [this.#frames, this.#kept, this.#decided];
    const [removed, restored] = [this.#removed, this.#restored];
    return { frames, kept, removed, restored, hands: this.#hands, annotatedIn: this.#annotatedIn, decided };
  }
}

/** A ledger that is being written; its files appear at `close`. */
export interface LedgerWriter {
  add(row: LedgerRow): Promise<void>;
  close(): Promise<LedgerCounts>;
  /** Takes away what was written; nothing happens after `close`. */
  discard(): Promise<void>;
}

/**
 * Opens a ledger for rows in the order of the input, one a frame; they are counted and written, not stored in memory.
 *
 * @param paths - CSV and Parquet to write, each atomically
 */
export async function openLedger(paths: {
  readonly csv: string;
  readonly parquet: string;
}): Promise<LedgerWriter> {
  const csv = await openCsv(paths.csv, LEDGER_COLUMNS);
  const parquet = await openParquet(paths.parquet, LEDGER_SCHEMA);
  const tally = new LedgerTally();
  return {
    async add(row) {
      tally.add(row);
      await parquet.add(row);
      await csv.add(
        Object.fromEntries(LEDGER_COLUMNS.map((name) => [name, row[name] ?? ""])) as Record<
          LedgerColumn,
          string | number
        >,
      );
    },
    async close() {
      await csv.close();
      await parquet.close();
      return tally.counts;
    },
    async discard() {
      await csv.discard();
      await parquet.discard();
    },
  };
}
