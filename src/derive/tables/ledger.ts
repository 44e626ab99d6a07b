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
  const removed = Object.fromEntries(REASONS.map((reason) => [reason, 0])) as Record<Reason, number>;
  const restored: Record<string, number> = {};
  const hands: Record<string, number> = {};
  const annotatedIn: Record<string, number> = {};
  let [frames, kept, decided] = [0, 0, 0];
  const count = (row: LedgerRow) => {
    frames++;
    if (row.status === "kept") kept++;
    else removed[row.reason as Reason]++;
    if (row.overruled !== null) restored[row.overruled] = (restored[row.overruled] ?? 0) + 1;
    if (row.hand_from !== null) hands[row.hand_from] = (hands[row.hand_from] ?? 0) + 1;
    if (row.annotated_in !== null) annotatedIn[row.annotated_in] = (annotatedIn[row.annotated_in] ?? 0) + 1;
    if (row.decision !== null) decided++;
  };
  return {
    async add(row) {
      count(row);
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
      return { frames, kept, removed, restored, hands, annotatedIn, decided };
    },
    async discard() {
      await csv.discard();
      await parquet.discard();
    },
  };
}
