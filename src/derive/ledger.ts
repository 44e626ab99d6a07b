// The ledger: one row for every frame of the input, kept or removed with a reason.
// Source: our own; DESIGN rule 6: dropped data is counted with a reason.
// Invariant: as many rows as frames; a removed row has a reason of REASONS, a kept one has none.
import { writeCsv } from "../formats/csv.ts";

/** Why a frame was removed, in the order in which a frame is judged. */
export const REASONS = [
  "duplicate_image", // the id, or the very bytes, were seen before
  "missing_label", // no gender entry in meta
  "no_hand_box", // no box has the gesture's label
  "image_missing",
  "image_unreadable",
  "hand_outside_frame", // more than half of the hand's square is outside
  "no_face",
  "low_face_score",
  "face_too_small",
  "ambiguous_face", // several faces, and the hand could be another's
  "label_conflict", // the subject's frames do not give a majority
] as const;
export type Reason = (typeof REASONS)[number];

export const LEDGER_COLUMNS = [
  "image_id",
  "gesture",
  "source_split",
  "user_id",
  "status",
  "reason",
  "detail",
  "split",
  "gender",
  "gender_agreement",
  "gender_votes",
  "age",
  "race",
  "width",
  "height",
  "faces",
  "face_score",
  "face_box",
  "hand_box",
  "sha256",
] as const;
/** Boxes are `x y width height` in px of the frame; empty where nothing was measured. */
export type LedgerRow = Readonly<Record<(typeof LEDGER_COLUMNS)[number], string | number>>;

/** Counts of a ledger by outcome. */
export interface LedgerCounts {
  readonly frames: number;
  readonly kept: number;
  /** Every reason of REASONS, 0 where none. */
  readonly removed: Readonly<Record<Reason, number>>;
}

/**
 * Writes the ledger and counts it.
 *
 * @param path - CSV to write, atomically
 * @param rows - one a frame, in the order of the input
 */
export async function writeLedger(path: string, rows: AsyncIterable<LedgerRow>): Promise<LedgerCounts> {
  const removed = Object.fromEntries(REASONS.map((reason) => [reason, 0])) as Record<Reason, number>;
  let frames = 0;
  let kept = 0;
  async function* counted() {
    for await (const row of rows) {
      frames++;
      if (row.status === "kept") kept++;
      else removed[row.reason as Reason]++;
      yield row;
    }
  }
  await writeCsv(path, LEDGER_COLUMNS, counted());
  return { frames, kept, removed };
}
